"""HEAD, OPTIONS, conditional GET and compression, over every kind of route."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
import structlog
from fastapi import FastAPI

from tests.unit.services.kernel.edge import TEXT, build, client_of, problem

CHANGING = {"x-request-id"}


@pytest.fixture
def app() -> FastAPI:
    return build()


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app) as client:
        yield client


def stable(response: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in response.headers.items() if name not in CHANGING}


@pytest.mark.parametrize("coding", ["identity", "gzip"])
@pytest.mark.parametrize(
    "path",
    ["/v1/things", "/v1/things/a", "/v1/versioned", "/v1/page", "/v1/bytes", "/openapi.json", "/healthz", "/metrics"],
)
async def test_head_is_get_without_a_body(client: httpx.AsyncClient, path: str, coding: str) -> None:
    headers = {"Accept-Encoding": coding}
    head, get = await client.head(path, headers=headers), await client.get(path, headers=headers)
    assert head.status_code == get.status_code == 200
    assert head.content == b""
    assert get.content
    if path != "/metrics":
        assert stable(head) == stable(get)
        assert "content-length" in head.headers


async def test_head_of_refusals_and_endless_streams(client: httpx.AsyncClient) -> None:
    for path, status in (("/nowhere", 404), ("/v1/raw", 405)):
        head = await client.head(path)
        assert (head.status_code, head.content) == (status, b"")
        assert int(head.headers["content-length"]) > 100
    async with asyncio.timeout(5):
        events = await client.head("/v1/events")
    assert (events.status_code, events.content) == (200, b"")
    assert events.headers["content-type"].startswith("text/event-stream")


@pytest.mark.parametrize(
    ("path", "allow"),
    [
        ("/v1/things", "GET, HEAD, POST, OPTIONS"),
        ("/v1/things/a", "GET, HEAD, DELETE, OPTIONS"),
        ("/v1/raw", "PUT, OPTIONS"),
        ("/hot", "POST, OPTIONS"),
        ("/healthz", "GET, HEAD, OPTIONS"),
        ("/openapi.json", "GET, HEAD, OPTIONS"),
    ],
)
async def test_every_path_tells_all_its_methods(client: httpx.AsyncClient, path: str, allow: str) -> None:
    options = await client.options(path)
    assert (options.status_code, options.content, options.headers["allow"]) == (204, b"", allow)
    assert "access-control-allow-origin" not in options.headers
    refused = await client.patch(path)
    problem(refused, 405, "request.method_not_allowed")
    assert refused.headers["allow"] == allow


async def test_a_path_that_nothing_offers_has_no_options(client: httpx.AsyncClient) -> None:
    problem(await client.options("/nowhere"), 404, "request.not_found")
    problem(await client.request("TRACE", "/nowhere"), 404, "request.not_found")


async def test_json_has_a_weak_tag_of_its_bytes(client: httpx.AsyncClient) -> None:
    first, again = await client.get("/v1/things/a"), await client.get("/v1/things/a")
    tag = first.headers["etag"]
    assert tag.startswith('W/"')
    assert again.headers["etag"] == tag
    assert (await client.get("/v1/things/b")).headers["etag"] != tag
    for path in ("/readyz", "/metrics"):
        assert "etag" not in (await client.get(path)).headers
    for response in (await client.post("/v1/things", json={"label": "a"}), await client.get("/nowhere")):
        assert "etag" not in response.headers


@pytest.mark.parametrize("path", ["/v1/things/a", "/v1/things", "/v1/versioned", "/v1/bytes"])
@pytest.mark.parametrize("form", ["{}", '"x", {}', 'W/"y",{} , "z"', "*"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_what_the_client_has_is_not_sent_again(
    client: httpx.AsyncClient, path: str, form: str, method: str
) -> None:
    tag = (await client.get(path)).headers["etag"]
    for known in (tag, tag.removeprefix("W/"), "W/" + tag.removeprefix("W/")):
        response = await client.request(method, path, headers={"If-None-Match": form.format(known)})
        assert (response.status_code, response.content) == (304, b"")
        assert response.headers["etag"] == tag
        assert not {"content-type", "content-length"} & set(response.headers)
        if path == "/v1/things":
            assert response.headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize("known", ['"other"', "", "other", '"', 'W/"', "W/*", "\xff"])
async def test_anything_else_is_sent(client: httpx.AsyncClient, known: str) -> None:
    response = await client.get("/v1/things/a", headers={"If-None-Match": known.encode("latin-1")})
    assert (response.status_code, response.json()) == (200, {"label": "a"})
    problem(await client.get("/nowhere", headers={"If-None-Match": "*"}), 404, "request.not_found")
    assert (await client.get("/readyz", headers={"If-None-Match": "*"})).status_code == 200


@pytest.mark.parametrize("path", ["/v1/things", "/v1/versioned", "/v1/page"])
async def test_large_texts_are_compressed_for_who_takes_it(client: httpx.AsyncClient, path: str) -> None:
    plain = await client.get(path)
    packed = await client.get(path, headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"]) / 5
    assert packed.content == plain.content
    for response in (plain, packed):
        assert "Accept-Encoding" in response.headers["vary"]
    if path == "/v1/versioned":
        assert packed.headers["vary"] == "X-Organ, Accept-Encoding"
        assert (plain.headers["etag"], packed.headers["etag"]) == ('"7"', 'W/"7"')


@pytest.mark.parametrize("path", ["/v1/things/a", "/v1/attachment", "/v1/bytes"])
async def test_the_small_and_the_opaque_stay_as_they_are(client: httpx.AsyncClient, path: str) -> None:
    response = await client.get(path, headers={"Accept-Encoding": "gzip"})
    assert response.status_code == 200
    assert not {"content-encoding", "vary"} & set(response.headers)


async def test_compression_keeps_the_loop_free_for_what_is_very_large() -> None:
    app = build()

    @app.get("/huge")
    async def huge() -> dict[str, list[dict[str, str]]]:
        return {"items": [TEXT] * 200}

    async with client_of(app) as client:
        packed = await client.get("/huge", headers={"Accept-Encoding": "gzip"})
        assert packed.headers["content-encoding"] == "gzip"
        assert packed.json()["items"][199] == TEXT
        head = await client.head("/huge", headers={"Accept-Encoding": "gzip"})
        assert head.headers["content-length"] == packed.headers["content-length"]


async def test_a_stream_that_breaks_before_its_first_piece_is_a_failure(client: httpx.AsyncClient) -> None:
    with structlog.testing.capture_logs() as logs:
        problem(await client.get("/v1/broken"), 500, "system.failed")
    assert [entry["event"] for entry in logs] == ["request.failed", "request.answered"]


async def test_metrics_tell_head_and_options_apart(client: httpx.AsyncClient) -> None:
    await client.head("/v1/things/a")
    await client.options("/v1/things/a")
    shown = (await client.get("/metrics")).text
    assert 'method="HEAD",route="/things/{label}",status="200"' in shown
    assert 'method="OPTIONS",route="-",status="204"' in shown
