"""The state machine over the simulated world: people, faults and processes as rules, healing at the end."""

from collections import deque

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from contracts.custody import ACTIONS, CUSTODY_ACTIONS

from .simulation.log import Fate
from .simulation.process import Process
from .simulation.wire import Mistake
from .simulation.world import DOSSIERS, HOMES, ORGANS, PAPERS, World

MAX_WIPES = 6
EVERY_ACTION = (*ACTIONS, *CUSTODY_ACTIONS)

INTERVENTIONS = ("close", "jam", "unjam", "leave", "return", "undecided", "default", "decided")
STEPS = ("read", "lock_one", "lock", "commit", "acknowledge", "rollback", "claim", "send", "record")
BLOWS = ("pause", "pause", "crash", "rebalance", "wipe", "silent wipe", "recreate", "replay", "cut")

organs = st.sampled_from(sorted(HOMES))
dossiers = st.sampled_from(DOSSIERS[:2])
papers = st.sampled_from(PAPERS[:1])
ends = st.sampled_from(["gateway", *sorted(ORGANS)])
indexes = st.integers(0, 5)
fates = st.lists(st.sampled_from([Fate.LOST, Fate.LOST, Fate.KEPT, *Fate]), min_size=1, max_size=8)


def core_settings(examples: int, *, phases: tuple[Phase, ...] = (Phase.generate, Phase.shrink)) -> settings:
    return settings(
        derandomize=True,
        deadline=None,
        database=None,
        max_examples=examples,
        stateful_step_count=80,
        phases=phases,
        suppress_health_check=list(HealthCheck),
        print_blob=False,
        report_multiple_bugs=False,
    )


class Life(RuleBasedStateMachine):
    mistake: Mistake | None = None

    def __init__(self) -> None:
        super().__init__()
        self.fates: deque[Fate] = deque()
        self.world = World(lambda: self.fates.popleft() if self.fates else Fate.KEPT, self.mistake)
        self.wipes = 0

    def process(self, index: int) -> Process:
        return self.world.processes[index % len(self.world.processes)]

    # people

    @initialize(organ=organs, deciding=organs)
    def begin(self, organ: str, deciding: str) -> None:
        self.world.open_dossier(organ, DOSSIERS[0], "" if deciding == organ else deciding)
        self.world.bustle()

    @rule(organ=organs, subject=dossiers, deciding=organs, readable=st.booleans())
    def open_dossier(self, organ: str, subject: str, deciding: str, readable: bool) -> None:
        self.world.open_dossier(organ, subject, "" if deciding == organ else deciding, readable=readable)

    @rule(subject=dossiers, taker=organs, picks=st.lists(st.integers(0, 40), min_size=1, max_size=4))
    def act(self, subject: str, taker: str, picks: list[int]) -> None:
        """One after the other, whatever some organ is allowed to do."""
        self._act(subject, taker, picks, EVERY_ACTION)

    @rule(subject=dossiers, taker=organs, picks=st.lists(st.integers(0, 9), min_size=1, max_size=2))
    def hand_on(self, subject: str, taker: str, picks: list[int]) -> None:
        """An offer, or an answer to one, and everybody hears of it or not."""
        self._act(subject, taker, picks, tuple(CUSTODY_ACTIONS))

    def _act(self, subject: str, taker: str, picks: list[int], actions: tuple[str, ...]) -> None:
        for pick in picks:
            allowed = [
                (organ, action)
                for organ, office in HOMES.items()
                for action in self.world.offices[office].allowed(organ, subject, actions, taker)
            ]
            if allowed:
                organ, action = allowed[pick % len(allowed)]
                self.world.act(organ, subject, action, taker=taker, sendable=pick != 40)

    @rule(organ=organs, subject=dossiers, action=st.sampled_from(EVERY_ACTION), taker=organs)
    def act_carelessly(self, organ: str, subject: str, action: str, taker: str) -> None:
        self.world.act(organ, subject, action, taker=taker, careless=True)

    @rule(senders=st.lists(organs, min_size=1, max_size=4), subject=papers, recipients=st.sets(organs, min_size=2))
    def issue(self, senders: list[str], subject: str, recipients: set[str]) -> None:
        for organ in senders:
            self.world.issue(organ, subject, tuple(sorted(recipients - {organ})))

    @rule(kind=st.sampled_from(INTERVENTIONS), organ=organs, subject=dossiers, index=st.integers(0, 60))
    def intervene(self, kind: str, organ: str, subject: str, index: int) -> None:
        world, office = self.world, self.world.offices[HOMES[organ]]
        entries = list(world.gateway.ledger.values())
        match kind:
            case "close" if entries:
                world.close(entries[-1 - index % len(entries)], organ)
            case "jam":
                office.jammed.add(subject)
            case "unjam":
                world.unjam(office.name, subject)
            case "leave":
                office.absent.add(organ)
            case "return":
                office.absent.clear()
            case "undecided":
                world.gateway.undecided.add(organ)
            case "default":
                world.gateway.default_successor(organ)
            case "decided":
                world.settle_successor(organ)

    # processes

    @rule(which=st.lists(indexes, min_size=1, max_size=8))
    def turn(self, which: list[int]) -> None:
        for process in map(self.process, which):
            if not process.paused:
                self.world.turn(process)

    @rule()
    def bustle(self) -> None:
        self.world.bustle()

    @rule(index=indexes, kinds=st.lists(st.sampled_from(STEPS), min_size=1, max_size=4), place=st.integers(0, 3))
    def step(self, index: int, kinds: list[str], place: int) -> None:
        """A process stops anywhere between reading and committing the offset, claiming and recording an ack."""
        process, now = self.process(index), self.world.now
        if process.paused:
            return
        for kind in kinds:
            match kind:
                case "read" if process.places:
                    process.read(sorted(process.places)[place % len(process.places)], 20, now)
                case "commit":
                    process.commit(now)
                case "claim":
                    process.relay.claim(now)
                case "send":
                    process.relay.send(1 + place)
                case "record":
                    process.relay.record(now)
                case "lock" | "lock_one" | "acknowledge" | "rollback":
                    getattr(process, kind)()

    @rule(end=ends, start=st.integers(0, 3), order=st.lists(st.integers(0, 1), max_size=4), first=st.integers(0, 1))
    def race(self, end: str, start: int, order: list[int], first: int) -> None:
        """Both processes of an end have records in hand and go for the same rows; who came first may commit last."""
        members = self.world.ends[end]
        for process in members:
            places = sorted(process.places)
            for i in range(0 if process.paused else len(places)):
                process.read(places[(start + i) % len(places)], 20, self.world.now)
        for i in order:
            members[i].lock_one()
        for i in (first, 1 - first):
            members[i].lock()
            members[i].commit(self.world.now)

    # faults

    @rule(fates=fates)
    def fall_ill(self, fates: list[Fate]) -> None:
        self.fates.extend(fates)

    @rule(seconds=st.sampled_from([0.5, 1.0, 6.0, 40.0, 700.0]))
    def tick(self, seconds: float) -> None:
        self.world.now += seconds

    @rule(kind=st.sampled_from(BLOWS), index=st.integers(0, 7), owners=st.tuples(*[st.integers(0, 1)] * 4))
    def strike(self, kind: str, index: int, owners: tuple[int, ...]) -> None:
        world, process = self.world, self.process(index)
        place = world.places[index]
        match kind:
            case "pause":
                process.paused = not process.paused
            case "crash":
                process.crash()
            case "rebalance":
                end = sorted(world.ends)[index % len(world.ends)]
                world.assign(end, dict(zip(world.owned(end), owners, strict=False)))
            case "wipe" | "silent wipe" if self.wipes < MAX_WIPES:
                self.wipes += 1
                world.log.wipe(noticeable=kind == "wipe")
            case "recreate":
                world.log.recreate(place[0])
            case "replay":
                world.replay(place)
            case "cut":
                world.log.cut(place, max(0, world.log.end(place) - 1 - owners[0]))

    # promises

    @invariant()
    def promises_hold(self) -> None:
        self.world.checks.step()

    def teardown(self) -> None:
        self.fates.clear()
        self.world.heal()


def life_with(mistake: Mistake) -> type[Life]:
    return type(f"LifeWith{mistake.name}", (Life,), {"mistake": mistake})
