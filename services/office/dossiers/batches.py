"""Many dossiers in one request: each is judged for itself, what can be stored is stored in one transaction."""

import asyncio
from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError
from starlette.responses import Response

from contracts.problems import HubError
from services.kernel.database import Database
from services.kernel.idempotency import Answer, Keyed, json_answer
from services.kernel.problem_details import Place, of_validation, problem_body
from services.office.dossiers import forms, views
from services.office.dossiers.actions import Dossiers, NewDossier, Outcome
from services.office.organs.rules import Actor
from services.office.web import Desk

AT_ONCE = 2
"""More would keep single submissions from the database."""
WAITING = 50
"""More than this many batches are told to come again."""

Problem = dict[str, Any]


class Batches:
    """Of one process."""

    def __init__(self, desk: Desk, dossiers: Dossiers, database: Database) -> None:
        self._desk = desk
        self._dossiers = dossiers
        self._database = database
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._present = 0

    async def submit(self, actor: Actor, items: Sequence[Any], keyed: Keyed | None, place: Place) -> Response:
        """201 when all were stored, 207 when some were, 422 when none; `place` is for the problems."""

        async def work() -> Answer:
            read = [_read(item, place) for item in items]
            news = [NewDossier(actor, each) for each, problem in read if problem is None]
            outcomes = iter(await self._dossiers.submit(conn, news))
            told = [_told(next(outcomes), place) if problem is None else _refused(problem) for _, problem in read]
            return _answer(told)

        if self._present >= WAITING:
            raise HubError("system.overloaded", "too many batches at once")
        self._present += 1
        try:
            async with self._turns, self._database.transaction() as conn:
                return await self._desk.once(conn, keyed, work)
        finally:
            self._present -= 1


def _read(item: Any, place: Place) -> tuple[dict[str, Any], Problem | None]:
    """The fields of one item, or its problem with pointers into the item."""
    try:
        return forms.given(forms.DossierForm.model_validate(item)), None
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        listed = of_validation([{**each, "loc": ("body", *each["loc"])} for each in found])
        return {}, problem_body(HubError("request.invalid"), place, listed)


def _told(outcome: Outcome | HubError, place: Place) -> dict[str, Any]:
    if isinstance(outcome, HubError):
        return _refused(problem_body(outcome, place))
    return {"status": 201, "body": views.accepted(outcome)}


def _refused(problem: Problem) -> dict[str, Any]:
    return {"status": problem["status"], "problem": problem}


def _answer(told: Sequence[dict[str, Any]]) -> Answer:
    stored = sum("body" in each for each in told)
    status = 422 if not stored else 201 if stored == len(told) else 207
    return json_answer(status, {"items": [{"index": index, **each} for index, each in enumerate(told)]})
