"""`/docs` as programs serve it: without a token, made once, kept by who has it."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI

from services.kernel import api_html
from services.kernel.api_texts import Bounds
from tests.unit.services.kernel.edge import build, client_of
from tests.unit.services.kernel.pages import allows_its_style, is_sound, parsed


@pytest.fixture
def app() -> FastAPI:
    return build()


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app) as client:
        yield client


async def test_the_page_tells_the_operations_of_the_program(client: httpx.AsyncClient) -> None:
    response = await client.get("/docs")
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    tree = parsed(response.text)
    is_sound(tree)
    paths = (await client.get("/openapi.json")).json()["paths"]
    stated = {each["operationId"] for item in paths.values() for each in item.values()}
    assert set(tree.xpath("//article/@id")) == stated
    assert "/docs" not in paths


async def test_links_out_of_the_page_lead_somewhere(client: httpx.AsyncClient) -> None:
    response = await client.get("/docs")
    links = {link for link in parsed(response.text).xpath("//a/@href") if not link.startswith("#")}
    assert {"openapi.json", "problems"} <= links
    for link in links:
        assert (await client.get(str(response.url.join(link)))).status_code == 200, link


async def test_the_page_is_kept_and_runs_nothing(client: httpx.AsyncClient) -> None:
    response = await client.get("/docs")
    assert response.headers["cache-control"] == "public, max-age=3600"
    assert response.headers["content-language"] == "vi, en"
    assert allows_its_style(response.text, response.headers["content-security-policy"])
    again = await client.get("/docs", headers={"If-None-Match": response.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_the_page_is_compressed_for_who_asks(client: httpx.AsyncClient) -> None:
    plain = await client.get("/docs")
    coded = await client.get("/docs", headers={"Accept-Encoding": "gzip"})
    assert coded.headers["content-encoding"] == "gzip"
    assert int(coded.headers["content-length"]) < len(plain.content) / 4
    assert coded.text == plain.text


async def test_the_page_is_made_once_for_each_app(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Bounds] = []

    def render(document: dict[str, Any], bounds: Bounds) -> bytes:
        made.append(bounds)
        return f"page {len(made)}".encode()

    monkeypatch.setattr(api_html, "render", render)
    async with client_of(build(max_body_bytes=1)) as first, client_of(build(max_body_bytes=2)) as second:
        assert [(await client.get("/docs")).text for client in (first, first, second, first)] == [
            "page 1",
            "page 1",
            "page 2",
            "page 1",
        ]
    assert [bounds.max_body_bytes for bounds in made] == [1, 2]


async def test_head_and_wrong_methods(client: httpx.AsyncClient) -> None:
    head = await client.head("/docs")
    assert (head.status_code, head.content) == (200, b"")
    refused = await client.post("/docs")
    assert refused.status_code == 405
    assert "GET" in refused.headers["allow"]


def test_an_app_without_operations_has_a_page_too() -> None:
    app = FastAPI(title="t")
    app.include_router(APIRouter())
    is_sound(parsed(api_html.render(app.openapi(), Bounds(max_body_bytes=1)).decode()))
