"""A directory in which organs close, and what tests of their successors ask of the gateway's database."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from contracts.directory import Directory
from contracts.levels import Level
from contracts.messages.registry import OrganChanged
from gateway.audit.actions import Act
from gateway.organs.snapshot import OrganSnapshot
from gateway.succession import actions
from gateway.succession.actions import Outcome, Question
from gateway.succession.worker import Releasing
from gateway.work import Registry
from services.kernel.bell import Bell
from services.kernel.database import Database
from services.kernel.leases import Leases
from tests.integration.gateway.conftest import COMMUNE, DEPARTMENT, DISTRICT, NOW, OTHER, Bench, Registries

CLOSED, CLOSED_TOO = "000.08.21.H28", "000.09.21.H28"
NORTH, SOUTH = "000.11.21.H28", "000.12.21.H28"
MINISTRY, OLD_MINISTRY = "G22", "G09"
ENDED = date(2024, 1, 1)


@dataclass
class Changing(Registries):
    """`put` changes an organ as a registry change does; `decided` are the choices this process has seen."""

    organs: dict[str, OrganChanged] = field(default_factory=dict)
    decided: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for code, level in ((COMMUNE, "commune"), (OTHER, "commune"), (DISTRICT, "district"), (DEPARTMENT, "province")):
            self.put(code, level=Level(level))
        self.put(NORTH)
        self.put(SOUTH)
        self.put(MINISTRY, level=Level.CENTRAL, home="axis")
        self.put(CLOSED, valid_to=ENDED, successors=[NORTH, SOUTH])
        self.put(CLOSED_TOO, valid_to=ENDED, successors=[NORTH, SOUTH])
        self.put(OLD_MINISTRY, level=Level.CENTRAL, home="axis", valid_to=ENDED, successors=[MINISTRY, DEPARTMENT])
        self.systems["sys-north"] = type(self.systems["sys-commune"])((NORTH,))

    def put(self, code: str, **fields: Any) -> None:
        held = self.organs.get(code)
        base = held or OrganChanged(code=code, version=1, name=code, level=Level.COMMUNE)
        self.organs[code] = base.model_copy(update=fields | {"version": base.version + 1})

    def snapshot(self, on: date) -> Registry:
        known = super().snapshot(on)
        return Registry(
            directory=Directory.from_organs(self.organs.values()),
            systems=self.systems,
            speakers=known.speakers,
            hub=known.hub,
            on=on,
            decided=self.decided,
        )


class Office:
    """A bench with that directory, and an operator."""

    def __init__(self, database: Database) -> None:
        self.registries = Changing()
        self.bench = Bench(database, self.registries)
        self.database = database
        self.worker = Releasing(database, self.bench.desk, Leases(database, "test"), Bell("postgresql://unused"))

    async def decide(self, successor: str, *, organ: str = CLOSED, **fields: Any) -> Outcome:
        """By an operator, in a transaction of its own."""
        question = Question(organ=organ, successor=successor, **fields)
        async with self.database.transaction() as conn:
            act = Act("operator", NOW, "theo phương án sắp xếp")
            return await actions.decide(conn, self.bench.desk, OrganSnapshot(), question, by=act)

    async def lines(self) -> list[str]:
        """Organs that wait, in the order of their subjects' lines."""
        rows = await self.bench.rows(
            "SELECT organ FROM delivery WHERE state = 'open' AND waiting IS NOT NULL ORDER BY subject, waiting"
        )
        return [row["organ"] for row in rows]

    async def hops(self, office: str = "commune") -> list[tuple[int, str, str]]:
        """(number, type, recipients) of every hop to an office."""
        rows = await self.bench.rows(
            "SELECT h.hopsequence, t.type, h.recipients FROM hop h"
            " JOIN transfer t ON t.source = h.source AND t.id = h.transfer_id"
            f" WHERE h.office = '{office}' ORDER BY h.subject, h.hopsequence"
        )
        return [(row["hopsequence"], row["type"].removeprefix("document."), row["recipients"]) for row in rows]

    async def told(self, id_: str) -> list[tuple[str, str, str | None]]:
        """(organ, state, redirected from) as the sender was told last of a transfer, by the receipts waiting now."""
        items = [item for _, kind, item in await self.bench.answers() if item.get("id") == id_ and "deliveries" in item]
        return [(each["organ"], each["state"], each["redirected_from"]) for each in items[-1]["deliveries"]]
