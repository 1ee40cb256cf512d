"""What the doors of administration share: who acts, an answer given once, versions in ETag and If-Match, cursors."""

import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from hashlib import sha256
from typing import Annotated

from fastapi import Header, Query, Request
from pydantic import StringConstraints
from starlette.responses import Response

from contracts.messages.base import NO_NUL_PATTERN, NoNul, Speakable
from contracts.problems import HubError
from gateway.audit.actions import Act
from gateway.registries.follower import Follower
from services.kernel import cursors
from services.kernel.auth import Caller, require
from services.kernel.clock import Clock
from services.kernel.connection import Connection
from services.kernel.database import Database
from services.kernel.idempotency import Answer, Idempotency, Keyed

JSON = "application/json"
MAX_REASON = 2000
MAX_CURSOR = 100
MAX_POSITION_DIGITS = 18

_TAG = re.compile(r'(?:W/)?"([0-9]{1,18})"')

Administrator = Annotated[Caller, require("admin")]
Reason = Annotated[str, StringConstraints(min_length=1, max_length=MAX_REASON), Speakable, NoNul]
AskedReason = Annotated[
    str,
    Query(max_length=MAX_REASON, pattern=NO_NUL_PATTERN, description="Why, for the audit · lý do, ghi vào nhật ký"),
]
IdempotencyKey = Annotated[
    str | None,
    Header(description="The same key, path, query and body give the same answer again for 7 days · khóa chống gửi lặp"),
]
IfMatch = Annotated[
    str | None,
    Header(description='Version read, as ETag told it: `"3"` · phiên bản đã đọc', examples=['"3"']),
]

KEYED = ("idempotency.in_progress", "idempotency.reused")
"""What an operation that takes an Idempotency-Key may answer besides."""
BODIES = ("request.unsupported_media_type", "size.too_large")
"""What an operation that takes a body may answer besides."""
WRITES = (*KEYED, *BODIES)

Work = Callable[[Connection, Act], Awaitable[Answer]]


class Acting:
    """Carries out one act of a caller: its transaction, its answer under the Idempotency-Key, its mark in the audit."""

    def __init__(self, database: Database, follower: Follower, idempotency: Idempotency, clock: Clock) -> None:
        self._database = database
        self._follower = follower
        self._idempotency = idempotency
        self._clock = clock

    def act(self, request: Request, caller: Caller, reason: str) -> Act:
        return Act(caller.client_id, self._clock.hub_now(), reason, request.state.request_id)

    async def once(
        self,
        request: Request,
        caller: Caller,
        work: Work,
        *,
        key: str | None,
        reason: str = "",
        body: bytes | None = None,
    ) -> Response:
        """The work's answer, committed; when it is given, this process already goes by the change.

        `body` is what the key stands for, unless FastAPI has read it.
        """
        act = self.act(request, caller, reason)
        keyed = None
        if key is not None:
            query = sha256(request.url.query.encode()).hexdigest()  # it may be longer than an index takes
            route = f"{request.method} {request.url.path}?{query}"
            keyed = Keyed.of(caller.client_id, route, key, await request.body() if body is None else body)
        async with self._database.transaction() as conn:
            answer = await self._idempotency.once(conn, keyed, lambda: work(conn, act))
        with suppress(HubError):  # the change is committed whether or not it can be read again just now
            await self._follower.refresh()
        return Response(answer.body, status_code=answer.status, headers=dict(answer.headers), media_type=JSON)


def etag(version: int) -> str:
    return f'"{version}"'


def check_version(if_match: str | None, version: int | None) -> None:
    """Raises request.precondition_failed unless the present version is among those named; `version` None: there is
    no such entry yet."""
    if if_match is None:
        return
    if if_match.strip() == "*":
        named = set() if version is None else {version}
    else:
        tags = [_TAG.fullmatch(part.strip()) for part in if_match.split(",")]
        if not all(tags):
            raise HubError("request.malformed", 'If-Match: "<version>"')
        named = {int(tag[1]) for tag in tags if tag}
    if version is None or version not in named:
        raise HubError("request.precondition_failed", headers={} if version is None else {"ETag": etag(version)})


def write_cursor(position: int, scope: str) -> str:
    return cursors.seal(str(position), scope)


def read_cursor(cursor: str | None, scope: str) -> int | None:
    """The position a page begins behind; a cursor not given out for the question of `scope` is a malformed request."""
    if cursor is None:
        return None
    told = cursors.unseal(cursor, scope)
    if not (told.isascii() and told.isdecimal()) or len(told) > MAX_POSITION_DIGITS:
        raise cursors.foreign()
    return int(told)
