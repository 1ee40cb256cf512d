"""What the slices' HTTP doors share: whom a caller acts for, answers that are given once, problems in the API page."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any

import structlog
from fastapi import Depends, Header, Query, Request
from starlette.responses import Response

from services.kernel import cursors
from services.kernel.auth import Authenticator, Caller, require
from services.kernel.connection import Connection
from services.kernel.hot import Hot, Model, form_of, json_of
from services.kernel.idempotency import Answer, Idempotency, Keyed, Replay
from services.kernel.openapi import ALWAYS as EVERYWHERE
from services.kernel.openapi import Responses, problem_responses
from services.office.organs.actions import Organs
from services.office.organs.rules import Actor

JSON = "application/json"
_ORGAN = "The organ acted for, when the system has several · cơ quan mà hệ thống đại diện"
_KEY = "The same key, path and body give the same answer again for 7 days · khóa chống gửi lặp"

XOrgan = Annotated[str | None, Header(description=_ORGAN)]
IdempotencyKey = Annotated[str | None, Header(description=_KEY)]
Cursor = Annotated[
    str | None, Query(max_length=cursors.LONGEST, description="`next_cursor` of the page before · trang tiếp theo")
]
Limit = Annotated[int, Query(ge=1, le=500, description="At most so many items · số mục tối đa")]

ALWAYS = (*EVERYWHERE, "organ.ambiguous", "organ.forbidden", "organ.wrong_office", "sender.unknown")
"""What any operation of an office may answer."""
WRITES = ("sender.suspended", "idempotency.in_progress", "idempotency.reused", "size.too_large")
"""What an operation may answer besides that changes something and takes an Idempotency-Key."""


class Desk:
    """Handed to every router of the office."""

    def __init__(self, organs: Organs, idempotency: Idempotency) -> None:
        self._organs = organs
        self._idempotency = idempotency

    def reader(self, *scopes: str) -> Any:
        """A dependency that gives the `Actor` of a caller with one of the scopes."""
        return self._actor(scopes, writes=False)

    def writer(self, *scopes: str) -> Any:
        """The same for what only an organ that exists and is not suspended may do."""
        return self._actor(scopes, writes=True)

    def acting(self, caller: Caller, x_organ: str | None, *, writes: bool = False) -> Actor:
        """The organ a caller acts for, with the trace of the request."""
        organ = self._organs.acting(caller.organs, (x_organ or "").strip() or None, writes=writes)
        trace = structlog.contextvars.get_contextvars().get("traceparent", "")
        structlog.contextvars.bind_contextvars(organ=organ)
        return Actor(organ=organ, system=caller.client_id, traceparent=trace, scopes=caller.scopes)

    def hot(self, path: str, form: type[Model], answer: Callable[..., Awaitable[Response]], *scopes: str) -> Hot:
        """The short cut to a route of POST: `answer` is its endpoint, with `form`, `request`, `actor` (whom `writer`
        gives) and `idempotency_key`."""

        async def post(request: Request) -> Response:
            value = await json_of(request)
            headers = request.headers
            authenticator: Authenticator = request.app.state.authenticator
            caller = authenticator.caller(headers.get("authorization"), *scopes, load=request.state.load)
            actor = self.acting(caller, headers.get("x-organ"), writes=True)
            given, key = form_of(form, value), headers.get("idempotency-key")
            return await answer(form=given, request=request, actor=actor, idempotency_key=key)

        return Hot("POST", path, post)

    async def once(self, conn: Connection, keyed: Keyed | None, work: Callable[[], Awaitable[Answer]]) -> Response:
        """The work's answer, sent once; see `Idempotency.once`."""
        return respond(await self._idempotency.once(conn, keyed, work))

    async def replay(self, conn: Connection, keyed: Keyed | None) -> Replay | None:
        """The answer of before, if there was one; the key is taken until the transaction ends."""
        outcome = await self._idempotency.begin(conn, keyed) if keyed else None
        return outcome if isinstance(outcome, Replay) else None

    async def keep(
        self,
        conn: Connection,
        keyed: Keyed | None,
        answer: Answer | None,
        *,
        hold_seconds: float = 0.0,
        late: bool = False,
    ) -> bool:
        """The answer to repeats from now on, or behind the hold if nothing better was kept until then (`late`, in
        another transaction); None takes back what is held. False when it came too late: the answer is what was held."""
        if keyed is None:
            return True
        if answer is None:
            return await self._idempotency.drop(conn, keyed)
        return await self._idempotency.finish(conn, keyed, answer, hold_seconds=hold_seconds, late=late)

    def _actor(self, scopes: Sequence[str], *, writes: bool) -> Any:
        async def actor(caller: Annotated[Caller, require(*scopes)], x_organ: XOrgan = None) -> Actor:
            return self.acting(caller, x_organ, writes=writes)

        return Depends(actor)


async def key_of(request: Request, actor: Actor, key: str | None) -> Keyed | None:
    """The request under its `Idempotency-Key`: the same key for another path or organ is another one."""
    if key is None:
        return None
    route = f"{request.method} {request.scope['path']} {actor.organ}"
    return Keyed.of(actor.system, route, key, await request.body())


def respond(answer: Answer | Replay) -> Response:
    return Response(answer.body, status_code=answer.status, headers=dict(answer.headers), media_type=JSON)


def problems(*codes: str, writes: bool = False) -> Responses:
    """The problem responses of an operation, by status, for the API page."""
    return problem_responses((*codes, *(WRITES if writes else ())), ALWAYS)
