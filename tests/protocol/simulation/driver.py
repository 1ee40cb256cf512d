"""A random life for a world: people, faults and processes in no particular order, then healing. One seed, one life."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from contracts.custody import ACTIONS, CUSTODY_ACTIONS
from contracts.protocol import DeliveryState

from .log import PARTITIONS, Fate
from .office import Office
from .process import Process
from .wire import VOID, Mistake
from .world import DOSSIERS, HOMES, ORGANS, PAPERS, SUBJECTS, World

STEPS = 900
WIPES = 6
MAX_LOSS = 0.35
TICKS = (0.1, 0.5, 1.0, 3.0, 10.0, 45.0, 200.0, 2000.0)
WEIGHTS = dict.fromkeys((*ACTIONS, *CUSTODY_ACTIONS), 4.0) | {
    "withdraw": 0.02,
    "refuse": 0.03,
    "return_result": 0.2,
    "recall_custody": 0.1,
    "accept_custody": 12.0,
}
"""What people do by choice: much handing over, few ends."""
IDLE_WEIGHT = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What happened in a life; `loss` is the share of appends that were acknowledged and lost."""

    steps: int
    loss: float
    facts: int
    records: int
    lost: int
    wipes: int
    refused: int
    voids: int
    closed: int
    custody_moves: int


class Driver:
    def __init__(self, seed: int, mistake: Mistake | None = None) -> None:
        self._random = random.Random(seed)
        self._loss = self._random.uniform(0, MAX_LOSS)
        self._calm = self._random.random() < 0.3
        self._wipes = WIPES
        self.world = World(self._fate, mistake)
        self._lost = 0

    def run(self, steps: int = STEPS) -> Counts:
        happenings = self._happenings()
        names = list(happenings)
        weights = [happenings[name][0] for name in names]
        for name in self._random.choices(names, weights, k=steps):
            happenings[name][1]()
            self.world.checks.step()
        self.world.heal()
        return self._count(steps)

    def _count(self, steps: int) -> Counts:
        entries = self.world.gateway.ledger.values()
        return Counts(
            steps=steps,
            loss=self._loss,
            facts=len(entries),
            records=self.world.log.appended,
            lost=self._lost,
            wipes=WIPES - self._wipes,
            refused=sum(entry.refusal is not None for entry in entries),
            voids=sum(entry.fact.action == VOID for entry in entries),
            closed=sum(state is DeliveryState.CLOSED for entry in entries for state in entry.states.values()),
            custody_moves=sum(dossier.stamp.epoch - 1 for dossier in self.world.gateway.dossiers.values()),
        )

    def _happenings(self) -> dict[str, tuple[float, Callable[[], object]]]:
        rare = 0.0 if self._calm else 1.0
        return {
            "act": (14, self._act),
            "open": (1, self._open),
            "issue": (4, self._issue),
            "step": (36, self._step),
            "turn": (26, self._turn),
            "bustle": (8, self.world.bustle),
            "tick": (8, self._tick),
            "race": (10, self._race),
            "pause": (2, self._pause),
            "crash": (1.5, self._crash),
            "rebalance": (1.5, self._rebalance),
            "wipe": (1, self._wipe),
            "recreate": (0.5, self._recreate),
            "replay": (0.7, lambda: self.world.replay(self._random.choice(self.world.places))),
            "cut": (0.7, self._cut),
            "expire": (0.5, self._expire),
            "jam": (0.7 * rare, self._jam),
            "unjam": (0.7 * rare, self._unjam),
            "close": (0.8 * rare, self._close),
            "absent": (0.2 * rare, self._absent),
            "present": (1.5 * rare, self._present),
            "undecided": (0.5, self._undecided),
            "decided": (0.8, self._decided),
        }

    def _fate(self) -> Fate:
        roll = self._random.random()
        if roll < self._loss:
            self._lost += 1
            return Fate.LOST
        return self._random.choices([Fate.KEPT, Fate.DOUBLED, Fate.UNACKED, Fate.FAILED], [80, 8, 6, 6])[0]

    def _chance(self, probability: float) -> bool:
        return self._random.random() < probability

    # people

    def _open(self) -> None:
        organ, subject = self._random.choice(list(HOMES)), self._random.choice(DOSSIERS)
        deciding = self._random.choice(["", *(other for other in HOMES if other != organ)])
        self.world.open_dossier(organ, subject, deciding, readable=not self._chance(0.05))

    def _act(self) -> None:
        """One or a few facts of one organ: something that is allowed, now and then anything at all."""
        subject, taker = self._random.choice(DOSSIERS), self._random.choice(list(HOMES))
        organs = [organ for organ in HOMES if self.world.offices[HOMES[organ]].view(organ, subject)]
        if not organs:
            return self._open()
        if self._chance(0.04):
            organ, action = self._random.choice(organs), self._random.choice(list(WEIGHTS))
            self.world.act(organ, subject, action, taker=taker, careless=True)
        for organ in self._random.sample(organs, len(organs)):
            if self._act_as(organ, subject, taker):
                break
        return None

    def _act_as(self, organ: str, subject: str, taker: str) -> bool:
        posted = False
        for _ in range(self._random.choice([1, 1, 2, 4])):
            allowed = self.world.offices[HOMES[organ]].allowed(organ, subject, WEIGHTS, taker)
            weights = [IDLE_WEIGHT, *(WEIGHTS[one] for one in allowed)]
            action = self._random.choices(["", *allowed], weights)[0]
            if not action:
                break
            self.world.act(organ, subject, action, taker=taker, sendable=not self._chance(0.02))
            posted = True
        return posted

    def _issue(self) -> None:
        organ, subject = self._random.choice(list(HOMES)), self._random.choice(PAPERS)
        others = [other for other in HOMES if other != organ]
        for _ in range(self._random.choice([1, 1, 3])):
            recipients = tuple(sorted(self._random.sample(others, self._random.randint(1, 3))))
            self.world.issue(
                organ, subject, recipients, readable=not self._chance(0.04), sendable=not self._chance(0.02)
            )

    def _close(self) -> None:
        entry = self._random.choice(list(self.world.gateway.ledger.values()) or [None])
        if entry is not None and entry.states:
            self.world.close(entry, self._random.choice(list(entry.states)))

    def _undecided(self) -> None:
        self.world.gateway.undecided.add(self._random.choice(list(HOMES)))

    def _decided(self) -> None:
        """By people, or by the registry for what comes from then on."""
        by_registry = self._chance(0.3)
        for organ in self.world.gateway.unsettled:
            if by_registry:
                self.world.gateway.default_successor(organ)
            else:
                self.world.settle_successor(organ)

    # machines

    def _awake(self) -> Process | None:
        awake = [process for process in self.world.processes if not process.paused]
        return self._random.choice(awake) if awake else None

    def _step(self) -> None:
        process = self._awake()
        if process is None:
            return
        now = self.world.now
        steps: list[Callable[[], object]] = [
            lambda: self._read(process),
            process.lock_one,
            process.lock,
            lambda: process.commit(now),
            process.acknowledge,
            process.rollback,
            lambda: process.relay.claim(now),
            lambda: process.relay.send(self._random.choice([1, 2, 100])),
            lambda: process.relay.record(now),
        ]
        self._random.choices(steps, [5, 1, 3, 3, 3, 0.5, 3, 3, 3])[0]()

    def _turn(self) -> None:
        process = self._awake()
        if process is not None:
            self.world.turn(process)

    def _pause(self) -> None:
        """Often with a chunk read and rows claimed, which it will go on with when it wakes up late."""
        process = self._random.choice(self.world.processes)
        if not process.paused and self._chance(0.7):
            process.relay.claim(self.world.now)
            self._read(process)
        process.paused = not process.paused

    def _read(self, process: Process) -> None:
        places = sorted(process.places)
        if places:
            process.read(self._random.choice(places), self._random.choice([1, 3, 20]), self.world.now)

    def _race(self) -> None:
        """Both gateways have a chunk of the same subjects in hand and go for their rows, one lock after the other."""
        members = [process for process in self.world.ends["gateway"] if not process.paused]
        partition = self._random.randrange(PARTITIONS)
        for process in members:
            for place in sorted(process.places):
                if place[1] == partition:
                    process.read(place, 20, self.world.now)
        for _ in range(4 if members else 0):
            self._random.choice(members).lock_one()
        for process in self._random.sample(members, len(members)):
            process.lock()
            process.commit(self.world.now)

    def _crash(self) -> None:
        self._random.choice(self.world.processes).crash()

    def _rebalance(self) -> None:
        end = self._random.choice(list(self.world.ends))
        places = self.world.owned(end)
        self.world.assign(end, {place: self._random.randrange(2) for place in places})

    def _tick(self) -> None:
        self.world.now += self._random.choice(TICKS)

    def _wipe(self) -> None:
        if self._wipes:
            self._wipes -= 1
            self.world.log.wipe(noticeable=self._chance(0.6))

    def _recreate(self) -> None:
        self.world.log.recreate(self._random.choice(self.world.places)[0])

    def _cut(self) -> None:
        place = self._random.choice(self.world.places)
        end = self.world.log.end(place)
        self.world.log.cut(place, self._random.randint(max(0, end - 4), end))

    def _expire(self) -> None:
        place = self._random.choice(self.world.places)
        end = self.world.log.end(place)
        self.world.log.expire(place, self._random.randint(max(0, end - 4), end))

    def _office(self) -> Office:
        return self.world.offices[self._random.choice(list(ORGANS))]

    def _jam(self) -> None:
        self._office().jammed.add(self._random.choice(SUBJECTS))

    def _unjam(self) -> None:
        self.world.unjam(self._office().name, self._random.choice(SUBJECTS))

    def _absent(self) -> None:
        office = self._office()
        office.absent = {self._random.choice(office.organs)} - office.absent

    def _present(self) -> None:
        self._office().absent.clear()
