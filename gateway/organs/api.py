"""HTTP door of the organ directory: the list with its filters, and one organ by any of its codes."""

import base64
import binascii
import re
from datetime import date
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel

from contracts.directory import local_date
from contracts.identifiers import ORGAN_PATTERN, organ_key
from contracts.levels import Level
from contracts.messages.base import NO_NUL_PATTERN
from contracts.messages.registry import OrganChanged
from contracts.problems import HubError
from gateway.organs import store
from gateway.organs.rules import search_words
from gateway.organs.snapshot import OrganSnapshot
from services.kernel.app import Reading
from services.kernel.auth import require
from services.kernel.clock import Clock

LIMIT = 100
MAX_LIMIT = 500
MAX_QUERY = 200
MAX_CODE = 40  # codes have 35 characters; blanks around them are forgiven
MAX_CURSOR = 100


_CODE = re.compile(ORGAN_PATTERN)


class OrganPage(BaseModel):
    """`next_cursor` is there while there is more."""

    items: list[OrganChanged]
    next_cursor: str | None = None


class Listing(BaseModel):
    """The filters of the list; all given ones must fit."""

    at: date | None = None
    level: Level | None = None
    parent: Annotated[str | None, Query(max_length=MAX_CODE, pattern=NO_NUL_PATTERN)] = None
    q: Annotated[str, Query(max_length=MAX_QUERY, pattern=NO_NUL_PATTERN)] = ""
    cursor: Annotated[str, Query(max_length=MAX_CURSOR)] = ""
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = LIMIT


def build_router(snapshot: OrganSnapshot, clock: Clock) -> APIRouter:
    """Any valid token may read the directory, whatever its scopes."""
    router = APIRouter(prefix="/v1/organs", tags=["organs"], dependencies=[require("")])

    def day(at: date | None) -> date:
        return at or local_date(clock.hub_now())

    @router.get("", summary="Organs valid at a date", response_model=OrganPage)
    async def page(conn: Reading, listing: Annotated[Listing, Query()]) -> Response:
        """In order of code. `q` looks into names and codes, accents or not; `parent` is any code of the superior;
        `at` is today in Viet Nam unless given."""
        on = day(listing.at)
        filtered = store.Filter(
            on=on, level=listing.level, parent=_parent(snapshot, listing.parent, on), words=search_words(listing.q)
        )
        rows = await store.page(conn, filtered, after=_position(listing.cursor), limit=listing.limit + 1)
        body: dict[str, Any] = {"items": [orjson.Fragment(document) for _, document in rows[: listing.limit]]}
        if len(rows) > listing.limit:
            body["next_cursor"] = _cursor(rows[listing.limit - 1][0])
        return Response(orjson.dumps(body), media_type="application/json")

    @router.get("/{code}", summary="One organ", response_model=OrganChanged)
    async def one(code: Annotated[str, Path(examples=["G22"])], at: date | None = None) -> OrganChanged:
        """By its code or an alias valid at the date. Closed organs are found with the dates they existed."""
        organ = snapshot.directory.find(code, day(at))
        if organ is None:
            raise HubError("request.not_found")
        return organ

    return router


def _parent(snapshot: OrganSnapshot, code: str | None, on: date) -> str | None:
    if code is None:
        return None
    organ = snapshot.directory.find(code, on)
    return organ_key(organ.code if organ else code)


def _cursor(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def _position(cursor: str) -> str:
    """The key the page begins after; a cursor nobody gave out is a malformed request."""
    try:
        key = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        key = "?"
    if key and not _CODE.fullmatch(key):
        raise HubError("request.malformed", "not a cursor of this list")
    return key
