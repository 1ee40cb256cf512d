"""Two offices and a gateway of two processes each over one log, a clock, and everything that can happen to them."""

from collections.abc import Callable

from contracts.protocol import Rung, is_unread

from .checks import Checks
from .gateway import Entry, Gateway
from .log import PARTITIONS, Fate, Log, Place
from .office import Office
from .process import Process
from .wire import Mistake, Violation

ORGANS = {"commune": ("c1", "c2"), "province": ("p1", "p2")}
HOMES = {organ: office for office, organs in ORGANS.items() for organ in organs}
DOSSIERS = ("d0", "d1", "d2", "d3", "d4")
PAPERS = ("p0", "p1")
SUBJECTS = (*DOSSIERS, *PAPERS)
PROCESSES = 2

ROUTED_WITHIN = 3600 + 60
"""Facts are sent again hourly at the latest; then one exchange suffices."""
SETTLED_WITHIN = ROUTED_WITHIN + 6 * 3600 + 24 * 3600 + 600
"""Hops go again after 6 h, and a lost receipt is asked for after a day, at the latest."""
ROUNDS_TO_QUIET = 400


class World:
    """`fate` decides each append while the network is ill."""

    def __init__(self, fate: Callable[[], Fate], mistake: Mistake | None = None) -> None:
        self.now = 0.0
        self._mistake = mistake
        self.log = Log(fate)
        self.gateway = Gateway(HOMES, is_unread=self._is_unread, mistake=mistake)
        self.offices = {
            name: Office(name, organs, is_unread=self._is_unread, mistake=mistake) for name, organs in ORGANS.items()
        }
        self.ends: dict[str, list[Process]] = {}
        self._members("gateway", self.gateway, "gateway", [f"ingest.{name}" for name in ORGANS])
        for name, office in self.offices.items():
            self._members(name, office, f"office.{name}", [f"deliver.{name}"])
        self.checks = Checks(self.gateway, self.offices)

    def _members(self, end: str, database: Gateway | Office, group: str, topics: list[str]) -> None:
        self.ends[end] = [Process(f"{end}.{i}", database, self.log, group) for i in range(PROCESSES)]
        places = [(i, partition) for i in range(len(topics)) for partition in range(PARTITIONS)]
        self.assign(end, {(topics[i], partition): (i + partition) % PROCESSES for i, partition in places})

    def _is_unread(self, group: str, place: Place | None, offset: int | None) -> bool:
        if place is None:
            return False
        passed = self.log.passed(group, place)
        if self._mistake is Mistake.ENDLESS_GUARD:
            passed = passed or 0
        start = 0 if self._mistake is Mistake.STARTLESS_GUARD else self.log.start(place)
        return is_unread(offset, passed=passed, start=start, end=self.log.end(place))

    @property
    def processes(self) -> list[Process]:
        return [process for members in self.ends.values() for process in members]

    @property
    def places(self) -> list[Place]:
        return sorted(place for process in self.processes for place in process.places)

    # what people do

    def open_dossier(self, organ: str, subject: str, deciding: str, *, readable: bool = True) -> bool:
        """A code belongs to the organ that issued it: only who opened it first may open it again, after a refusal."""
        office = self.offices[HOMES[organ]]
        receivers = {o.mirrors[subject].receiver for o in self.offices.values() if subject in o.mirrors}
        if not office.locks.are_free([subject]) or (receivers - {organ, ""}) or office.view(organ, subject):
            return False
        office.open_dossier(organ, subject, deciding, readable=readable)
        return True

    def issue(
        self, organ: str, subject: str, recipients: tuple[str, ...], *, readable: bool = True, sendable: bool = True
    ) -> None:
        office = self.offices[HOMES[organ]]
        if office.locks.are_free([subject]):
            office.issue(organ, subject, recipients, readable=readable, sendable=sendable)

    def act(
        self, organ: str, subject: str, action: str, *, taker: str = "", careless: bool = False, sendable: bool = True
    ) -> str:
        office = self.offices[HOMES[organ]]
        if not office.locks.are_free([subject]):
            return "busy"
        return office.act(organ, subject, action, taker=taker, careless=careless, sendable=sendable)

    def close(self, entry: Entry, organ: str) -> None:
        if self.gateway.locks.are_free([entry.fact.subject]):
            self.gateway.close(entry, organ, self.now)

    def settle_successor(self, organ: str) -> None:
        subjects = {entry.fact.subject for entry, waiting in self.gateway.waiting if waiting == organ}
        if self.gateway.locks.are_free(subjects):
            self.gateway.settle_successor(organ, self.now)

    def unjam(self, office: str, subject: str) -> None:
        if self.offices[office].locks.are_free([subject]):
            self.offices[office].unjam(subject, self.now)

    # what befalls the machines

    def assign(self, end: str, owners: dict[Place, int]) -> None:
        """The group deals its partitions out anew."""
        for i, process in enumerate(self.ends[end]):
            process.own({place for place, owner in owners.items() if owner == i})

    def replay(self, place: Place) -> None:
        """The group's offset of a partition is set back to its beginning."""
        topic, partition = place
        group = "gateway" if topic.startswith("ingest") else f"office.{topic.removeprefix('deliver.')}"
        self.log.committed[group, topic, partition] = 0
        for process in self.processes:
            process.forget(place)

    def owned(self, end: str) -> list[Place]:
        return sorted(place for process in self.ends[end] for place in process.places)

    def turn(self, process: Process) -> bool:
        """Everything a healthy process does until it has to wait."""
        moved = process.lock() | process.commit(self.now) | process.acknowledge()
        for place in sorted(process.places):
            moved |= process.read(place, 50, self.now)
            moved |= process.lock() | process.commit(self.now) | process.acknowledge()
        return moved | self.relay(process)

    def relay(self, process: Process) -> bool:
        moved = process.relay.send(10**6) | process.relay.record(self.now)
        return moved | process.relay.claim(self.now) | process.relay.send(10**6) | process.relay.record(self.now)

    def bustle(self) -> None:
        """Every process that is not paused takes a turn."""
        for process in self.processes:
            if not process.paused:
                self.turn(process)

    # healing

    def heal(self) -> None:
        """The network is well again, everybody wakes up, people decide what waits for them; then all must settle."""
        self.log.fate = lambda: Fate.KEPT
        for process in self.processes:
            process.paused = False
        self._until_quiet()
        for organ in self.gateway.unsettled:
            self.settle_successor(organ)
        for office in self.offices.values():
            for subject in sorted(office.jammed):
                office.unjam(subject, self.now)
        healed_at = self.now
        self._until_quiet()
        while not self.is_settled():
            self._wait(healed_at)
            missing = self._missing()
            self._until_quiet()
            self._tails_go_together(missing)
        self.checks.final()

    def _missing(self) -> dict[tuple[str, str], int]:
        """How many of each line's facts the gateway has not taken."""
        lines = [(office, key, rows) for office in self.offices.values() for key, rows in office.lines.items()]
        last = self.gateway.sequences
        return {
            (subject, organ): len(rows) - last.get((subject, f"{office.name}|{organ}"), 0)
            for office, (subject, organ), rows in lines
        }

    def _tails_go_together(self, before: dict[tuple[str, str], int]) -> None:
        """One exchange over a well network routes the whole unrouted tail of an emitter, or nothing of it."""
        torn = {key: left for key, left in self._missing().items() if 0 < left < before[key]}
        if torn:
            raise Violation("an unrouted tail is routed whole", torn)

    def _until_quiet(self) -> None:
        for _ in range(ROUNDS_TO_QUIET):
            moved = [process for process in self.processes if self.turn(process)]
            if not moved:
                self.checks.step()
                return
        raise Violation("traffic comes to rest once nothing new happens", self.now)

    def _wait(self, healed_at: float) -> None:
        """On to the next moment anything is due; the promise is how long that may go on."""
        elapsed = self.now - healed_at
        unrouted = [row.fact.id for o in self.offices.values() for row in o.rows.values() if row.rung < Rung.ROUTED]
        if unrouted and elapsed > ROUTED_WITHIN:
            raise Violation("each fact is routed in time", unrouted)
        if elapsed > SETTLED_WITHIN:
            raise Violation("each fact is settled in time", self._unsettled())
        moments = [self.gateway.next_due(), *(office.next_due() for office in self.offices.values())]
        later = [moment for moment in moments if moment is not None and moment > self.now]
        if not later:
            raise Violation("every wait has a timer", self._unsettled())
        self.now = min(later)

    def is_settled(self) -> bool:
        return not self._unsettled()

    def _unsettled(self) -> list[str]:
        facts = [row.fact.id for o in self.offices.values() for row in o.rows.values() if row.rung < Rung.SETTLED]
        return facts + [f"hop {key}" for key, hop in self.gateway.hops.items() if not hop.receipted]
