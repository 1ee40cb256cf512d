"""One run: a hub of its own, load on all of it, the faults of a plan one by one, a last look, and the report."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx

from deploy.client import hub as client
from deploy.client.credentials import read_credentials
from deploy.local.hub import Hub
from tests.chaos.central import Axis
from tests.chaos.checker import FINAL, judge, judge_early
from tests.chaos.client import Client, StoryEnded
from tests.chaos.evidence import CENTRAL
from tests.chaos.fault_ground import RECOVERY_SECONDS, surely
from tests.chaos.faults import Faults
from tests.chaos.findings import Report
from tests.chaos.history import History
from tests.chaos.live import Reader
from tests.chaos.load import Load
from tests.chaos.log import LONG, Log, Pace, Patience
from tests.chaos.notes import OFFICES, SENDERS
from tests.chaos.plan import Fault, Form, plan
from tests.chaos.program import COMMAND
from tests.chaos.report import Telling
from tests.chaos.sight import Sight

LIVE: Final = ("commune-b", "district-a")
"""Organs whose inbox is read and acknowledged during the run; those of the others are counted at the end."""
CANARY_TO: Final = ("commune-b", "district-a", "department-a")
MOST_FAILED: Final = 3
"""Faults without recovery, after which no more are done."""
HASTE: Final = 3.0
"""How much faster the stories end when no new ones begin."""
NOT_FOR_THE_HUB: Final = ("SEED", "CLOCK", "MINUTES")
OUR_OWN: Final = "LIENTHONG_"
LIMITS: Final = httpx.Limits(max_connections=None, max_keepalive_connections=200)
TIMEOUT: Final = httpx.Timeout(20.0, connect=5.0)

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """`rate`: facts a second in the long run; `home` is made and removed when it is None."""

    seed: str
    form: Form
    minutes: float
    out: Path
    home: Path | None = None
    workers: int = 120
    rate: float = 10.0

    @property
    def patience(self) -> Patience:
        return LONG if self.form == "campaign" else Patience(answer=150.0, state=240.0, poll=1.5, growing=0.1)


@dataclass(frozen=True, slots=True)
class Outcome:
    report: Report
    telling: Telling
    begun: int
    ended: int
    home: Path | None
    """Of the hub, when it was kept."""
    stopped: bool = False


@dataclass(slots=True)
class Campaign:
    """`run` ends in order when it is cancelled: what ran is stopped, and what was seen so far is reported."""

    settings: Settings
    say: Say = field(default=lambda _: None)
    _load: Load | None = None

    async def run(self) -> Outcome:
        settings = self.settings
        settings.out.mkdir(parents=True, exist_ok=True)
        for old in (*settings.out.glob("*.md"), *settings.out.glob("*.txt")):
            old.unlink()
        log = Log(patience=settings.patience, pace=Pace(settings.rate))
        home = settings.home or Path(tempfile.mkdtemp(prefix="lienthong-chaos-"))
        stopped, error = False, None
        with History(settings.out / "history.jsonl") as history:
            log.history = history
            told = {"seed": settings.seed, "form": settings.form, "minutes": settings.minutes}
            log.note({"e": "run", **told, "workers": settings.workers, "rate": settings.rate})
            try:
                await self._on_a_hub(home, log)
            except asyncio.CancelledError:
                stopped = True
                log.note({"e": "end", "of": "stopped", "after": round(log.seconds, 1)})
            except BaseException as caught:  # told, and raised again when what was seen is written down
                error = caught
                log.fail(f"the run itself failed: {caught!r}")
        outcome = self._outcome(log, home, early=stopped or error is not None, stopped=stopped)
        if error is not None:
            raise error
        return outcome

    async def _on_a_hub(self, home: Path, log: Log) -> None:
        hub = Hub(home / "hub", command=COMMAND, environment=_environment())
        try:
            self.say(f"khởi động hub · starting a hub in {home}")
            await surely(hub.start)
            async with httpx.AsyncClient(timeout=TIMEOUT, limits=LIMITS, trust_env=False) as http:
                await self._loaded(hub, http, log)
        finally:
            await surely(hub.stop)

    async def _loaded(self, hub: Hub, http: httpx.AsyncClient, log: Log) -> None:
        seed = self.settings.seed
        systems = {name: client.Hub(entry, http=http) for name, entry in read_credentials(hub.home).items()}
        clients = {name: Client(systems[name], http, log, seed=seed) for name in SENDERS}
        for name in SENDERS:
            await systems[name].token()  # the gateway may be away later
        own = {name: Client(systems[name], http, log, seed=f"{seed} own", paced=False, again=False) for name in OFFICES}
        axis = Axis(http, hub.address("axis"), hub.home / "axis" / "axis.sqlite3")
        load = self._load = Load(clients, log, seed, most=None, axis=axis)
        readers = [Reader(own[name]) for name in LIVE]
        faults = Faults(hub, lambda: load.accepted, *_canaries(load, own, random.Random(f"{seed} canary")))
        log.began = time.monotonic()
        log.note({"e": "run", "began": time.time()})
        async with _reading(readers):
            async with self._loading(load):
                await self._faults(faults, hub, log)
            log.note({"e": "end", "of": "load", "after": round(log.seconds, 1)})
        sight = Sight(own, log, readers=readers, axis=axis, say=self._told(log))
        await sight.look(hub.database_url("gateway"), random.Random(seed))

    @asynccontextmanager
    async def _loading(self, load: Load) -> AsyncIterator[None]:
        """On leaving no new stories begin, and those begun come to their ends; on an error they are cut off."""
        stop = asyncio.Event()
        running = asyncio.create_task(load.run(stop, workers=self.settings.workers))
        try:
            yield
            stop.set()
            load.log.pace.rate *= HASTE
            self._told(load.log)(f"{load.begun - load.ended} chuyện chưa xong · stories to end")
            await running
        finally:
            await _ended(running)

    async def _faults(self, faults: Faults, hub: Hub, log: Log) -> None:
        """For as long as the run is to last; the short form does all of its plan."""
        settings, failed = self.settings, 0
        say = self._told(log)
        with (settings.out / "plan.txt").open("w", encoding="utf-8") as planned:
            for fault in plan(settings.seed, form=settings.form):
                if settings.form == "campaign" and log.seconds >= settings.minutes * 60:
                    return
                planned.write(f"{fault.number} {fault.name} after {fault.after}\n")
                planned.flush()
                try:
                    recovery = await faults.inject(fault)
                except (AssertionError, httpx.HTTPError, OSError) as error:
                    failed += 1
                    log.fail(f"{fault.number} {fault.name}: {error!r}")
                    _note(log, fault, began=log.seconds)
                    say(f"{fault.number} {fault.name}: KHÔNG PHỤC HỒI · NO RECOVERY: {error}")
                    if failed >= MOST_FAILED:
                        return
                    await _mended(hub)
                else:
                    began = recovery.began - log.course.run["began"]
                    for each in faults.done:
                        if each is not recovery:
                            _note_part(log, fault, each.group, each.recovered)
                    _note(log, fault, began=began, away=recovery.away, recovered=recovery.recovered)
                    told = f"{recovery.away:.1f} s vắng · away, {recovery.recovered:.1f} s phục hồi · to recover"
                    say(f"{fault.number} {fault.name}: {told}; {faults.count()} đã nhận · accepted")
                faults.done.clear()

    def _told(self, log: Log) -> Say:
        return lambda text: self.say(f"[{log.seconds:6.0f} s] {text}")

    def _outcome(self, log: Log, home: Path, *, early: bool, stopped: bool) -> Outcome:
        out = self.settings.out
        report = judge_early(log.evidence) if early else judge(log.evidence)
        telling = Telling(report, log.evidence, log.course, out / "history.jsonl")
        (out / "report.md").write_text(f"{telling.text()}\n{telling.line()}\n", encoding="utf-8")
        kept = self.settings.home
        if not report.sound:
            shutil.copytree(home / "hub" / "log", out / "log", dirs_exist_ok=True)
            kept = home
        if kept is None:
            shutil.rmtree(home, ignore_errors=True)
        load = self._load
        return Outcome(report, telling, load.begun if load else 0, load.ended if load else 0, kept, stopped)


@asynccontextmanager
async def _reading(readers: list[Reader]) -> AsyncIterator[None]:
    stop = asyncio.Event()
    tasks = [asyncio.create_task(reader.run(stop)) for reader in readers]
    try:
        yield
        stop.set()
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            await _ended(task)


async def _ended(task: asyncio.Task[None]) -> None:
    """Cut off, if it runs still."""
    if not task.done():
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _mended(hub: Hub) -> None:
    """What ended by itself in a fault that failed is there for the next one."""
    for name in ("postgres", "kafka", "gateway", "province", "district", "commune", "axis"):
        if not await surely(hub.alive, name):
            await surely(hub.start_again, name)


def _canaries(
    load: Load, clients: Mapping[str, Client], rng: random.Random
) -> tuple[Callable[[], Awaitable[None]], Callable[[], Awaitable[None]]]:
    """A document with an attachment from a commune to all three levels, which passes every program; and one to the
    central organ, over the axis."""
    sender = clients["commune-a"]

    async def send(*organs: str) -> None:
        try:
            async with asyncio.timeout(RECOVERY_SECONDS):
                posted = await load.papers.issue(sender, organs, rng, paper_share=1.0)
                path = f"/v1/transfers/{posted.body['transfers'][0]}"
                await sender.until(lambda: sender.get(path), _is_final, "canary handed over", seconds=RECOVERY_SECONDS)
        except TimeoutError:
            raise StoryEnded(f"the canary to {', '.join(organs)} was not there in {RECOVERY_SECONDS:.0f} s") from None

    async def to_all() -> None:
        await send(*(clients[name].organ for name in CANARY_TO))

    async def to_central() -> None:
        await send(CENTRAL)

    return to_all, to_central


def _is_final(transfer: Mapping[str, object]) -> bool:
    return transfer["state"] in FINAL


def _note(log: Log, fault: Fault, *, began: float, away: float | None = None, recovered: float | None = None) -> None:
    times = {"began": began, "away": away, "recovered": recovered}
    told = {name: None if each is None else round(each, 2) for name, each in times.items()}
    names = {"number": fault.number, "name": fault.name, "group": fault.group, "parts": len(fault.parts)}
    log.note({"e": "fault", **names, **told})


def _note_part(log: Log, fault: Fault, name: str, recovered: float) -> None:
    """A recovery within a fault."""
    log.note({"e": "fault", "number": fault.number, "name": name, "group": name, "parts": 0, "recovered": recovered})


def _environment() -> dict[str, str]:
    """What a person has set for a hub of their own, or for this command, is not for this hub."""
    return {
        name: value
        for name, value in os.environ.items()
        if name not in NOT_FOR_THE_HUB and not name.startswith(OUR_OWN)
    }
