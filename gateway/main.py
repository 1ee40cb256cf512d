"""The gateway's program: the only place that builds and joins its parts."""

import asyncio
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, cast

import httpx

from contracts import registry as contracts
from contracts.envelope import Envelope
from contracts.levels import OFFICE_LEVELS
from contracts.topology import deliver, ingest
from gateway import about
from gateway.audit.actions import GATEWAY, Act
from gateway.audit.api import build_router as audit_router
from gateway.audit.doors import Acting
from gateway.delivery.expiry import Expiry
from gateway.delivery.sources import EventSource, HopSource, ReceiptSource
from gateway.identity import actions as identity
from gateway.identity.api import build_router as identity_router
from gateway.identity.keys_api import build_router as keys_router
from gateway.identity.model import KEYS, SYSTEMS
from gateway.identity.secrets import SecretVerifier
from gateway.identity.snapshot import KeySnapshot, SystemSnapshot
from gateway.identity.systems_api import build_router as systems_router
from gateway.identity.tokens import TokenIssuer
from gateway.identity.upkeep import Upkeep
from gateway.ingest import actions as ingest_actions
from gateway.ingest.asking import Asking
from gateway.ingest.events import IngestDoor
from gateway.monitoring.api import build_router as monitoring_router
from gateway.national.actions import Connector
from gateway.national.client import AxisAccount, AxisClient
from gateway.national.poll import AxisWorker
from gateway.operations import dead_letters
from gateway.operations.api import build_router as operations_router
from gateway.operations.dead_letters_api import build_router as dead_letters_router
from gateway.operations.figures import Figures
from gateway.organs.api import build_router as organs_router
from gateway.organs.model import REGISTRY as ORGANS
from gateway.organs.snapshot import OrganSnapshot
from gateway.registries.follower import Follower
from gateway.registries.source import RegistrySource
from gateway.retention import Keeping
from gateway.succession.api import build_router as succession_router
from gateway.succession.snapshot import ChoiceSnapshot
from gateway.succession.worker import Releasing
from gateway.work import Desk, Registry, Work
from services.kernel import logs
from services.kernel.app import Web
from services.kernel.auth import Authenticator
from services.kernel.bell import Bell
from services.kernel.clock import SystemClock
from services.kernel.connection import Connection
from services.kernel.crypto import Keyring
from services.kernel.database import Database
from services.kernel.health import database_check
from services.kernel.idempotency import Idempotency
from services.kernel.leases import Leases
from services.kernel.messaging.cluster import Cluster
from services.kernel.messaging.consumer import Consumer, Membership
from services.kernel.messaging.dead_letters import DeadLetterSource
from services.kernel.messaging.kafka import Admin, Producer
from services.kernel.messaging.log_watch import LogWatch
from services.kernel.messaging.relay import Relay, Source
from services.kernel.messaging.retry import DELIVERY
from services.kernel.messaging.topics import ensure
from services.kernel.metrics import Metrics
from services.kernel.problem_details import PROBLEMS_PATH
from services.kernel.quotas import Quotas, default_of
from services.kernel.retention import Retention
from services.kernel.serve import Process, build, run_program, serve
from services.kernel.settings import Role, Settings
from services.kernel.supervisor import Supervisor
from services.kernel.vault import Vault

GROUP = "gateway"
LEASE = "relay"
FETCH_SECONDS = {True: 1.0, False: 60.0}
"""How often the axis is asked: every second on one machine, every minute in production."""


@dataclass(frozen=True, slots=True)
class Registries:
    """One view of the registries in memory, taken once per chunk."""

    organs: OrganSnapshot
    systems: SystemSnapshot
    choices: ChoiceSnapshot
    hub: str

    def snapshot(self, on: date) -> Registry:
        return Registry(
            directory=self.organs.directory,
            systems=cast("Any", self.systems.systems),
            speakers=self.systems.speakers,
            hub=self.hub,
            on=on,
            decided=self.choices.decided,
        )


class Gateway:
    """Every part of one gateway process, joined."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.clock = SystemClock(settings.clock_offset_seconds)
        self.keyring = Keyring.load(settings.key_file, create=settings.local)
        url = settings.database_url.get_secret_value()
        self.bell = Bell(url)
        self.database = Database(
            url,
            application_name="lienthong-gateway",
            pool_size=settings.database_pool_size,
            committed=lambda names: self.bell.ring(*names),
        )
        self.leases = Leases(self.database, f"{socket.gethostname()}:{os.getpid()}")
        self.organs, self.systems, self.keys = OrganSnapshot(), SystemSnapshot(), KeySnapshot(self.keyring)
        choices = ChoiceSnapshot()
        self.follower = Follower(self.database, self.bell, [self.organs, self.systems, self.keys, choices])
        registries = Registries(self.organs, self.systems, choices, settings.hub)
        self.desk = Desk(registries, self.keyring, self.clock)
        self.verifier = SecretVerifier()
        self.idempotency = Idempotency(self.keyring)
        # on one machine everything is loopback: an office's proxy settings must not come between
        self.http = httpx.AsyncClient(trust_env=not settings.local)
        self.stopping = asyncio.Event()
        self.metrics = Metrics()
        self.supervisor = Supervisor(drain_seconds=settings.stop_seconds)
        self.cluster = Cluster.from_settings(settings)
        self.admin = Admin(self.cluster)
        self.producer = Producer(self.cluster)
        if settings.role != "api":
            self._add_workers()
        self.supervisor.add("registries", self.follower.run, critical=True, state=self.follower.part)
        self.supervisor.add("bell", self.bell.run)

    def _add_workers(self) -> None:
        settings = self.settings
        source = settings.source
        sources: list[Source] = [
            RegistrySource([ORGANS, SYSTEMS, KEYS], source=source, clock=self.clock),
            HopSource(self.keyring, source=source, schedule=DELIVERY.scaled(settings.retry_scale)),
            ReceiptSource(self.clock, source=source),
            EventSource(),
            DeadLetterSource(),
        ]
        watch = LogWatch(self.database, self.admin, sources, ensure_topics=lambda: ensure(self.admin, settings))
        relay = Relay(
            self.database,
            sources,
            producer=self.producer,
            admin=self.admin,
            watch=watch,
            leases=self.leases,
            bell=self.bell,
            readers={deliver(level): f"office.{level}" for level in OFFICE_LEVELS},
            lease=LEASE,
        )
        membership = Membership(
            GROUP,
            [ingest(level) for level in OFFICE_LEVELS],
            settings.group_instance_id,
            settings.session_timeout_seconds,
        )
        door = IngestDoor(self.desk, Asking(self.clock), ready=lambda: self.follower.complete)
        consumer = Consumer(self.cluster, membership, door, database=self.database, watch=watch)
        self.supervisor.add("kafka", watch.run, state=watch.part)
        self.supervisor.add("relay", relay.run, state=relay.part)
        self.supervisor.add("ingest", consumer.run, state=consumer.part)
        self._add_gathering(watch)
        upkeep = Upkeep(
            self.database, self.keyring, self.idempotency, clock=self.clock, key_days=settings.signing_key_days
        )
        self.supervisor.add("upkeep", upkeep.run)
        retention = Retention(self.database, self.leases, Keeping(self.database, settings).plan(), clock=self.clock)
        self.supervisor.add("retention", retention.run, state=retention.part)
        self.supervisor.add("expiry", Expiry(self.database, self.desk, scale=settings.retry_scale).run)
        self.supervisor.add("succession", Releasing(self.database, self.desk, self.leases, self.bell).run)
        if settings.axis_url:
            axis = self._axis()
            self.supervisor.add("axis", axis.run, state=axis.part)

    def _add_gathering(self, watch: LogWatch) -> None:
        """What operators look through: dead letters of the offices, and how much there is of everything."""
        settings = self.settings
        membership = Membership(
            dead_letters.GROUP,
            list(dead_letters.PROGRAM_OF),
            settings.group_instance_id,
            settings.session_timeout_seconds,
        )
        gathering = dead_letters.Gathering()
        consumer = Consumer(self.cluster, membership, gathering, database=self.database, watch=watch)
        self.supervisor.add("dead letters", consumer.run, state=consumer.part)
        self.supervisor.add("figures", Figures(self.database, self.metrics).run)

    def _axis(self) -> AxisWorker:
        settings = self.settings
        account = AxisAccount(settings.axis_url or "", settings.axis_systemid, settings.axis_secret.get_secret_value())
        connector = Connector(
            database=self.database,
            client=AxisClient(self.http, account, clock=self.clock.hub_now),
            vault=Vault.open(settings.attachments_url),
            desk=self.desk,
            accept=_accept,
            source=settings.source,
            organ=settings.axis_systemid,
        )
        return AxisWorker(connector, self.leases, self.bell, fetch_seconds=FETCH_SECONDS[settings.local])

    async def prepare(self) -> None:
        """A signing key and the registries, before the first request."""
        async with self.database.transaction() as conn:
            await identity.ensure_key(conn, self.keyring, by=Act(GATEWAY, self.clock.hub_now()))
        await self.follower.refresh()

    async def close(self) -> None:
        self.verifier.close()
        await self.http.aclose()
        await self.admin.aclose()
        await self.database.aclose()

    def process(self) -> Process:
        issuer = TokenIssuer(
            self.database, self.keys, verifier=self.verifier, clock=self.clock, issuer=self.settings.gateway_url
        )
        web = Web(
            title=about.TITLE,
            description=about.DESCRIPTION,
            openapi=about.OPENAPI,
            database=self.database,
            metrics=self.metrics,
            checks=[database_check(self.database)],
            max_body_bytes=self.settings.max_body_bytes,
            problems_url=self.settings.gateway_url + PROBLEMS_PATH,
            started=[self.prepare],
            stopped=[self.close],
        )
        acting = Acting(self.database, self.follower, self.idempotency, self.clock)
        routers = [
            identity_router(issuer, self.keys, self.clock),
            organs_router(self.organs, self.clock, acting),
            systems_router(acting, self.organs, self.clock),
            keys_router(acting, self.keyring, self.clock),
            audit_router(),
            monitoring_router(self.organs, self.clock),
            operations_router(acting, self.desk, self.organs),
            dead_letters_router(acting),
            succession_router(acting, self.desk, self.organs),
        ]
        return Process(
            settings=self.settings, web=web, routers=routers, supervisor=self.supervisor, stopping=self.stopping
        )

    def authenticator(self) -> Authenticator:
        return Authenticator(
            keys=lambda kid: cast("Any", self.keys.jwk(kid, self.clock.hub_now())),
            systems=lambda client_id: self.systems.systems.get(client_id),
            clock=self.clock,
            issuer=self.settings.gateway_url,
            quotas=Quotas(default_of(self.settings), self.clock.monotonic),
        )


async def _accept(conn: Connection, work: Work, envelopes: Sequence[Envelope]) -> None:
    await ingest_actions.accept_own(conn, work, envelopes)


async def run(settings: Settings) -> None:
    """Until a signal."""
    gateway = Gateway(settings)
    app = build(gateway.process())
    app.state.authenticator = gateway.authenticator()
    await serve(app, settings, gateway.stopping)


def main(role: Role = "all") -> int:
    settings = Settings.load("gateway").model_copy(update={"role": role})
    logs.configure(settings.log_level, "gateway")
    contracts.warm()
    run_program(run(settings))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
