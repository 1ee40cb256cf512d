"""HTTP door of the directory as a CSV sheet, for administrators: import with a report, export as of a date."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request
from starlette.responses import Response, StreamingResponse

from contracts.directory import is_valid
from contracts.identifiers import organ_key
from contracts.messages.base import Date
from contracts.problems import HubError
from gateway.audit.actions import Act
from gateway.audit.doors import JSON, WRITES, Acting, Administrator, AskedReason, IdempotencyKey
from gateway.organs import actions, forms, sheet
from gateway.organs.snapshot import OrganSnapshot
from services.kernel.app import Reading
from services.kernel.connection import Connection
from services.kernel.idempotency import Answer, json_answer
from services.kernel.openapi import PLACE, Responses, problem_responses
from services.kernel.problem_details import MEDIA_TYPE as PROBLEM
from services.kernel.problem_details import problem_body

CSV = "text/csv"
MAX_BYTES = 16 * 1024 * 1024
EXAMPLE = (
    "code,name,level,kind,superior,valid_from,valid_to,aliases,home,successors,default_successor,administrative_unit\r\n"
    "H44.104,Ủy ban nhân dân phường Đồng Tiến,commune,committee,H28:2025-07-01,2025-07-01,,"
    "000.04.01.H44:old,office,,,\r\n"
    "H44.105,Ủy ban nhân dân xã Mẫu,commune,committee,H28:2025-07-01,2025-07-01,,,office,,,\r\n"
)
CONTENT: dict[str, Any] = {CSV: {"schema": {"type": "string"}, "example": EXAMPLE}}


def build_router(acting: Acting, snapshot: OrganSnapshot) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["organs"])
    _add_import(router, acting, snapshot)
    _add_export(router, snapshot)
    return router


def _add_import(router: APIRouter, acting: Acting, snapshot: OrganSnapshot) -> None:
    @router.post(
        "/organs:import",
        summary="Import organs from a CSV sheet",
        operation_id="importOrgans",
        response_model=forms.ImportReport,
        responses={
            200: {"description": "The report", "content": {JSON: {"example": forms.REPORT}}},
            **_refusals(),
        },
        openapi_extra={"requestBody": {"required": True, "content": CONTENT}},
        max_body_size=MAX_BYTES,
    )
    async def import_organs(
        request: Request,
        administrator: Administrator,
        dry_run: Annotated[bool, Query(description="Judge only, store nothing · chỉ kiểm tra")] = False,
        partial: Annotated[
            bool, Query(description="Store the good lines though others are refused · nhận các dòng hợp lệ")
        ] = False,
        reason: AskedReason = "",
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        """UTF-8, with or without a byte order mark, separated by `,` or `;`, at most 20 000 lines and 16 MiB. The first
        line names the columns, in any order: `code` and any of `name`, `level`, `kind`, `superior`, `valid_from`,
        `valid_to`, `aliases`, `home`, `successors`, `default_successor`, `administrative_unit`. Of an organ that is
        there, what the sheet has no column for stays; an empty cell empties the field.

        The `curl` line sends the file `body.csv`: save the example below under that name, one line an organ behind the
        line of columns.

        Entries in a cell are separated by `|`: `superior` is `organ:from:to`, `aliases` is `code:kind:from:to` (kind
        `old`, `new` or `closed`), `successors` are codes; parts at the end may be left out. Lines may name one another
        in any order.

        All or nothing: when a line is refused, nothing is stored, and the 422 has the members of the report beside
        those of the problem. With `partial=true` the good lines are stored; lines that name a refused one are refused
        too. With `dry_run=true` the answer is always the report.

        Nhập danh mục cơ quan từ tệp CSV, có chạy thử và báo cáo từng dòng; mặc định nhận tất cả hoặc không nhận gì.
        """
        _check_type(request.headers.get("content-type", ""))
        data = await _bytes_of(request)
        rows = await asyncio.to_thread(sheet.read, data)
        given = actions.Sheet.of(rows, data, partial=partial, dry_run=dry_run)

        async def work(conn: Connection, act: Act) -> Answer:
            report, taken = await actions.import_sheet(conn, snapshot, given, by=act)
            if taken:
                return json_answer(200, report)
            error = HubError("request.invalid", f"{report['refused']} lines are refused, nothing was stored")
            return Answer(
                422, orjson.dumps(problem_body(error, request.state.place) | report), {"Content-Type": PROBLEM}
            )

        return await acting.once(request, administrator, work, key=idempotency_key, reason=reason, body=data)


def _refusals() -> Responses:
    """A refused sheet is told with its report."""
    refusals = problem_responses(WRITES)
    refusals[422]["description"] += "; for refused lines the problem has the members of the report besides"
    told = refusals[422]["content"][PROBLEM]
    problem = {"$ref": "#/components/schemas/Problem"}
    told["schema"] = {"anyOf": [{"allOf": [problem, {"$ref": "#/components/schemas/ImportReport"}]}, problem]}
    refused = {**forms.REPORT, "dry_run": False}
    error = HubError("request.invalid", f"{refused['refused']} lines are refused, nothing was stored")
    told["examples"][error.code] = {"summary": "Lines are refused", "value": problem_body(error, PLACE) | refused}
    return refusals


def _add_export(router: APIRouter, snapshot: OrganSnapshot) -> None:
    @router.get(
        "/organs:export",
        summary="Export organs as a CSV sheet",
        operation_id="exportOrgans",
        response_class=StreamingResponse,
        responses={200: {"description": "The sheet", "content": CONTENT}, **problem_responses([])},
    )
    async def export_organs(
        _administrator: Administrator,
        conn: Reading,
        at: Annotated[
            Date | None, Query(description="Those valid at the date; without it all, also closed ones · ngày")
        ] = None,
    ) -> Response:
        """In order of code, with the columns of the import: importing it again changes nothing.

        Xuất danh mục cơ quan ra CSV, cùng các cột với tệp nhập.
        """
        await snapshot.refresh(conn)
        chosen = [organ for organ in snapshot.directory if at is None or is_valid(organ, at)]
        chosen.sort(key=lambda organ: organ_key(organ.code))
        name = f"organs-{at.isoformat()}.csv" if at else "organs.csv"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return StreamingResponse(sheet.write(chosen), media_type=f"{CSV}; charset=utf-8", headers=headers)


def _check_type(content_type: str) -> None:
    kind, *parameters = [part.strip().lower() for part in content_type.split(";")]
    charsets: Sequence[str] = [each.partition("=")[2].strip('"') for each in parameters if each.startswith("charset=")]
    if kind != CSV or any(charset not in ("utf-8", "utf8") for charset in charsets):
        raise HubError("request.unsupported_media_type", f"send Content-Type: {CSV} in UTF-8")


async def _bytes_of(request: Request) -> bytes:
    """Bounded here too: what arrives compressed is counted as it is unpacked."""
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > MAX_BYTES:
            raise HubError("size.too_large", f"a sheet has at most {MAX_BYTES} bytes")
    return bytes(data)
