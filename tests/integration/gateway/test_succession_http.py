"""The operators' door to closed organs whose successor must be chosen."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest

from gateway.audit.doors import Acting
from gateway.organs.snapshot import OrganSnapshot
from gateway.registries.follower import Follower
from gateway.succession import actions
from gateway.succession.api import build_router
from services.kernel.app import Web, build_app
from services.kernel.auth import Caller
from services.kernel.bell import Bell
from services.kernel.crypto import Keyring
from services.kernel.idempotency import Idempotency
from services.kernel.metrics import Metrics
from tests.integration.gateway.conftest import DISTRICT, NOW, Bench, StillClock
from tests.integration.gateway.succession import CLOSED, CLOSED_TOO, NORTH, SOUTH, Office
from tests.integration.gateway.test_document_changes import Paper

REASON = "Theo phương án sắp xếp"


@dataclass
class Door:
    """Whoever calls is an operator: tokens are judged elsewhere."""

    scopes: frozenset[str] = frozenset({"ops"})

    def caller(self, *_given: object, **_load: object) -> Caller:
        return Caller("operator", (), self.scopes)


@pytest.fixture
async def office(bench: Bench) -> Office:
    return Office(bench.database)


@pytest.fixture
async def http(office: Office) -> AsyncIterator[httpx.AsyncClient]:
    organs, database = OrganSnapshot(), office.database
    organs.directory = office.registries.snapshot(NOW.date()).directory
    follower = Follower(database, Bell("postgresql://unused"), [])
    acting = Acting(database, follower, Idempotency(Keyring({"test": bytes(32)}, "test")), StillClock())
    web = Web(title="t", database=database, metrics=Metrics(), checks=[], state={"authenticator": Door()})
    app = build_app(web, [build_router(acting, office.bench.desk, organs)])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as client:
        yield client


async def test_lists_what_waits_page_by_page_and_takes_the_choice(
    office: Office, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench, papers = office.bench, [Paper() for _ in range(3)]
    await bench.take(*(paper.issued(CLOSED) for paper in papers), papers[0].updated(CLOSED), Paper().issued(CLOSED_TOO))
    page = (await http.get("/v1/undecided", params={"limit": 1})).json()
    [item] = page["items"]
    assert (item["organ"], item["closed_on"], item["waiting"], item["subjects"]) == (CLOSED, "2024-01-01", 4, 3)
    assert [each["organ"] for each in item["successors"]] == [NORTH, SOUTH]
    assert "decided" not in item
    rest = (await http.get("/v1/undecided", params={"cursor": page["next_cursor"]})).json()
    assert [each["organ"] for each in rest["items"]] == [CLOSED_TOO]
    assert "next_cursor" not in rest

    path, choice = f"/v1/undecided/{CLOSED.lower()}:decide", {"successor": NORTH, "reason": REASON}
    body = {"organ": CLOSED, "successor": NORTH, "deliveries": 4, "dry_run": True}
    tried = await http.post(path, json=choice | {"dry_run": True})
    assert (tried.status_code, tried.json()) == (200, body)
    monkeypatch.setattr(actions, "AT_ONCE", 2)
    key = {"Idempotency-Key": "choice-1"}
    begun = await http.post(path, json=choice, headers=key)
    assert (begun.status_code, begun.json()) == (202, body | {"dry_run": False})
    [going, _] = (await http.get("/v1/undecided")).json()["items"]
    assert (going["decided"]["successor"], going["decided"]["by"]) == (NORTH, "operator")
    await office.worker.turn()
    replayed = await http.post(path, json=choice, headers=key)
    assert (replayed.status_code, replayed.headers["Idempotency-Replayed"]) == (202, "true")
    again = await http.post(path, json=choice)
    assert (again.status_code, again.json()["deliveries"]) == (200, 0)
    other = await http.post(path, json=choice | {"successor": SOUTH})
    assert (other.status_code, other.json()["code"]) == (409, "succession.decided")


@pytest.mark.parametrize(
    ("body", "status", "code", "pointer"),
    [
        ({"successor": DISTRICT, "reason": REASON}, 422, "succession.not_successor", "/successor"),
        ({"successor": NORTH, "reason": "ab"}, 422, "request.invalid", "/reason"),
        ({"successor": NORTH, "reason": "x" * 501}, 422, "request.invalid", "/reason"),
        ({"successor": NORTH}, 422, "request.invalid", "/reason"),
        ({"successor": NORTH, "reason": REASON, "subject": ""}, 422, "request.invalid", "/subject"),
        ({"successor": NORTH, "reason": REASON, "all": True}, 422, "request.invalid", "/all"),
        ({"successor": NORTH, "reason": REASON, "subject": "nothing-of-it"}, 404, "request.not_found", None),
    ],
    ids=["no heir", "short", "long", "no reason", "empty subject", "unknown field", "unknown subject"],
)
async def test_refuses_with_the_place(
    office: Office, http: httpx.AsyncClient, body: dict[str, object], status: int, code: str, pointer: str | None
) -> None:
    await office.bench.take(Paper().issued(CLOSED))
    refused = await http.post(f"/v1/undecided/{CLOSED}:decide", json=body)
    assert (refused.status_code, refused.json()["code"]) == (status, code), refused.text
    if pointer:
        assert [each["pointer"] for each in refused.json()["errors"]] == [pointer]
    assert await office.lines() == [CLOSED]
