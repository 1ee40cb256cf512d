"""Acts over HTTP: the effect is committed first, then some wait for what the gateway makes of it."""

import time
from http import HTTPStatus

from starlette.responses import Response

from contracts.problems import PROBLEMS, HubError
from services.kernel.bell import Bell
from services.kernel.database import Database
from services.kernel.idempotency import Answer, Keyed, Replay, json_answer
from services.office.dossiers import views
from services.office.dossiers.actions import Act, Dossiers, Outcome
from services.office.dossiers.events import bell as stamp_bell
from services.office.dossiers.rules import View
from services.office.organs.rules import Actor
from services.office.web import Desk, respond

WAIT_SECONDS = 5.0
POLL_SECONDS = 0.5
HOLD_SECONDS = 15.0
"""After that the process that waited has died, and a repeat is told what it had promised."""


class Waiting:
    """`accept_custody` and `recall_custody` are answered when their stamp has come, or after five seconds."""

    def __init__(self, desk: Desk, dossiers: Dossiers, database: Database, bell: Bell) -> None:
        self._desk = desk
        self._dossiers = dossiers
        self._database = database
        self._bell = bell

    async def act(self, actor: Actor, code: str, act: Act, keyed: Keyed | None) -> Response:
        async with self._database.transaction() as conn:
            replay = await self._desk.replay(conn, keyed)
            if replay:
                return respond(replay)
            outcome = await self._dossiers.act(conn, actor, code, act)
            if outcome.awaited is None:
                answer = _answer(outcome.view, outcome.transfers)
                await self._desk.keep(conn, keyed, answer)
                return respond(answer)
            promised = _answer(outcome.view, outcome.transfers, known=False)
            await self._desk.keep(conn, keyed, promised, hold_seconds=HOLD_SECONDS)
        try:
            known = await self._has_come(actor, code, outcome.awaited)
        except HubError as error:
            if error.problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                # the database does not say; the act is done, and what was promised stands for every repeat
                return respond(promised)
            async with self._database.transaction() as conn:
                told = None if await self._desk.keep(conn, keyed, None) else await self._desk.replay(conn, keyed)
            if told is None:
                raise
            return respond(told)
        return respond(await self._final(actor, code, outcome, keyed, known=known))

    async def _final(
        self, actor: Actor, code: str, outcome: Outcome, keyed: Keyed | None, *, known: bool
    ) -> Answer | Replay:
        async with self._database.read(still=True) as conn:
            view = await self._dossiers.show(conn, actor.organ, code)
        answer = _answer(view, outcome.transfers, known=known)
        async with self._database.transaction() as conn:
            in_time = await self._desk.keep(conn, keyed, answer, late=True)
            kept = None if in_time else await self._desk.replay(conn, keyed)
        return kept or answer

    async def _has_come(self, actor: Actor, code: str, transfer: str) -> bool:
        """True when the gateway accepted the fact, False when it has not told in time; raises its refusal."""
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            ticket = self._bell.ticket(stamp_bell(transfer))
            async with self._database.read() as conn:
                if await self._dossiers.word(conn, actor.organ, code, transfer):
                    return True
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            await self._bell.wait_since(ticket, min(left, POLL_SECONDS))


def _answer(view: View, transfers: tuple[str, ...], *, known: bool = True) -> Answer:
    headers = {} if known else {"Retry-After": str(PROBLEMS["custody.taking"].retry_after_seconds)}
    return json_answer(200 if known else 202, views.acted(view, transfers), headers)
