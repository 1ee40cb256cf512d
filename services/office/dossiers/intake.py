"""The group commit of submissions: what gathers while one commit is under way goes into the next, without a timer.

An idle office commits one by one at once; a busy one commits hundreds together. An answer is given after its commit.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from contracts.problems import HubError
from services.kernel.bulk import Writes
from services.kernel.connection import Connection, DatabaseError
from services.kernel.database import Database, is_transient
from services.kernel.idempotency import Answer, Idempotency, Keyed, Replay, json_answer
from services.office.dossiers import views
from services.office.dossiers.actions import Dossiers, NewDossier, Outcome, plain

COMMITTERS = 2
AT_ONCE = 500
WAITING = 5000
"""More than this many requests are told to come again."""
UNIQUE_VIOLATION = "23505"

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Waiting:
    new: NewDossier
    keyed: Keyed | None
    answer: asyncio.Future[Answer | Replay] = field(repr=False)


class Intake:
    """A worker of every process that serves the API: without it nothing is accepted."""

    def __init__(self, dossiers: Dossiers, idempotency: Idempotency, database: Database) -> None:
        self._dossiers = dossiers
        self._idempotency = idempotency
        self._database = database
        self._queue: asyncio.Queue[_Waiting] = asyncio.Queue(WAITING)
        self._closed = False

    async def submit(self, new: NewDossier, keyed: Keyed | None) -> Answer | Replay:
        """The answer, once it is durable; raises why the dossier was not taken."""
        if self._closed:
            raise HubError("system.stopping")
        waiting = _Waiting(new, keyed, asyncio.get_running_loop().create_future())
        try:
            self._queue.put_nowait(waiting)
        except asyncio.QueueFull:
            raise HubError("system.overloaded", "too many dossiers at once") from None
        return await waiting.answer

    async def run(self, stop: asyncio.Event) -> None:
        """Worker: until `stop`, then commits what was taken before."""
        committers = [asyncio.ensure_future(self._commit_all()) for _ in range(COMMITTERS)]
        stopping = asyncio.ensure_future(stop.wait())
        try:
            await asyncio.wait({stopping, *committers}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._closed = stop.is_set()
            stopping.cancel()
            await self._finish(committers)

    async def _finish(self, committers: Sequence[asyncio.Future[None]]) -> None:
        """Waits for the queue to be empty unless the committers broke; their error, if any, is raised."""
        drained = asyncio.ensure_future(self._queue.join())
        await asyncio.wait({drained, *committers}, return_when=asyncio.FIRST_COMPLETED)
        for task in (drained, *committers):
            task.cancel()
        await asyncio.wait({drained, *committers})
        for task in committers:
            if not task.cancelled():
                task.result()

    async def _commit_all(self) -> None:
        while True:
            group = [await self._queue.get()]
            while len(group) < AT_ONCE and not self._queue.empty():
                group.append(self._queue.get_nowait())
            try:
                await self._commit(group)
            finally:
                for each in group:
                    if not each.answer.done():
                        each.answer.set_exception(HubError("system.failed"))
                    self._queue.task_done()

    async def _commit(self, group: Sequence[_Waiting]) -> None:
        """Answers each of the group. If the database refuses them together, each is tried by itself."""
        answers: Sequence[Answer | Replay | HubError]
        try:
            answers = await self._store(group)
        except HubError as error:
            answers = [_again(error) for _ in group]
            if error.code == "system.storage_unavailable":
                self._refuse_queued(error)
        except DatabaseError as error:
            if is_transient(error):
                answers = [HubError("system.overloaded", "the database was busy") for _ in group]
            elif len(group) > 1:
                _log.warning("intake.divided", size=len(group), error=type(error).__name__)
                for each in group:
                    await self._commit([each])
                return
            else:
                _give(group[0], error)
                return
        for each, answer in zip(group, answers, strict=True):
            _give(each, answer)

    def _refuse_queued(self, error: HubError) -> None:
        """Who came while the database stood still is told now, and not after a time-out of their own."""
        while not self._queue.empty():
            _give(self._queue.get_nowait(), _again(error))
            self._queue.task_done()

    async def _store(self, group: Sequence[_Waiting]) -> list[Answer | Replay | HubError]:
        """All together, or none; repeats are answered from what is kept, with no effect."""
        if all(plain(each.new) for each in group):
            try:
                return await self._issue(group)
            except DatabaseError as error:
                if error.sqlstate != UNIQUE_VIOLATION:
                    raise
                _log.info("code.issued_again", size=len(group))
        async with self._database.transaction() as conn:
            answers = await self._repeats(conn, group)
            fresh = [place for place in range(len(group)) if place not in answers]
            outcomes = await self._dossiers.submit(conn, [group[place].new for place in fresh])
            writes = Writes()
            self._keep(writes, group, dict(zip(fresh, outcomes, strict=True)), answers)
            await writes.run(conn)
        return [answers[place] for place in range(len(group))]

    async def _issue(self, group: Sequence[_Waiting]) -> list[Answer | Replay | HubError]:
        """By one statement, whatever their number; which is all there is to the transaction if there are no keys."""
        numbers = self._dossiers.numbers_at_hand(len(group))
        if numbers is None:
            async with self._database.single() as conn:
                numbers = await self._dossiers.draw_numbers(conn, len(group))
        keyed = any(each.keyed for each in group)
        async with self._database.transaction() if keyed else self._database.single() as conn:
            answers = await self._repeats(conn, group)
            fresh = [place for place in range(len(group)) if place not in answers]
            writes = Writes()
            outcomes = self._dossiers.issue(writes, [group[place].new for place in fresh], numbers)
            self._keep(writes, group, dict(zip(fresh, outcomes, strict=True)), answers)
            await writes.run(conn)
        return [answers[place] for place in range(len(group))]

    async def _repeats(self, conn: Connection, group: Sequence[_Waiting]) -> dict[int, Answer | Replay | HubError]:
        """Answers, by place, of those whose keys were used before."""
        keyed = {place: each.keyed for place, each in enumerate(group) if each.keyed is not None}
        if not keyed:
            return {}
        begun = await self._idempotency.begin_many(conn, list(keyed.values()))
        found = zip(keyed, begun, strict=True)
        return {place: each for place, each in found if isinstance(each, Replay | HubError)}

    def _keep(
        self,
        writes: Writes,
        group: Sequence[_Waiting],
        outcomes: Mapping[int, Outcome | HubError],
        answers: dict[int, Answer | Replay | HubError],
    ) -> None:
        """Adds the answers to the outcomes, and gathers those that repeats are to be given."""
        kept = []
        for place, outcome in outcomes.items():
            answer = outcome if isinstance(outcome, HubError) else _accepted(views.accepted(outcome))
            answers[place] = answer
            if (keyed := group[place].keyed) and isinstance(answer, Answer):
                kept.append((keyed, answer))
        self._idempotency.finish_many(writes, kept)


def _again(error: HubError) -> HubError:
    """One for each who waits: an exception that is raised twice gathers both traces."""
    return HubError(error.code, error.detail, pointer=error.pointer, contract=error.contract)


def _accepted(body: dict[str, object]) -> Answer:
    return json_answer(201, body, {"Location": f"/v1/dossiers/{body['code']}"})


def _give(waiting: _Waiting, answer: Answer | Replay | Exception) -> None:
    """A caller that went away needs none."""
    if waiting.answer.done():
        return
    if isinstance(answer, Exception):
        waiting.answer.set_exception(answer)
    else:
        waiting.answer.set_result(answer)
