// One agency system: a token that renews itself, the generated client, and the few things every integration needs.

import { createHash, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import createClient, { type Client, type Middleware } from "openapi-fetch";
import type { paths as GatewayPaths } from "./gateway.js";
import type { components, paths as OfficePaths } from "./office.js";

type Schemas = components["schemas"];
export type Problem = Schemas["Problem"];
export type ActionForm = Schemas["ActionForm"];
export type Item = Schemas["Item"];

interface Credentials {
  name: string;
  client_id: string;
  client_secret: string;
  organs: string[];
  office_url: string;
  gateway_url: string;
}

interface Outcome<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

const WAIT_MILLISECONDS = 60_000;

/** What a refusal says; `remedy` is for people, in Vietnamese and English. */
export class Refused extends Error {
  constructor(readonly problem: Problem) {
    super(`${problem.status} ${problem.code}: ${problem.detail} (${problem.remedy.en})`);
  }
}

export class System {
  readonly office: Client<OfficePaths>;
  private readonly gateway: Client<GatewayPaths>;
  private token = "";
  private renewAt = 0;

  private constructor(private readonly credentials: Credentials) {
    this.office = createClient<OfficePaths>({ baseUrl: credentials.office_url });
    this.gateway = createClient<GatewayPaths>({ baseUrl: credentials.gateway_url });
    const authorized: Middleware = {
      onRequest: async ({ request }) => {
        request.headers.set("Authorization", `Bearer ${await this.bearer()}`);
        return request;
      },
    };
    this.office.use(authorized);
  }

  static read(home: string, name: string): System {
    const all = JSON.parse(readFileSync(`${home}/credentials.json`, "utf8")) as Credentials[];
    const found = all.find((each) => each.name === name);
    if (!found) throw new Error(`no system ${name} in ${home}`);
    return new System(found);
  }

  get organ(): string {
    const organ = this.credentials.organs[0];
    if (!organ) throw new Error(`${this.credentials.name} acts for no organ`);
    return organ;
  }

  /** Puts bytes under their digest and returns the reference by which a body names them. */
  async attach(text: string, name: string): Promise<Schemas["PaperForm"]> {
    const sha256 = createHash("sha256").update(text).digest("hex");
    const stored = taken(
      await this.office.PUT("/v1/attachments/{sha256}", {
        params: { path: { sha256 } },
        body: text,
        bodySerializer: (body) => body,
        headers: { "Content-Type": "application/octet-stream" },
      }),
    );
    return { sha256: stored.sha256, name, media_type: "text/plain" };
  }

  /** The first inbox item about the subject, acknowledged. */
  async item(subject: string, type: string): Promise<Item> {
    const end = Date.now() + WAIT_MILLISECONDS;
    let cursor: string | undefined;
    while (Date.now() < end) {
      const query = { wait: 2, limit: 500, ...(cursor === undefined ? {} : { cursor }) };
      const page = taken(await this.office.GET("/v1/inbox", { params: { query } }));
      const found = page.items.find((each) => each.subject === subject && each.type.endsWith(type));
      if (found) {
        taken(await this.office.POST("/v1/inbox/ack", { body: { ids: [found.id] }, params: once() }));
        return found;
      }
      cursor = page.cursor ?? cursor;
    }
    throw new Error(`${this.credentials.name}: nothing came about ${subject}`);
  }

  private async bearer(): Promise<string> {
    if (Date.now() >= this.renewAt) {
      const { client_id, client_secret } = this.credentials;
      const granted = taken(
        await this.gateway.POST("/oauth/token", {
          body: { grant_type: "client_credentials", client_id, client_secret },
          headers: { "Content-Type": "application/x-www-form-urlencoded" },
        }),
      );
      this.token = granted.access_token;
      this.renewAt = Date.now() + granted.expires_in * 500; // half of its life
    }
    return this.token;
  }
}

/** The body of a success; a refusal is thrown as the problem it is. */
export function taken<T>({ data, error, response }: Outcome<T>): T {
  if (data !== undefined) return data;
  if (error && typeof error === "object" && "code" in error) throw new Refused(error as Problem);
  throw new Error(`${response.status} from ${response.url}`);
}

/** A key of its own: the same call with the same key is carried out once. */
export function once(): { header: { "Idempotency-Key": string } } {
  return { header: { "Idempotency-Key": randomUUID() } };
}

/** Asks until it holds. */
export async function until<T>(what: string, ask: () => Promise<T>, holds: (seen: T) => boolean): Promise<T> {
  const end = Date.now() + WAIT_MILLISECONDS;
  for (;;) {
    const seen = await ask();
    if (holds(seen)) return seen;
    if (Date.now() > end) throw new Error(`never came to: ${what}; last: ${JSON.stringify(seen).slice(0, 600)}`);
    await new Promise((resume) => setTimeout(resume, 100));
  }
}
