"""A gateway database of its own for each test, and the doors of administration over it, without a broker."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from itertools import count
from typing import Annotated, Any, TypeVar

import httpx
import pytest
from fastapi import APIRouter

from contracts.levels import Level
from contracts.messages.registry import Alias, OrganChanged, Superior, SystemChanged
from deploy.local.postgres import Postgres
from gateway.audit.actions import Act
from gateway.audit.api import build_router as audit_router
from gateway.audit.doors import Acting
from gateway.identity import actions
from gateway.identity.api import build_router as identity_router
from gateway.identity.keys_api import build_router as keys_router
from gateway.identity.model import KEYS, SYSTEMS
from gateway.identity.secrets import SecretVerifier, hash_secret
from gateway.identity.snapshot import KeySnapshot, SystemSnapshot
from gateway.identity.systems_api import build_router as systems_router
from gateway.identity.tokens import TokenIssuer
from gateway.organs import actions as organs
from gateway.organs.api import build_router as organs_router
from gateway.organs.model import REGISTRY
from gateway.organs.snapshot import OrganSnapshot
from gateway.registries.follower import Follower
from gateway.registries.model import Registry
from gateway.tables import metadata
from services.kernel.app import Web, build_app
from services.kernel.auth import Authenticator, Caller, require
from services.kernel.bell import Bell
from services.kernel.crypto import Keyring
from services.kernel.database import Database
from services.kernel.idempotency import Idempotency
from services.kernel.metrics import Metrics
from tests.integration.models import with_models

TEMPLATE = "gateway_identity_template"
REGISTRIES: tuple[Registry, ...] = (KEYS, SYSTEMS, REGISTRY)
T = TypeVar("T")
KEYRING = Keyring({"k1": bytes(32)}, "k1")
NOW = datetime(2025, 7, 1, 8, tzinfo=UTC)
ACT = Act("tester", NOW, "a test")

URL = "http://gateway.test"
SECRET, OTHER_SECRET, ADMIN_SECRET = "first-secret", "second-secret", "administrators-secret"
HASH, OTHER_HASH, ADMIN_HASH = hash_secret(SECRET), hash_secret(OTHER_SECRET), hash_secret(ADMIN_SECRET)
REFORM = date(2025, 7, 1)
SYSTEM = SystemChanged(
    client_id="commune-a",
    version=1,
    name="Một cửa",
    level=Level.COMMUNE,
    organs=["000.01.21.H28"],
    scopes=["dossier:write", "inbox:read"],
)
ADMINISTRATOR = SystemChanged(
    client_id="administrator", version=1, name="Quản trị", level=Level.PROVINCE, organs=[], scopes=["admin"]
)
ORGANS = [
    OrganChanged(code="000.00.00.H28", version=1, name="Tỉnh Hòa Bình", level=Level.PROVINCE),
    OrganChanged(
        code="000.00.21.H28", version=1, name="Thành phố Hòa Bình", level=Level.DISTRICT, valid_to=REFORM,
        superiors=[Superior(organ="000.00.00.H28")],
    ),
    OrganChanged(
        code="000.01.21.H28", version=1, name="Phường Đồng Tiến", level=Level.COMMUNE,
        superiors=[Superior(organ="000.00.21.H28", valid_to=REFORM), Superior(organ="H28", valid_from=REFORM)],
        aliases=[Alias(code="H28.21.01")],
    ),
]  # fmt: skip

_numbers = count(1)


class StandingClock:
    """Hub time stands still unless moved; ids are counted."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now
        self._ids = count(1)

    def hub_now(self) -> datetime:
        return self.now

    def machine_now(self) -> datetime:
        return self.now

    def monotonic(self) -> float:
        return 0.0

    def new_id(self) -> str:
        return f"00000000-0000-7000-8000-{next(self._ids):012d}"


async def eventually(condition: Callable[[], Awaitable[T | None]], *, seconds: float = 20.0) -> T:
    """The first answer that is something; fails after the deadline."""
    async with asyncio.timeout(seconds):
        while True:
            answer = await condition()
            if answer:
                return answer
            await asyncio.sleep(0.02)


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture(scope="session")
async def template(postgres: Postgres) -> str:
    postgres.create_database(TEMPLATE)
    await with_models(postgres.url(TEMPLATE), metadata.create_all)
    return TEMPLATE


@pytest.fixture
def database_url(postgres: Postgres, template: str) -> Iterator[str]:
    name = f"gateway_identity_{next(_numbers)}"
    postgres.create_database(name, template=template)
    yield postgres.url(name)
    postgres.drop_database(name)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    made = Database(database_url, pool_size=4)
    yield made
    await made.aclose()


@dataclass
class Gateway:
    http: httpx.AsyncClient
    database: Database
    clock: StandingClock
    follower: Follower
    verifier: SecretVerifier
    authenticator: Authenticator

    async def token(self, secret: str = SECRET, client_id: str = "commune-a", **fields: str) -> httpx.Response:
        return await self.http.post(
            "/oauth/token", data={"grant_type": "client_credentials", **fields}, auth=(client_id, secret)
        )

    async def as_administrator(self, method: str, path: str, **options: Any) -> httpx.Response:
        """A call with the administrator's token."""
        return await self.call(method, path, ADMINISTRATOR.client_id, ADMIN_SECRET, **options)

    async def call(self, method: str, path: str, client_id: str, secret: str, **options: Any) -> httpx.Response:
        access = (await self.token(secret, client_id)).json()["access_token"]
        headers = {"Authorization": f"Bearer {access}", **options.pop("headers", {})}
        return await self.http.request(method, path, headers=headers, **options)

    async def get(self, path: str, **query: Any) -> httpx.Response:
        access = (await self.token()).json()["access_token"]
        return await self.http.get(path, params=query, headers={"Authorization": f"Bearer {access}"})

    async def jwks(self) -> dict[str, Any]:
        found: dict[str, Any] = (await self.http.get("/.well-known/jwks.json")).json()
        return found

    async def rotate(self) -> str:
        async with self.database.transaction() as conn:
            key = await actions.rotate_key(conn, KEYRING, by=replace(ACT, at=self.clock.now))
        await self.follower.refresh()
        return key.kid


@pytest.fixture
async def gateway(database: Database, database_url: str, clock: StandingClock) -> AsyncIterator[Gateway]:
    async with database.transaction() as conn:
        await organs.load(conn, ORGANS, by=ACT)
        await actions.create_system(conn, SYSTEM, HASH, by=ACT)
        await actions.create_system(conn, ADMINISTRATOR, ADMIN_HASH, by=ACT)
        await actions.ensure_key(conn, KEYRING, by=ACT)
    directory, systems, keys, verifier = OrganSnapshot(), SystemSnapshot(), KeySnapshot(KEYRING), SecretVerifier()
    follower = Follower(database, Bell(database_url), [keys, systems, directory])
    await follower.refresh()
    authenticator = Authenticator(
        keys=lambda kid: keys.jwk(kid, clock.now), systems=lambda id_: systems.systems.get(id_), clock=clock, issuer=URL
    )
    issuer = TokenIssuer(database, keys, verifier=verifier, clock=clock, issuer=URL)
    acting = Acting(database, follower, Idempotency(KEYRING), clock)
    routers = [
        identity_router(issuer, keys, clock),
        organs_router(directory, clock, acting),
        systems_router(acting, directory, clock),
        keys_router(acting, KEYRING, clock),
        audit_router(),
        _whoami(),
    ]
    app = build_app(Web(title="test", database=database, metrics=Metrics(), checks=[]), routers)
    app.state.authenticator = authenticator
    async with AsyncExitStack() as stack:
        stack.callback(verifier.close)
        http = await stack.enter_async_context(
            httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=URL, timeout=20)
        )
        yield Gateway(http, database, clock, follower, verifier, authenticator)


def _whoami() -> APIRouter:
    router = APIRouter()

    @router.get("/whoami")
    async def whoami(caller: Annotated[Caller, require("dossier:read")]) -> dict[str, Any]:
        return {"client_id": caller.client_id, "organs": caller.organs}

    return router
