"""A short cut answers as the route it leads to: the same requests to an app with it and to one without."""

import asyncio
import gzip
from collections.abc import Sequence
from typing import Annotated, Any, cast

import pytest
from fastapi import APIRouter, FastAPI, Header
from pydantic import BaseModel, ConfigDict, field_validator
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from contracts.problems import HubError
from services.kernel.app import Web, build_app
from services.kernel.connection import DatabaseError
from services.kernel.database import Database
from services.kernel.hot import Hot, form_of, json_of
from services.kernel.limits import Limits
from services.kernel.metrics import Metrics
from tests.unit.services.kernel.twins import Asked, Seen, see

MAX_BODY = 2000
JSON = (b"content-type", b"application/json")
GZIP = (b"content-encoding", b"gzip")


class Part(BaseModel):
    name: str
    count: int = 1


class Thing(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    label: str
    number: int | None = None
    parts: list[Part] = []

    @field_validator("label")
    @classmethod
    def is_quiet(cls, label: str) -> str:
        if label.isupper():
            raise ValueError("not so loud")
        return label


FAILURES: dict[str, Exception] = {
    "refused": HubError("dossier.exists", "nói rõ", pointer="/label", headers={"X-More": "1"}),
    "waits": HubError("idempotency.in_progress"),
    "stops": HubError("system.stopping"),
    "missing": HTTPException(404),
    "method": HTTPException(405),
    "empty": HTTPException(204),
    "value": DatabaseError("secret", "22021"),
    "database": DatabaseError("secret"),
    "broken": RuntimeError("secret"),
}


async def answer(thing: Thing, key: str | None) -> Response:
    if thing.label in FAILURES:
        raise FAILURES[thing.label]
    return JSONResponse({**thing.model_dump(), "key": key}, status_code=201, headers={"Location": "/v1/things/1"})


def build_router() -> APIRouter:
    router = APIRouter(prefix="/v1")

    @router.post("/things", status_code=201)
    async def post(thing: Thing, key: Annotated[str | None, Header()] = None) -> Response:
        return await answer(thing, key)

    @router.get("/things")
    async def listed() -> dict[str, int]:
        return {"count": 0}

    return router


async def hot(request: Request) -> Response:
    value = await json_of(request)
    return await answer(form_of(Thing, value), request.headers.get("key"))


def app_of(routes: Sequence[Hot], **web: Any) -> FastAPI:
    given = {"max_body_bytes": MAX_BODY, "limits": Limits(body_pause_seconds=0.05), **web}
    parts = Web(title="twins", database=cast(Database, None), metrics=Metrics(), checks=[], **given)
    return build_app(parts, [build_router()], hot=routes)


async def both(asked: Asked, **web: Any) -> Seen:
    """What is seen with the short cut, which must be what is seen without."""
    short, whole = [await see(app_of(routes, **web), asked) for routes in ([Hot("POST", "/v1/things", hot)], [])]
    assert short == whole
    assert not whole.is_hot
    return short


def nested(depth: int) -> bytes:
    return b'{"label": "x", "parts": ' + b"[" * depth + b"]" * depth + b"}"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"label": "x"}', 201),
        (b' {"label": "x", "label": "hai", "parts": [{"name": "y", "other": 1}]}\n', 201),
        (b"", 422),
        (b" ", 400),
        (b"{", 400),
        (b"\xff\xfe{", 400),
        (b'{"label": "\\ud800"}', 400),
        (b'{"label": NaN}', 400),
        (nested(63), 422),
        (nested(64), 400),
        (b"[" * MAX_BODY, 400),
        (b"null", 422),
        (b"[]", 422),
        (b'"x"', 422),
        (b"{}", 422),
        (b'{"label": 1, "number": "x", "parts": 3, "more": null, "a/b~c": 1}', 422),
        (b'{"label": "LOUD", "number": 1.5}', 422),
        (b'{"label": "x", "parts": [{"name": "y"}, {"count": []}, null, 7]}', 422),
        (b'{"' + b"x" * 900 + b'": 1}', 422),
        (b"{" + b",".join(b'"x%d":1' % n for n in range(80)) + b"}", 422),
        (b'{"label": "' + b"x" * MAX_BODY + b'"}', 413),
        *((b'{"label": "%s"}' % label.encode(), 0) for label in FAILURES),
    ],
)
@pytest.mark.parametrize("length", [True, False])
async def test_a_body_is_judged_the_same(body: bytes, status: int, length: bool) -> None:
    seen = await both(Asked(body, length=length))

    assert seen.is_hot
    assert seen.status == status or not status
    assert seen.told[-1]["route"] == "/v1/things"
    assert b"secret" not in seen.body


@pytest.mark.parametrize(
    ("headers", "is_hot"),
    [
        ([JSON], True),
        ([(b"content-type", b"Application/JSON; charset=UTF-8")], True),
        ([(b"content-type", b"application/json;charset=utf-8"), (b"content-type", b"text/plain")], True),
        ([(b"content-type", b"text/plain"), JSON], False),
        ([(b"content-type", b"application/json; charset=latin-1")], False),
        ([(b"content-type", b"application/vnd.x+json")], False),
        ([(b"content-type", b"application/a/b+json")], False),
        ([(b"content-type", b"")], False),
        ([], False),
        ([JSON, (b"key", b"a"), (b"key", b"b")], True),
        ([JSON, (b"key", b"\xe1")], True),
        ([JSON, (b"accept-encoding", b"gzip")], True),
        ([JSON, (b"accept", b"text/html")], True),
        ([JSON, *((b"x", b"") for _ in range(100))], False),
    ],
)
@pytest.mark.parametrize("body", [b'{"label": "hai"}', b'{"label": 1}', b""])
async def test_headers_are_read_the_same(headers: list[tuple[bytes, bytes]], is_hot: bool, body: bytes) -> None:
    seen = await both(Asked(body, headers=headers))

    assert seen.is_hot is is_hot


@pytest.mark.parametrize(
    "body",
    [
        gzip.compress(b'{"label": "x"}', mtime=0),
        gzip.compress(b'{"label": "x"}', mtime=0)[:-4],
        gzip.compress(b'{"label": "' + b"x" * MAX_BODY + b'"}', mtime=0),
        gzip.compress(b" " * 100 * MAX_BODY, mtime=0),
        b"no gzip",
        b"",
    ],
)
async def test_what_is_compressed_is_bounded_the_same(body: bytes) -> None:
    for length in (True, False):
        assert (await both(Asked(body, headers=[JSON, GZIP], length=length))).is_hot


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE"])
@pytest.mark.parametrize("path", ["/v1/things", "/v1/things/", "/v1//things", "/v1/Things"])
async def test_other_methods_and_paths_are_untouched(method: str, path: str) -> None:
    assert not (await both(Asked(b"", method=method, path=path))).is_hot
    assert (await both(Asked(b'{"label": "x"}', path="/v1/things?x=1"))).is_hot


async def test_a_caller_that_goes_or_dawdles_is_left_the_same() -> None:
    gone = await both(Asked(b'{"label": "x"}', length=False, end="hangs up"))
    slow = await both(Asked(b'{"label": "x"}', length=False, end="stalls"))

    assert (gone.status, gone.told[-1]["event"]) == (499, "request.abandoned")
    assert slow.status == 408
    assert (b"connection", b"close") in slow.headers


async def test_an_ending_process_takes_no_short_cut() -> None:
    stopping = asyncio.Event()
    stopping.set()

    seen = await both(Asked(b'{"label": "x"}'), stopping=stopping)

    assert (seen.status, seen.is_hot) == (503, False)
