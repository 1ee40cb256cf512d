"""The operators' doors over a bench's database, and words of offices about hops they cannot apply."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import orjson

from contracts.envelope import Envelope
from gateway.audit.doors import Acting
from gateway.operations.api import build_router
from gateway.operations.dead_letters_api import build_router as dead_letters_router
from gateway.organs.snapshot import OrganSnapshot
from gateway.registries.follower import Follower
from services.kernel.app import Web, build_app
from services.kernel.auth import Caller
from services.kernel.bell import Bell
from services.kernel.crypto import Keyring
from services.kernel.idempotency import Idempotency
from services.kernel.metrics import Metrics
from tests.integration.gateway.conftest import DEPARTMENT, NOW, Bench, StillClock
from tests.integration.gateway.test_ingest import CODE, submitted

REASON = "đã liên hệ nơi nhận"
SINCE = "2024-06-03T01:00:05Z"


@dataclass
class _Door:
    """Whoever calls is an operator: tokens are judged elsewhere."""

    def caller(self, *_given: object, **_load: object) -> Caller:
        return Caller("operator", (), frozenset({"ops"}))


class Operators:
    """What an operator asks and does over HTTP, and what the database holds afterwards."""

    def __init__(self, bench: Bench, http: httpx.AsyncClient) -> None:
        self.bench, self.http = bench, http

    async def act(self, path: str, *, status: int, key: str = "", **fields: Any) -> dict[str, Any]:
        headers = {"Idempotency-Key": key} if key else {}
        answer = await self.http.post(path, json={"reason": REASON, **fields}, headers=headers)
        assert answer.status_code == status, answer.text
        body: dict[str, Any] = answer.json()
        return body

    async def listed(self, path: str, **query: Any) -> list[dict[str, Any]]:
        """All pages."""
        items: list[dict[str, Any]] = []
        while True:
            answer = await self.http.get(path, params=query)
            assert answer.status_code == 200, answer.text
            items += answer.json()["items"]
            if "next_cursor" not in answer.json():
                return items
            query["cursor"] = answer.json()["next_cursor"]

    async def delivery(self, organ: str = DEPARTMENT, *, nth: int = 0) -> str:
        rows = await self.bench.rows("SELECT id, organ FROM delivery ORDER BY opened_at, hopsequence, id")
        return str([row["id"] for row in rows if row["organ"] == organ][nth])

    async def everything(self) -> list[Any]:
        """What an act may change."""
        tables = {"hop": "id", "delivery": "id", "transfer": "id", "receipt": "id", "audit": "position"}
        tables |= {"listed_dead_letter": "id", "subject": "subject"}
        return [await self.bench.rows(f"SELECT * FROM {name} ORDER BY {order}") for name, order in tables.items()]

    async def audited(self) -> list[tuple[str, str, str, str]]:
        rows = await self.bench.rows("SELECT action, kind, client_id, reason FROM audit ORDER BY position")
        return [(row["action"], row["kind"], row["client_id"], row["reason"]) for row in rows]

    async def numbers(self) -> list[tuple[int, str]]:
        """(hop number, recipients) of what the relay sends now, in order."""
        found = [dict(message.headers) for message in await self.bench.sent(self.bench.hops)]
        return [(int(each["ce_hopsequence"]), each.get("ce_recipients", b"").decode()) for each in found]


@asynccontextmanager
async def opened(bench: Bench) -> AsyncIterator[Operators]:
    organs, clock = OrganSnapshot(), StillClock()
    organs.directory = bench.desk.registries.snapshot(NOW.date()).directory
    keyring = Keyring({"test": bytes(32)}, "test")
    follower = Follower(bench.database, Bell("postgresql://unused"), [])
    acting = Acting(bench.database, follower, Idempotency(keyring), clock)
    web = Web(title="t", database=bench.database, metrics=Metrics(), checks=[], state={"authenticator": _Door()})
    app = build_app(web, [build_router(acting, bench.desk, organs), dead_letters_router(acting)])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as http:
        yield Operators(bench, http)


def told_stuck(*hops: int, reason: str = "attachment.unavailable", level: str = "province", **fields: Any) -> Envelope:
    """`control.hop-stuck` of an office about hops of CODE."""
    items = [
        {"subject": CODE, "hopsequence": hop, "reason": reason, "since": SINCE, "attempts": 1} | fields for hop in hops
    ]
    return Envelope(
        id=str(uuid4()),
        source=f"urn:lienthong:h28:{level}",
        type="control.hop-stuck",
        subject=level,
        time=NOW,
        value=orjson.dumps({"items": items}),
    )


async def two_to_the_department(bench: Bench, act: Any) -> tuple[Envelope, Envelope]:
    """Two facts of one dossier, sent to the province and not receipted."""
    first = submitted(deciding_organ=DEPARTMENT)
    second = act("dossier.status-changed", 2, action="accept", status=2, epoch=1)
    await bench.take(first, second)
    await bench.answers()
    assert len(await bench.sent(bench.hops)) == 2
    return first, second
