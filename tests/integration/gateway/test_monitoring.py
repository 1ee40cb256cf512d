"""The operators' list of transfers: by any code of an organ, page by page, and nothing but a refusal for nonsense."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest

from contracts.directory import Directory
from contracts.levels import Level
from contracts.messages.registry import Alias, OrganChanged
from gateway.monitoring.api import build_router
from gateway.organs.snapshot import OrganSnapshot
from services.kernel.app import Web, build_app
from services.kernel.auth import Caller
from services.kernel.metrics import Metrics
from tests.integration.gateway.conftest import COMMUNE, DEPARTMENT, Bench, StillClock
from tests.integration.gateway.test_ingest import submitted


@dataclass
class Door:
    """Whoever calls is an operator: tokens are judged elsewhere."""

    def caller(self, *_given: object, **_load: object) -> Caller:
        return Caller("operator", (), frozenset({"ops"}))


@pytest.fixture
async def http(bench: Bench) -> AsyncIterator[httpx.AsyncClient]:
    organs = OrganSnapshot()
    organs.directory = Directory.from_organs(
        [
            OrganChanged(
                code=DEPARTMENT, version=1, name="Sở", level=Level.PROVINCE, aliases=[Alias(code="H28.01", kind="new")]
            )
        ]
    )
    web = Web(title="t", database=bench.database, metrics=Metrics(), checks=[], state={"authenticator": Door()})
    app = build_app(web, [build_router(organs, StillClock())])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as client:
        yield client


async def listed(http: httpx.AsyncClient, **query: str) -> list[str]:
    answer = await http.get("/v1/transfers", params=query)
    assert answer.status_code == 200, answer.text
    return [item["subject"] for item in answer.json()["items"]]


@pytest.mark.parametrize("code", [DEPARTMENT, DEPARTMENT.lower(), "H28.01", " h28.01 "])
async def test_an_organ_is_found_by_any_of_its_codes(bench: Bench, http: httpx.AsyncClient, code: str) -> None:
    sent = submitted(deciding_organ=DEPARTMENT)
    await bench.take(sent)
    assert await listed(http, organ=code) == [sent.subject]
    assert await listed(http, organ="G22") == []


async def test_pages_lead_back_in_time_without_gap_or_repeat(bench: Bench, http: httpx.AsyncClient) -> None:
    codes = [f"{COMMUNE}-20240603-{nth:07}" for nth in range(1, 6)]
    for code in codes:
        await bench.take(submitted(code=code))
    seen: list[str] = []
    query = {"limit": "2"}
    while True:
        page = (await http.get("/v1/transfers", params=query)).json()
        seen += [item["subject"] for item in page["items"]]
        if "next_cursor" not in page:
            break
        query["cursor"] = page["next_cursor"]
    assert sorted(seen) == codes
    assert len(seen) == len(codes)
    for other in ({"subject": codes[0]}, {"organ": COMMUNE}, {"state": "routed"}, {"since": "2024-06-03T00:00:00Z"}):
        refused = await http.get("/v1/transfers", params=query | other)
        assert (refused.status_code, refused.json()["code"]) == (400, "request.malformed")


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({"cursor": "nonsense"}, 400, "request.malformed"),
        ({"cursor": "²"}, 400, "request.malformed"),
        ({"state": "lost"}, 422, "request.invalid"),
        ({"since": "2024-06-03T00:00:00"}, 422, "request.invalid"),
        ({"since": "0001-01-01T00:00:00+14:00"}, 422, "request.invalid"),
        ({"since": "9999-12-31T23:59:59-14:00"}, 422, "request.invalid"),
        ({"organ": "a\0b"}, 400, "request.malformed"),
        ({"limit": "0"}, 422, "request.invalid"),
    ],
)
async def test_nonsense_is_refused(http: httpx.AsyncClient, query: dict[str, str], status: int, code: str) -> None:
    answer = await http.get("/v1/transfers", params=query)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_an_unknown_transfer_is_not_found(http: httpx.AsyncClient) -> None:
    for name, status in {"nothing": 404, "x" * 101: 422, "%00": 400}.items():
        assert (await http.get(f"/v1/transfers/{name}")).status_code == status
