"""Lists, batches and what the parts of the client send: method, address, body."""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, get_args

import httpx
import pytest

from contracts.custody import ACTIONS, CUSTODY_ACTIONS
from contracts.levels import OFFICE_LEVELS, Level
from contracts.protocol import DeliveryState, TransferState
from contracts.statuses import DOSSIER_STATUS_NAMES, DocumentStatus
from deploy.client import answers, registers, words
from deploy.client.hub import Hub
from deploy.client.problems import Conflict, Invalid, TimedOut
from deploy.openapi import FOLDER
from gateway.operations import views
from tests.unit.deploy.client.hubs import GATEWAY, OFFICE, Script, Time, hub_of, ok, refusal

CLIENT = Path(answers.__file__).parent
NEW = {"procedure": "1.001612", "applicant": {"kind": "citizen", "name": "Mẫu"}}


def test_it_imports_nothing_but_the_standard_library_httpx_and_the_contracts() -> None:
    allowed = {*sys.stdlib_module_names, "httpx", "contracts"}
    for file in CLIENT.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            strange = {name for name in names if name.split(".")[0] not in allowed}
            assert all(name.startswith("deploy.client.") for name in strange), (file.name, strange)


def test_its_literals_are_those_of_the_contracts_and_of_the_gateway() -> None:
    assert set(get_args(words.Action)) == {*ACTIONS, *CUSTODY_ACTIONS} - {"transfer"}
    assert set(get_args(words.DocumentStatus)) == {status.value for status in DocumentStatus}
    assert set(get_args(words.DossierStatus)) == set(DOSSIER_STATUS_NAMES)
    assert set(get_args(words.TransferState)) == {state.value for state in TransferState}
    assert set(get_args(words.DeliveryState)) == {state.value for state in DeliveryState}
    assert set(get_args(words.StuckKind)) == set(get_args(views.Kind))
    assert set(get_args(words.DeadLetterState)) == set(get_args(views.LetterState))
    assert set(get_args(words.Office)) == {level.value for level in OFFICE_LEVELS}
    assert set(get_args(words.Level)) == {level.value for level in Level}


@pytest.mark.parametrize(
    ("form", "schema"),
    [
        (registers.Stuck, "HeldUp"),
        (registers.Redelivered, "Redelivered"),
        (registers.Closed, "Closed"),
        (registers.DeadLetter, "ClosedLetter"),
        (registers.Undecided, "Undecided"),
        (registers.Decision, "Chosen"),
    ],
)
def test_what_operators_read_has_the_members_the_gateway_tells(form: Any, schema: str) -> None:
    told = json.loads((FOLDER / "gateway.json").read_text(encoding="utf-8"))["components"]["schemas"][schema]
    assert set(form.__annotations__) == set(told["properties"])
    assert set(told.get("required", ())) - form.__required_keys__ <= {"dry_run"}


async def test_a_list_goes_on_page_by_page_with_the_same_filters() -> None:
    script = Script([ok({"items": [{"code": "3"}, {"code": "2"}], "next_cursor": "b"}), ok({"items": [{"code": "1"}]})])
    hub = hub_of(script)
    codes = [line["code"] async for line in hub.dossiers.list(status="2,4", overdue=True, limit=2)]
    assert codes == ["3", "2", "1"]
    asked = [dict(request.url.params) for request in script.requests]
    assert asked == [
        {"status": "2,4", "overdue": "true", "limit": "2"},
        {"status": "2,4", "overdue": "true", "limit": "2", "cursor": "b"},
    ]


async def test_many_dossiers_go_in_batches_and_each_is_told_of() -> None:
    sizes: list[int] = []

    def batch(request: httpx.Request) -> httpx.Response:
        items = json.loads(request.content)["items"]
        sizes.append(len(items))
        lines: list[dict[str, Any]] = [
            {"index": n, "status": 201, "body": {"code": f"c{n}"}} for n in range(len(items))
        ]
        lines[-1] = {"index": len(items) - 1, "status": 409, "problem": {"code": "dossier.exists"}}
        return httpx.Response(207 if len(items) > 1 else 422, json={"items": lines})

    script = Script([batch])
    hub = hub_of(script)
    found = [outcome async for outcome in hub.dossiers.submit_many([NEW] * 1001, idempotency_key="k")]  # type: ignore[list-item]
    assert sizes == [500, 500, 1]
    assert [outcome.index for outcome in found] == list(range(1001))
    assert script.headers("Idempotency-Key") == ["k-0", "k-500", "k-1000"]
    refused = {outcome.index: outcome.problem for outcome in found if outcome.problem}
    assert set(refused) == {499, 999, 1000}
    assert isinstance(refused[499], Conflict)
    assert (found[0].body, found[499].body) == ({"code": "c0"}, None)


async def test_a_batch_that_is_refused_as_a_whole_raises() -> None:
    with pytest.raises(Invalid, match="/items/0/channel"):
        [
            outcome
            async for outcome in hub_of(
                Script([refusal(422, "request.invalid", errors=[{"pointer": "/items/0/channel"}])])
            ).dossiers.submit_many([NEW])  # type: ignore[list-item]
        ]


async def test_waiting_reads_until_it_holds_and_gives_up_in_time() -> None:
    time = Time()
    script = Script([ok({"custody": "taking"}), ok({"custody": "taking"}), ok({"custody": "held"})])
    assert (await hub_of(script, time).dossiers.until_held("X"))["custody"] == "held"
    assert time.pauses == [0.1, pytest.approx(0.13)]
    time = Time()
    with pytest.raises(TimedOut, match="handed_over or refused"):
        await hub_of(Script([ok({"state": "routed"})]), time).transfers.wait_for(
            "T", "handed_over", "refused", seconds=9
        )
    assert sum(time.pauses) <= 9


async def test_refused_lines_of_a_sheet_are_a_report_and_a_bad_sheet_is_a_problem() -> None:
    report = {"dry_run": False, "lines": 2, "refused": 1, "report": [], "code": "request.invalid"}
    assert (await hub_of(Script([ok(report, 422)])).organs.import_csv(b"code\n"))["refused"] == 1
    with pytest.raises(Invalid):
        await hub_of(Script([refusal(422, "request.invalid")])).organs.import_csv(b"\xff")


Call = Callable[[Hub], Awaitable[object]]
CALLS: list[tuple[Call, str, str, object]] = [
    (lambda h: h.dossiers.transfer("X", "Y", "vì"), "POST", f"{OFFICE}/v1/dossiers/X/transfers",
     {"to": "Y", "reason": "vì"}),
    (lambda h: h.dossiers.refuse_custody("X", "vì"), "POST", f"{OFFICE}/v1/dossiers/X/actions",
     {"action": "refuse_custody", "reason": "vì"}),
    (lambda h: h.dossiers.recall_custody("X"), "POST", f"{OFFICE}/v1/dossiers/X/actions", {"action": "recall_custody"}),
    (lambda h: h.documents.answer("D", "13", to=["Y"]), "POST", f"{OFFICE}/v1/documents/D/statuses",
     {"code": "13", "to": ["Y"]}),
    (lambda h: h.documents.recall("D", {"reason": "nhầm"}), "POST", f"{OFFICE}/v1/documents/D/recall",
     {"reason": "nhầm"}),
    (lambda h: h.documents.update("D", {"place": "HB"}), "POST", f"{OFFICE}/v1/documents/D/update", {"place": "HB"}),
    (lambda h: h.operations.transfer("T"), "GET", f"{GATEWAY}/v1/transfers/T", None),
    (lambda h: h.operations.routes(), "GET", f"{GATEWAY}/v1/routes", None),
    (lambda h: h.operations.redeliver("D/1", "lại"), "POST", f"{GATEWAY}/v1/deliveries/D%2F1:redeliver",
     {"reason": "lại"}),
    (lambda h: h.operations.close("D", "nhầm", dry_run=True), "POST", f"{GATEWAY}/v1/deliveries/D:close",
     {"reason": "nhầm", "dry_run": True}),
    (lambda h: h.operations.close_dead_letter("7", "xong"), "POST", f"{GATEWAY}/v1/dead-letters/7:close",
     {"reason": "xong"}),
    (lambda h: h.operations.decide("A", "B", "vì", subject="S"), "POST", f"{GATEWAY}/v1/undecided/A:decide",
     {"successor": "B", "subject": "S", "reason": "vì"}),
    (lambda h: h.operations.rotate_keys("định kỳ"), "POST", f"{GATEWAY}/v1/keys:rotate", {"reason": "định kỳ"}),
    (lambda h: h.systems.create({"name": "S"}, reason="mới"), "POST", f"{GATEWAY}/v1/systems?reason=m%E1%BB%9Bi",
     {"name": "S"}),
    (lambda h: h.systems.change("s", {"quota": None}), "PATCH", f"{GATEWAY}/v1/systems/s", {"quota": None}),
    (lambda h: h.systems.drop_secret("s", "1"), "DELETE", f"{GATEWAY}/v1/systems/s/secrets/1", None),
    (lambda h: h.systems.suspend("s", "lộ"), "POST", f"{GATEWAY}/v1/systems/s:suspend", {"reason": "lộ"}),
    (lambda h: h.organs.show("G22", at="2025-07-01"), "GET", f"{GATEWAY}/v1/organs/G22?at=2025-07-01", None),
    (lambda h: h.organs.put("G22", {"name": "N"}), "PUT", f"{GATEWAY}/v1/organs/G22", {"name": "N"}),
    (lambda h: h.organs.add_alias("G22", {"code": "A"}), "POST", f"{GATEWAY}/v1/organs/G22/aliases", {"code": "A"}),
]  # fmt: skip


@pytest.mark.parametrize(("call", "method", "url", "body"), CALLS, ids=[f"{c[1]} {c[2]}" for c in CALLS])
async def test_what_is_sent(call: Call, method: str, url: str, body: object) -> None:
    script = Script([ok({})])
    await call(hub_of(script, organ="000.03.21.H28"))
    [request], [sent] = script.requests, script.bodies
    assert (request.method, str(request.url)) == (method, url)
    assert (json.loads(sent) if sent else None) == body
    assert ("Idempotency-Key" in request.headers) == (method == "POST")
    assert ("X-Organ" in request.headers) == url.startswith(OFFICE)
