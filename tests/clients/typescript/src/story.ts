// The smoke story with the generated client: a dossier from a commune to its district and back, a document answered.
// The last line of the output says what became of them.

import { type ActionForm, Refused, System, once, taken, until } from "./system.js";

const home = process.argv[2];
if (!home) throw new Error("usage: story HOME");
const commune = System.read(home, "commune-a");
const neighbour = System.read(home, "commune-b");
const district = System.read(home, "district-a");

async function dossier(): Promise<string> {
  const form = await commune.attach(`Tờ khai ${Date.now()}`, "to-khai.txt");
  const { code } = taken(
    await commune.office.POST("/v1/dossiers", {
      body: {
        procedure: "1.001612",
        channel: 1,
        applicant: { kind: "citizen", name: "Nguyễn Thị Mẫu", id_number: "000000000000" },
        summary: "Đăng ký thành lập hộ kinh doanh",
        attachments: [form],
      },
      params: once(),
    }),
  );
  const path = { code };
  await act(commune, code, { action: "accept" });
  taken(
    await commune.office.POST("/v1/dossiers/{code}/transfers", {
      body: { to: district.organ, reason: "Chuyển xử lý theo thẩm quyền" },
      params: { path, ...once() },
    }),
  );
  await district.item(code, "dossier.transferred");
  await act(district, code, { action: "accept_custody" });
  await until("custody held by the district", () => show(district, code), (seen) => seen.custody === "held");
  await until("custody gone", () => show(commune, code), (seen) => seen.custody === "none");
  await refused(commune, code);
  const paper = await district.attach(`Giấy chứng nhận ${code}`, "ket-qua.txt");
  await act(district, code, { action: "complete", result: { number: "01/GCN", attachments: [paper] } });
  await until("back and completed", () => show(commune, code), (seen) => seen.status === 9 && seen.custody === "held");
  await act(commune, code, { action: "return_result" });
  return code;
}

async function act(system: System, code: string, body: ActionForm): Promise<void> {
  taken(await system.office.POST("/v1/dossiers/{code}/actions", { body, params: { path: { code }, ...once() } }));
}

async function show(system: System, code: string) {
  return taken(await system.office.GET("/v1/dossiers/{code}", { params: { path: { code } } }));
}

async function refused(system: System, code: string): Promise<void> {
  try {
    await act(system, code, { action: "assign" });
  } catch (error) {
    if (error instanceof Refused && error.problem.code === "custody.not_custodian" && error.problem.remedy.vi) return;
    throw error;
  }
  throw new Error("who gave the dossier away may still act on it");
}

async function document(): Promise<{ id: string; answers: string[] }> {
  const paper = await commune.attach(`Nội dung ${Date.now()}`, "cong-van.txt");
  const { id, transfers } = taken(
    await commune.office.POST("/v1/documents", {
      body: {
        to: [neighbour.organ],
        number: String(Date.now()),
        notation: "UBND-VP",
        promulgated_on: new Date().toISOString().slice(0, 10),
        type: 18,
        type_name: "Công văn",
        subject: "V/v phối hợp giải quyết thủ tục hành chính",
        attachments: [paper],
      },
      params: once(),
    }),
  );
  const transfer = transfers[0];
  if (!transfer) throw new Error("the document has no transfer");
  await neighbour.item(id, "document.issued");
  const seen = taken(await neighbour.office.GET("/v1/documents/{id}", { params: { path: { id } } }));
  if (typeof seen === "string" || seen.attachments[0]?.sha256 !== paper.sha256) throw new Error("the attachment did not come along");
  for (const code of ["01", "03"] as const) {
    const body = { code };
    taken(await neighbour.office.POST("/v1/documents/{id}/statuses", { body, params: { path: { id }, ...once() } }));
  }
  const told = await until(
    "both answers home",
    async () => taken(await commune.office.GET("/v1/transfers/{id}", { params: { path: { id: transfer } } })),
    ({ deliveries }) => deliveries[0]?.answers.length === 2,
  );
  return { id, answers: (told.deliveries[0]?.answers ?? []).map((answer) => answer.code).sort() };
}

const code = await dossier();
console.log(JSON.stringify({ dossier: code, status: (await show(commune, code)).status, document: await document() }));
