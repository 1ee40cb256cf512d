"""Bodies through the edge: compressed, too large, too slow, cut off, not JSON, beyond a quota."""

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator
from functools import cache
from typing import Any

import httpx
import pytest
import structlog
from fastapi import FastAPI

from services.kernel.limits import Limits
from services.kernel.quotas import Quota, Quotas
from tests.unit.services.kernel.edge import LARGE_BODY, MAX_BODY, build, client_of, problem

GZIP = {"Content-Encoding": "gzip"}


@pytest.fixture
def app() -> FastAPI:
    return build()


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app) as client:
        yield client


async def chunks(data: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


@cache
def bomb(megabytes: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join([*(packer.compress(b"0" * 1_000_000) for _ in range(megabytes)), packer.flush()])


async def test_a_compressed_body_is_read_as_what_it_stands_for(client: httpx.AsyncClient) -> None:
    packed = gzip.compress(b'{"label": "a"}')
    json_headers = {"Content-Type": "application/json", **GZIP}
    assert (await client.post("/v1/things", content=packed, headers=json_headers)).json() == {"label": "a"}
    for content in (gzip.compress(b"0" * MAX_BODY), chunks(gzip.compress(b"0" * MAX_BODY), 10)):
        assert (await client.put("/v1/raw", content=content, headers=GZIP)).json() == {"size": MAX_BODY}
    told = (await client.put("/v1/large", content=packed, headers=GZIP)).json()
    assert told == {"size": 14, "coding": None}, "what was undone is not told to the route"
    told = (await client.put("/v1/large", content=b"a", headers={"Content-Encoding": "identity"})).json()
    assert told == {"size": 1, "coding": None}
    assert (await client.put("/v1/raw", content=b"", headers=GZIP)).json() == {"size": 0}


@pytest.mark.parametrize(("path", "limit"), [("/v1/raw", MAX_BODY), ("/v1/large", LARGE_BODY)])
async def test_the_limit_of_the_route_counts_after_decompression(
    client: httpx.AsyncClient, path: str, limit: int
) -> None:
    assert (await client.put(path, content=gzip.compress(b"0" * limit), headers=GZIP)).json()["size"] == limit
    for content in (gzip.compress(b"0" * (limit + 1)), bomb(30), chunks(bomb(30), 5000)):
        body = problem(await client.put(path, content=content, headers=GZIP), 413, "size.too_large")
        assert str(limit) in body["detail"]
    body = problem(await client.put(path, content=b"0" * (limit + 1)), 413, "size.too_large")
    assert str(limit) in body["detail"]


async def test_input_that_makes_no_output_ends_too(client: httpx.AsyncClient) -> None:
    empty_block = b"\x00\x00\x00\xff\xff"
    endless = gzip.compress(b"")[:10] + empty_block * (MAX_BODY // 4)
    problem(await client.put("/v1/raw", content=chunks(endless, 5000), headers=GZIP), 413, "size.too_large")


async def test_broken_and_foreign_codings_are_refused(client: httpx.AsyncClient) -> None:
    packed = gzip.compress(b"a" * 1000)
    for content in (b"plain", packed[:-1], packed + b"more", packed + packed):
        problem(await client.put("/v1/raw", content=content, headers=GZIP), 400, "request.malformed")
        problem(await client.post("/hot", content=chunks(content, 7), headers=GZIP), 400, "request.malformed")
    for coding in ("br", "deflate", "gzip, gzip"):
        response = await client.put("/v1/raw", content=packed, headers={"Content-Encoding": coding})
        problem(response, 415, "request.unsupported_media_type")
        assert response.headers["accept-encoding"] == "gzip, identity"


@pytest.mark.parametrize(
    ("content", "headers", "status", "code"),
    [
        (b'{"label": "a", "label": "b"}', {}, 201, ""),
        (b'{"label": "a", "parts": ' + b"[" * 63 + b"]" * 63 + b"}", {}, 201, ""),
        (b'{"label": "a", "parts": ' + b"[" * 64 + b"]" * 64 + b"}", {}, 400, "request.malformed"),
        (b'{"label": "a", "parts": ' + b"[" * 1000 + b"]" * 1000 + b"}", {}, 400, "request.malformed"),
        (b"[" * 50_000, {}, 400, "request.malformed"),
        (b'{"label": "a", "parts": [' + b"9" * 5000 + b"]}", {}, 400, "request.malformed"),
        (b'\xef\xbb\xbf{"label": "a"}', {}, 400, "request.malformed"),
        (b'{"label": "\xff"}', {}, 400, "request.malformed"),
        (b'{"label": "\\ud800"}', {}, 400, "request.malformed"),
        (b'{"label": NaN}', {}, 400, "request.malformed"),
        (b'{"label": 1}', {}, 422, "request.invalid"),
        (b'"text"', {}, 422, "request.invalid"),
        (b"null", {}, 422, "request.invalid"),
        (b"", {}, 422, "request.invalid"),
        (b"{}", {"content-type": "application/json; charset=utf-16"}, 415, "request.unsupported_media_type"),
        (b"{}", {"content-type": "text/plain"}, 415, "request.unsupported_media_type"),
        (b"{}", {"content-type": ""}, 415, "request.unsupported_media_type"),
    ],
)
async def test_json_is_read_strictly(
    client: httpx.AsyncClient, content: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    response = await client.post("/v1/things", content=content, headers={"content-type": "application/json", **headers})
    assert response.status_code == status, response.text
    if code:
        problem(response, status, code)
    elif b"label" in content[10:]:
        assert response.json() == {"label": "b"}


async def test_the_nesting_that_is_taken_is_a_setting() -> None:
    async with client_of(build(limits=Limits(max_json_depth=2))) as client:
        assert (await client.post("/v1/things", json={"label": "a", "parts": []})).status_code == 201
        problem(await client.post("/v1/things", json={"label": "a", "parts": [[]] * 2}), 400, "request.malformed")


async def test_forms_are_read_through_the_same_stream(client: httpx.AsyncClient) -> None:
    assert (await client.post("/v1/form", data={"label": "a"})).json() == {"label": "a"}
    headers = {"Content-Type": "application/x-www-form-urlencoded", **GZIP}
    problem(await client.post("/v1/form", content=b"label=a", headers=headers), 400, "request.malformed")


async def test_a_body_keeps_a_pace() -> None:
    limits = Limits(body_pause_seconds=5, body_grace_seconds=0.2, body_bytes_per_second=1000)

    async def trickling() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"0"
            await asyncio.sleep(0.02)

    async with client_of(build(limits=limits)) as client:
        for path in ("/v1/raw", "/v1/large"):
            response = await client.put(path, content=trickling())
            body = problem(response, 408, "request.timeout")
            assert "1000 bytes per second" in body["detail"]
            assert response.headers["connection"] == "close"
        assert (await client.put("/v1/raw", content=chunks(b"0" * 5000, 100))).json() == {"size": 5000}


@pytest.mark.parametrize("path", ["/v1/raw", "/v1/large"])
@pytest.mark.parametrize("coding", ["", "gzip"])
async def test_a_client_that_goes_away_is_no_failure(app: FastAPI, path: str, coding: str) -> None:
    sent: list[Any] = []
    came = iter([{"type": "http.request", "body": gzip.compress(b"a" * 100)[:15], "more_body": True}])

    async def receive() -> dict[str, Any]:
        return next(came, {"type": "http.disconnect"})

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"transfer-encoding", b"chunked")] + ([(b"content-encoding", b"gzip")] if coding else [])
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "PUT",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": headers,
    }
    with structlog.testing.capture_logs() as logs:
        await app(scope, receive, send)
    assert [(entry["event"], entry["log_level"]) for entry in logs] == [("request.abandoned", "info")]
    async with client_of(app) as client:
        shown = (await client.get("/metrics")).text
    assert f'route="{path}",status="499"' in shown
    assert 'status="5' not in shown


async def test_bodies_are_charged_to_the_caller(app: FastAPI) -> None:
    now = [0.0]
    app.state.quotas = Quotas(Quota(requests_per_second=100, bytes_per_second=1000), lambda: now[0])
    async with client_of(app) as client:
        assert (await client.post("/v1/charged", content=b"0" * 1500)).status_code == 200
        refused = await client.post("/v1/charged", content=b"0" * 1500)
        body = problem(refused, 429, "quota.exceeded")
        assert "bytes of request bodies" in body["detail"]
        assert refused.headers["retry-after"] == "1"
        now[0] += 1
        assert (await client.post("/v1/charged", content=chunks(b"0" * 4000, 500))).json() == {"size": 4000}
        assert (await client.post("/v1/charged", content=b"")).status_code == 200
        refused = await client.post("/v1/charged", content=chunks(b"0", 1))
        problem(refused, 429, "quota.exceeded")
        assert refused.headers["retry-after"] == "3", "2500 bytes of debt"
        now[0] += 4.5
        packed = gzip.compress(b"0" * 3000)
        assert (await client.post("/v1/charged", content=packed, headers=GZIP)).json() == {"size": 3000}
        problem(await client.post("/v1/charged", content=b"0"), 429, "quota.exceeded")


async def test_what_is_new_is_refused_while_the_process_drains() -> None:
    stopping = asyncio.Event()
    async with client_of(build(stopping=stopping)) as client:
        assert (await client.get("/v1/things")).status_code == 200
        told = await client.get("/v1/stopping")
        stopping.set()
        for response in (told, await client.get("/v1/things")):
            problem(response, 503, "system.stopping")
            assert response.headers["connection"] == "close"
            assert response.headers["retry-after"]
        assert (await client.get("/healthz")).status_code == 200


@pytest.mark.parametrize(
    ("url", "status", "code"),
    [
        ("/v1/things?" + "a" * 9000, 414, "request.uri_too_long"),
        ("/v1/things?" + "a&" * 100, 400, "request.malformed"),
        ("/v1/things/a%00", 400, "request.malformed"),
        ("/v1/things%0A", 400, "request.malformed"),
        ("/v1/things?q=%ff", 400, "request.malformed"),
        ("/v1/things/a%2F..", 404, "request.not_found"),
    ],
)
async def test_addresses_are_judged_before_the_route(
    client: httpx.AsyncClient, url: str, status: int, code: str
) -> None:
    problem(await client.get(url), status, code)
    head = await client.head(url)
    assert (head.status_code, head.content) == (status, b"")
    assert (await client.options(url)).status_code == status


async def test_headers_are_bounded(client: httpx.AsyncClient) -> None:
    many = [(f"x-{number}", "a") for number in range(101)]
    problem(await client.get("/v1/things", headers=many), 431, "request.headers_too_large")
    problem(await client.get("/v1/things", headers={"x": "a" * 33_000}), 431, "request.headers_too_large")
