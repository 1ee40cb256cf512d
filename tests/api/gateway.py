"""A whole gateway in this process: organs, systems of every standing, and one transfer in its ledger."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import orjson
from sqlalchemy import text
from starlette.types import ASGIApp

from contracts.envelope import Envelope, to_headers
from contracts.levels import Level
from contracts.messages.registry import OrganChanged, SystemChanged
from gateway.audit.actions import Act
from gateway.identity import actions
from gateway.identity.secrets import hash_secret
from gateway.main import Gateway
from gateway.organs import actions as organs
from services.kernel.messaging.kafka import Producer
from services.kernel.messaging.records import Ack, Outgoing
from services.kernel.messaging.topics import ensure
from services.kernel.serve import build
from services.kernel.settings import Settings
from tests.api.document import Operation
from tests.api.houses import Json, Signer, Thing
from tests.integration.office.stage import (
    COMMUNE_A,
    DEPARTMENT,
    DISTRICT,
    fresh_code,
    new_id,
    submitted,
    until,
)

SECRET = "a-secret-of-tests"
STRANGER = "stranger"
"""Administers nothing, and nobody acts on it."""
ALL = ("admin", "ops", "event:read", "dossier:write", "document:write", "inbox:read")
AGENCY = ("dossier:write", "document:write", "inbox:read")
ORGANS = [
    OrganChanged(code=DEPARTMENT, version=1, name="Sở Kế hoạch và Đầu tư", level=Level.PROVINCE),
    OrganChanged(code=DISTRICT, version=1, name="Thành phố Hòa Bình", level=Level.DISTRICT),
    OrganChanged(code=COMMUNE_A, version=1, name="Phường Đồng Tiến", level=Level.COMMUNE),
    OrganChanged(code="000.08.21.H28", version=1, name="Phường Thịnh Lang", level=Level.COMMUNE),
]
# name, level, organs, scopes
SYSTEMS: tuple[tuple[str, Level, tuple[str, ...], tuple[str, ...]], ...] = (
    ("everything", Level.PROVINCE, (DEPARTMENT,), ALL),
    ("suspended", Level.PROVINCE, (DEPARTMENT,), ALL),
    ("powerless", Level.COMMUNE, (COMMUNE_A,), ()),
    ("agency", Level.COMMUNE, (COMMUNE_A,), AGENCY),
    (STRANGER, Level.COMMUNE, (COMMUNE_A,), AGENCY),
    ("integrator", Level.PROVINCE, (), ("event:read",)),
    ("operator", Level.PROVINCE, (), ("ops",)),
    ("administrator", Level.PROVINCE, (), ("admin",)),
)
TARGET = "agency"
"""What administrators act on."""


class GatewayHouse:
    """See `House`."""

    name = "gateway"
    right = "everything"
    all_scopes = " ".join(ALL)

    def __init__(self, gateway: Gateway, app: ASGIApp) -> None:
        self.gateway = gateway
        self.app = app
        kid, key = gateway.keys.signer(gateway.clock.hub_now()) or ("", None)
        assert key is not None
        self.signer = Signer(gateway.settings.gateway_url, kid, key)
        self.things: dict[tuple[str, str], Thing] = {}
        self.also: dict[tuple[str, str], list[str]] = {}

    async def fill(self) -> None:
        code = fresh_code()
        envelope = Envelope(
            id=new_id(),
            source=f"urn:lienthong:{self.gateway.settings.hub}:commune",
            type="dossier.submitted",
            subject=code,
            sender=COMMUNE_A,
            sequence=1,
            time=datetime.now(UTC),
            occurredat=datetime.now(UTC),
            value=orjson.dumps(submitted(code, receiving_organ=COMMUNE_A)),
        )
        producer = Producer(self.gateway.cluster)
        results = await producer.send(
            [Outgoing(topic="ingest.commune", key=envelope.key, value=envelope.value, headers=to_headers(envelope))]
        )
        await producer.aclose()
        assert all(isinstance(result, Ack) for result in results), results

        async def recorded() -> list[Any]:
            return await self.rows("SELECT id FROM transfer WHERE subject = :subject", subject=code)

        (found,) = await until(recorded, what="the transfer in the ledger")
        (secret,) = await self.rows("SELECT id FROM system_secret WHERE client_id = :name", name=TARGET)
        self.things = {
            ("organs", "code"): Thing(COMMUNE_A, "000.99.99.H28"),
            ("systems", "client_id"): Thing(TARGET, "nobody-at-all"),
            ("systems", "id"): Thing(str(secret.id), str(uuid4())),
            ("transfers", "id"): Thing(found.id, new_id()),
        }

    async def rows(self, query: str, **values: Any) -> list[Any]:
        async with self.gateway.database.read() as conn:
            return list((await conn.execute(text(query), values)).all())

    def bodies(self, operation: Operation) -> Json | bytes | None:
        table: dict[str, Any] = {
            "issueToken": lambda: {"grant_type": "client_credentials", "client_id": "integrator",
            "client_secret": SECRET},
            "createSystem": lambda: {
                "client_id": f"s-{uuid4().hex[:12]}", "name": "Một cửa", "level": "commune", "organs": [COMMUNE_A],
                "scopes": list(AGENCY),
            },
        }  # fmt: skip
        made = table.get(operation.id)
        return made() if made else None


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[GatewayHouse]:
    """The gateway at work, over a migrated database that is empty."""
    gateway = Gateway(settings)
    await seed(gateway)
    app = build(gateway.process())
    app.state.authenticator = gateway.authenticator()
    async with app.router.lifespan_context(app):
        house = GatewayHouse(gateway, app)
        await house.fill()
        yield house


async def seed(gateway: Gateway) -> None:
    """The organs and systems of this module, and the topics."""
    act, hashed = Act("tests", gateway.clock.hub_now(), "tests"), hash_secret(SECRET)
    async with gateway.database.transaction() as conn:
        await organs.load(conn, ORGANS, by=act)
        for name, level, held, scopes in SYSTEMS:
            told = SystemChanged(
                client_id=name, version=1, name=name, level=level, organs=list(held), scopes=list(scopes)
            )
            await actions.create_system(conn, told, hashed, by=act)
        await actions.suspend_system(conn, "suspended", suspended=True, by=act)
    await ensure(gateway.admin, gateway.settings)
