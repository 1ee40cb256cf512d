"""HTTP door of the organ directory: the list with its filters, one organ by any of its codes, and what changes them."""

import re
from datetime import date
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Header, Path, Query, Response
from pydantic import BaseModel

from contracts.directory import local_date
from contracts.identifiers import ORGAN_PATTERN, organ_key
from contracts.levels import Level
from contracts.messages.base import NO_NUL_PATTERN, Date
from contracts.messages.registry import OrganChanged
from contracts.problems import HubError
from gateway.audit.doors import JSON, Acting, etag
from gateway.organs import changes_api, forms, sheets_api, store
from gateway.organs.rules import search_words
from gateway.organs.snapshot import OrganSnapshot
from services.kernel import cursors
from services.kernel.app import Reading
from services.kernel.auth import require
from services.kernel.clock import Clock
from services.kernel.openapi import problem_responses

LIMIT = 100
MAX_LIMIT = 500
MAX_QUERY = 200
MAX_CODE = 40  # codes have 35 characters; blanks around them are forgiven
MAX_CURSOR = 100


_CODE = re.compile(ORGAN_PATTERN)
_UNFILTERED = (None, None, None, "", None)


class OrganPage(BaseModel):
    """`next_cursor` is there while there is more."""

    items: list[OrganChanged]
    next_cursor: str | None = None


class Listing(BaseModel):
    """The filters of the list; all given ones must fit."""

    at: Annotated[Date | None, Query(description="Valid at this date; today unless given · ngày hiệu lực")] = None
    level: Annotated[Level | None, Query(description="Of this level · cấp")] = None
    parent: Annotated[
        str | None,
        Query(
            max_length=MAX_CODE, pattern=NO_NUL_PATTERN, description="Below this superior; any of its codes · cấp trên"
        ),
    ] = None
    q: Annotated[
        str,
        Query(max_length=MAX_QUERY, pattern=NO_NUL_PATTERN, description="In name or codes, accents or not · từ khóa"),
    ] = ""
    home: Annotated[Literal["office", "vxp", "axis"] | None, Query(description="How it is reached · kênh nhận")] = None
    cursor: Annotated[str, Query(max_length=MAX_CURSOR, description="`next_cursor` of the page before")] = ""
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Items at most · số mục nhiều nhất")] = LIMIT


Code = Annotated[str, Path(description="Its code or an alias · mã định danh hoặc mã khác", examples=["G22"])]
At = Annotated[Date | None, Query(description="Whom the code means at this date; today unless given · ngày")]
IfNoneMatch = Annotated[str | None, Header(description="The ETag held: 304 when it is still the same")]


def build_router(snapshot: OrganSnapshot, clock: Clock, acting: Acting) -> APIRouter:
    """Any valid token may read the directory, whatever its scopes; changing it is for administrators."""
    router = APIRouter()
    router.include_router(_reads(snapshot, clock))
    router.include_router(changes_api.build_router(acting, snapshot, clock))
    router.include_router(sheets_api.build_router(acting, snapshot))
    return router


def _reads(snapshot: OrganSnapshot, clock: Clock) -> APIRouter:
    router = APIRouter(prefix="/v1/organs", tags=["organs"], dependencies=[require("")])

    def day(at: date | None) -> date:
        return at or local_date(clock.hub_now())

    @router.get(
        "",
        summary="List organs valid at a date",
        operation_id="listOrgans",
        response_model=OrganPage,
        responses={
            200: {
                "content": {
                    JSON: {
                        "example": {
                            "items": [forms.SHOWN],
                            "next_cursor": cursors.seal("H44.104", cursors.scope("organs", *_UNFILTERED)),
                        }
                    }
                }
            },
            **problem_responses([]),
        },
    )
    async def page(conn: Reading, listing: Annotated[Listing, Query()]) -> Response:
        """In order of code. Filters combine.

        Danh mục cơ quan có hiệu lực tại một ngày, xếp theo mã.
        """
        on = day(listing.at)
        scope = cursors.scope("organs", listing.at, listing.level, listing.parent, listing.q, listing.home)
        filtered = store.Filter(
            on=on,
            level=listing.level,
            parent=_parent(snapshot, listing.parent, on),
            home=listing.home,
            words=search_words(listing.q),
        )
        rows = await store.page(conn, filtered, after=_position(listing.cursor, scope), limit=listing.limit + 1)
        body: dict[str, Any] = {"items": [orjson.Fragment(document) for _, document in rows[: listing.limit]]}
        if len(rows) > listing.limit:
            body["next_cursor"] = cursors.seal(rows[listing.limit - 1][0], scope)
        return Response(orjson.dumps(body), media_type=JSON)

    @router.get(
        "/{code}",
        summary="Show an organ",
        operation_id="showOrgan",
        response_model=OrganChanged,
        responses={
            200: {"content": {JSON: {"example": forms.SHOWN}}},
            304: {"description": "It is the version held"},
            **problem_responses(["request.not_found"]),
        },
    )
    async def one(code: Code, conn: Reading, at: At = None, if_none_match: IfNoneMatch = None) -> Response:
        """By its code or an alias valid at the date. Closed organs are found with the dates they existed. `ETag` is
        the entry's version, for If-Match.

        Thông tin một cơ quan theo mã bất kỳ của nó tại một ngày.
        """
        await snapshot.refresh(conn)
        organ = snapshot.directory.find(code, day(at))
        if organ is None:
            raise HubError("request.not_found")
        tag = etag(organ.version)
        if tag in [each.strip().removeprefix("W/") for each in (if_none_match or "").split(",")]:
            return Response(status_code=304, headers={"ETag": tag})
        return Response(organ.model_dump_json(), media_type=JSON, headers={"ETag": tag})

    return router


def _parent(snapshot: OrganSnapshot, code: str | None, on: date) -> str | None:
    if code is None:
        return None
    organ = snapshot.directory.find(code, on)
    return organ_key(organ.code if organ else code)


def _position(cursor: str, scope: str) -> str:
    """The key the page begins after; a cursor not given out for the question of `scope` is a malformed request."""
    key = cursors.unseal(cursor, scope) if cursor else ""
    if key and not _CODE.fullmatch(key):
        raise cursors.foreign()
    return key
