"""One office program from its profile and settings: the only place where slices, doors and workers are joined."""

import asyncio
import os
import socket

from fastapi import APIRouter, FastAPI

from contracts import registry as contracts
from contracts.topology import deliver, ingest
from services.kernel import logs
from services.kernel.app import Web
from services.kernel.auth import Authenticator
from services.kernel.bell import Bell
from services.kernel.clock import Clock, SystemClock
from services.kernel.crypto import Keyring
from services.kernel.database import Database
from services.kernel.health import database_check
from services.kernel.idempotency import Idempotency
from services.kernel.leases import Leases
from services.kernel.messaging.cluster import Cluster
from services.kernel.messaging.consumer import Consumer, Membership
from services.kernel.messaging.copies import RegistryCopies
from services.kernel.messaging.dead_letters import DeadLetterSource
from services.kernel.messaging.kafka import Admin, Producer
from services.kernel.messaging.log_watch import LogWatch
from services.kernel.messaging.outbox import Outbox
from services.kernel.messaging.outbox_source import OutboxSource
from services.kernel.messaging.relay import Relay, Source
from services.kernel.messaging.retry import UNROUTED, UNSETTLED
from services.kernel.messaging.topics import ensure
from services.kernel.metrics import Metrics
from services.kernel.problem_details import PROBLEMS_PATH
from services.kernel.quotas import Quotas, default_of
from services.kernel.retention import Retention
from services.kernel.serve import Process, build, run_program, serve
from services.kernel.settings import Role, Settings
from services.kernel.supervisor import Supervisor
from services.kernel.vault import Vault
from services.office import about
from services.office.attachments import api as attachments_api
from services.office.attachments.actions import Attachments
from services.office.audit import api as audit_api
from services.office.audit.actions import Audit
from services.office.documents import api as documents_api
from services.office.documents.actions import Documents
from services.office.documents.changing import Changes
from services.office.documents.events import DocumentDoor
from services.office.documents.intake import Intake
from services.office.documents.posting import Posting
from services.office.doors import Door
from services.office.dossiers import api as dossiers_api
from services.office.dossiers.actions import Dossiers
from services.office.dossiers.batches import Batches
from services.office.dossiers.events import DossierDoor
from services.office.dossiers.intake import Intake as DossierIntake
from services.office.dossiers.waiting import Waiting
from services.office.exchange.actions import Exchange, Post
from services.office.exchange.events import DeliverDoor
from services.office.exchange.rules import STUCK_SECONDS
from services.office.exchange.stuck import StuckWork
from services.office.housekeeping import Housekeeping, migrations_check
from services.office.inbox import api as inbox_api
from services.office.inbox.polling import Poll
from services.office.organs.actions import Organs
from services.office.organs.events import TOPICS as REGISTRIES
from services.office.organs.events import Registry, readable
from services.office.profile import LevelProfile
from services.office.retention import Keeping
from services.office.transfers import api as transfers_api
from services.office.transfers.actions import Transfers
from services.office.web import Desk

READER = "gateway"
"""Group that reads `ingest.<level>`."""


class Office:
    """Every part of one office process, joined."""

    def __init__(self, profile: LevelProfile, settings: Settings, *, clock: Clock | None = None) -> None:
        self.profile = profile
        self.settings = settings
        self.clock = clock or SystemClock(settings.clock_offset_seconds)
        url = settings.database_url.get_secret_value()
        self.bell = Bell(url)
        self.database = Database(
            url,
            application_name=f"lienthong-{profile.program}",
            pool_size=settings.database_pool_size,
            committed=lambda names: self.bell.ring(*names),
        )
        self.stopping = asyncio.Event()
        self.supervisor = Supervisor(drain_seconds=settings.stop_seconds)
        self._join_slices()
        self._join_messaging()

    def _join_slices(self) -> None:
        settings, level = self.settings, self.profile.level
        self.outbox = Outbox(settings.source, unsettled=UNSETTLED.scaled(settings.retry_scale))
        self.registry = Registry(self.clock)
        self.organs = Organs(
            self.registry.directory, self.clock, level=level, urls=settings.office_urls, gateway=settings.gateway_url
        )
        self.transfers = Transfers(self.outbox, self.clock, source=settings.source, topic=ingest(level))
        self.attachments = Attachments(
            Vault.open(settings.attachments_url), level.value, quota=settings.attachments_quota_bytes
        )
        self.audit = Audit(self.clock)
        self.dossiers = Dossiers(self.transfers, self.attachments, self.organs, self.clock)
        self.documents = Documents(self.transfers, self.attachments, self.organs, self.clock)
        self.idempotency = Idempotency(Keyring.load(settings.key_file, create=settings.local))
        self.keeping = Keeping(
            database=self.database,
            settings=settings,
            clock=self.clock,
            outbox=self.outbox,
            idempotency=self.idempotency,
        )
        self.intake = DossierIntake(self.dossiers, self.idempotency, self.database)
        self.desk = Desk(self.organs, self.idempotency)
        self.dossier_parts = dossiers_api.Parts(
            dossiers=self.dossiers,
            intake=self.intake,
            batches=Batches(self.desk, self.dossiers, self.database),
            waiting=Waiting(self.desk, self.dossiers, self.database, self.bell),
            audit=self.audit,
            clock=self.clock,
        )
        self.doors: list[Door] = [DossierDoor(self.organs), DocumentDoor()]

    def _join_messaging(self) -> None:
        """Every process follows the registries and the state of the log; the others are workers' work."""
        settings = self.settings
        scale = settings.retry_scale
        self.cluster = Cluster.from_settings(settings)
        self.admin = Admin(self.cluster)
        self.producer = Producer(self.cluster)
        self.sources: list[Source] = [
            OutboxSource(unrouted=UNROUTED.scaled(scale), unsettled=UNSETTLED.scaled(scale)),
            DeadLetterSource(),
        ]
        self.watch = LogWatch(
            self.database, self.admin, self.sources, ensure_topics=lambda: ensure(self.admin, settings)
        )
        self.copies = RegistryCopies(
            self.cluster,
            REGISTRIES,
            database=self.database,
            watch=self.watch,
            changed=self.registry.changed,
            readable=readable,
        )
        self.supervisor.add("bell", self.bell.run)
        self.supervisor.add("kafka", self.watch.run, state=self.watch.part)
        self.supervisor.add("registries", self.copies.run, critical=True, state=self.copies.part)
        if settings.role != "worker":
            self.supervisor.add("intake", self.intake.run, critical=True)
        if settings.role != "api":
            self._add_workers()

    def _add_workers(self) -> None:
        settings, level = self.settings, self.profile.level
        leases = Leases(self.database, f"{socket.gethostname()}:{os.getpid()}:{id(self)}")
        relay = Relay(
            self.database,
            self.sources,
            producer=self.producer,
            admin=self.admin,
            watch=self.watch,
            leases=leases,
            bell=self.bell,
            readers={ingest(level): READER},
        )
        waits = [seconds * settings.retry_scale for seconds in STUCK_SECONDS]
        post = Post(outbox=self.outbox, clock=self.clock, source=settings.source, topic=ingest(level))
        exchange = Exchange(
            doors=self.doors,
            transfers=self.transfers,
            attachments=self.attachments,
            post=post,
            waits=waits,
            receipts_months=settings.keep_ledger_months,
        )
        door = DeliverDoor(exchange, self.attachments)
        membership = Membership(
            f"office.{level}", [deliver(level)], settings.group_instance_id, settings.session_timeout_seconds
        )
        consumer = Consumer(self.cluster, membership, door, database=self.database, watch=self.watch)
        stuck = StuckWork(self.database, door, exchange, self.clock)
        housekeeping = Housekeeping(self.database, self.attachments)
        retention = Retention(self.database, leases, self.keeping.plan(), clock=self.clock)
        self.supervisor.add("relay", relay.run, state=relay.part)
        self.supervisor.add("consumer", consumer.run, state=consumer.part)
        self.supervisor.add("stuck", stuck.run, state=stuck.part)
        self.supervisor.add("housekeeping", housekeeping.run)
        self.supervisor.add("retention", retention.run, state=retention.part)

    def routers(self) -> list[APIRouter]:
        places = self.settings.max_requests // 2
        poll = Poll(self.database, self.bell, self.stopping, places=places)
        intake = Intake(self.attachments, message_bytes=self.settings.max_file_bytes)
        limit = self.settings.max_body_bytes
        changes = Changes(self.documents, self.transfers, self.clock)
        papers = documents_api.Parts(
            documents=self.documents,
            changes=changes,
            intake=intake,
            posting=Posting(self.desk, self.documents, changes, intake, self.database, json_bytes=limit),
            audit=self.audit,
            database=self.database,
        )
        return [
            documents_api.build_router(self.desk, papers),
            dossiers_api.build_router(self.desk, self.dossier_parts),
            attachments_api.build_router(self.desk, self.attachments, self.audit, self.database),
            audit_api.build_router(self.audit),
            inbox_api.build_router(self.desk, poll),
            transfers_api.build_router(self.desk),
        ]

    def app(self) -> FastAPI:
        """The web app; its lifespan starts and drains the workers and closes what they use."""
        authenticator = Authenticator(
            keys=self.registry.key,
            systems=self.registry.system,
            clock=self.clock,
            issuer=self.settings.gateway_url,
            ready=lambda: self.copies.ready,
            quotas=Quotas(default_of(self.settings), self.clock.monotonic),
        )
        web = Web(
            title=about.TITLE,
            description=about.DESCRIPTION,
            openapi=about.OPENAPI,
            database=self.database,
            metrics=Metrics(),
            checks=[database_check(self.database), migrations_check(self.database)],
            max_body_bytes=self.settings.max_body_bytes,
            problems_url=self.settings.gateway_url + PROBLEMS_PATH,
            started=[self.copies.prepare],
            stopped=[self.close],
            state={"authenticator": authenticator},
        )
        process = Process(
            settings=self.settings,
            web=web,
            routers=self.routers(),
            hot=dossiers_api.hot_routes(self.desk, self.dossier_parts),
            supervisor=self.supervisor,
            stopping=self.stopping,
        )
        return build(process)

    async def close(self) -> None:
        await self.producer.aclose()
        await self.admin.aclose()
        await self.database.aclose()


async def run(profile: LevelProfile, settings: Settings) -> None:
    """Serves the program until a signal."""
    office = Office(profile, settings)
    await serve(office.app(), settings, office.stopping)


def main(profile: LevelProfile, role: Role = "all") -> int:
    settings = Settings.load(profile.program).model_copy(update={"role": role})
    logs.configure(settings.log_level, profile.program)
    contracts.warm()
    run_program(run(profile, settings))
    return 0
