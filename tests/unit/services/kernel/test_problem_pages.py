"""The pages about error codes: for every code, in both languages, readable by people, browsers and programs."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from lxml import html

from contracts.problem_causes import CAUSES
from contracts.problems import PROBLEMS
from services.kernel.app import Web, build_app
from services.kernel.database import Database
from services.kernel.metrics import Metrics
from tests.unit.services.kernel import pages
from tests.unit.services.kernel.pages import allows_its_style, contrasts, is_sound, words

HUB = "https://hub.example"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
codes = pytest.mark.parametrize("code", sorted(PROBLEMS))


@pytest.fixture(scope="module")
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """A program whose database is never asked."""
    database = Database("postgresql://nobody@127.0.0.1:1/none")
    web = Web(title="t", database=database, metrics=Metrics(), checks=[], problems_url=f"{HUB}/problems")
    transport = httpx.ASGITransport(build_app(web, []))
    async with httpx.AsyncClient(transport=transport, base_url=HUB) as client:
        yield client
    await database.aclose()


def parsed(response: httpx.Response) -> Any:
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    return pages.parsed(response.text)


@codes
async def test_a_page_tells_everything_in_both_languages(client: httpx.AsyncClient, code: str) -> None:
    tree = parsed(await client.get(f"/problems/{code}", headers={"Accept": BROWSER}))
    problem, cause = PROBLEMS[code], CAUSES[code]
    assert words(tree, "//h1") == [code]
    assert words(tree, "//p[@class='titles']") == [f"{problem.title_vi} · {problem.title}"]
    vietnamese, english = tree.xpath("//section[@lang='vi']")[0], tree.xpath("//section[@lang='en']")[0]
    for column, told in (
        (vietnamese, [cause.vi, problem.remedy_vi, *cause.steps_vi, cause.repeat.value.vi]),
        (english, [cause.en, problem.remedy_en, *cause.steps_en, cause.repeat.value.en]),
    ):
        shown = words(column, ".//p | .//li")
        assert set(told) <= set(shown)
    assert str(problem.status) in words(tree, "//dd")[0]


@codes
async def test_the_json_twin_tells_the_same(client: httpx.AsyncClient, code: str) -> None:
    by_header = await client.get(f"/problems/{code}", headers={"Accept": "application/json"})
    by_query = await client.get(f"/problems/{code}?format=json", headers={"Accept": BROWSER})
    assert by_header.headers["content-type"] == by_query.headers["content-type"] == "application/json"
    assert by_header.content == by_query.content
    body, problem, cause = by_query.json(), PROBLEMS[code], CAUSES[code]
    assert body["type"] == f"{HUB}/problems/{code}"
    assert (body["code"], body["status"]) == (code, problem.status)
    assert body["title"] == {"vi": problem.title_vi, "en": problem.title}
    assert body["cause"] == {"vi": cause.vi, "en": cause.en}
    assert body["remedy"] == problem.remedy
    assert body["steps"] == {"vi": list(cause.steps_vi), "en": list(cause.steps_en)}
    assert body["repeat"] == {
        "kind": cause.repeat.name.lower(),
        "vi": cause.repeat.value.vi,
        "en": cause.repeat.value.en,
    }
    assert [each["kind"] for each in body["seen"]] == [each.name.lower() for each in cause.seen]
    assert body.get("retry_after_seconds") == problem.retry_after_seconds
    assert [each["code"] for each in body["see"]] == list(cause.see)


@codes
async def test_a_page_has_landmarks_and_sound_headings(client: httpx.AsyncClient, code: str) -> None:
    tree = parsed(await client.get(f"/problems/{code}"))
    assert tree.get("lang") == "vi"
    is_sound(tree)


async def test_the_index_leads_to_every_code_once(client: httpx.AsyncClient) -> None:
    response = await client.get("/problems")
    tree = parsed(response)
    links = [str(response.url.join(link)) for link in tree.xpath("//section//a/@href")]
    assert sorted(links) == sorted(f"{HUB}/problems/{code}" for code in PROBLEMS)
    titles = words(tree, "//section//li/span")
    assert set(titles) == {text for problem in PROBLEMS.values() for text in (problem.title, problem.title_vi)}


async def test_the_index_as_json_lists_every_code_by_topic(client: httpx.AsyncClient) -> None:
    body = (await client.get("/problems", headers={"Accept": "application/json, text/plain, */*"})).json()
    listed = [problem for topic in body["topics"] for problem in topic["problems"]]
    assert {problem["code"]: problem["type"] for problem in listed} == {
        code: f"{HUB}/problems/{code}" for code in PROBLEMS
    }
    assert all(topic["title"]["vi"] and topic["title"]["en"] for topic in body["topics"])


async def test_every_link_of_every_page_leads_somewhere(client: httpx.AsyncClient) -> None:
    pages = [await client.get("/problems"), *[await client.get(f"/problems/{code}") for code in PROBLEMS]]
    targets = {
        str(page.url.join(link)).partition("#")[0]
        for page in pages
        for link in html.document_fromstring(page.text).xpath("//a/@href")
    }
    assert len(targets) > 2 * len(PROBLEMS)
    for target in targets:
        assert (await client.get(target)).status_code == 200, target


@pytest.mark.parametrize("code", ["custody", "custody.stale.", "%3Cscript%3E", "Custody.stale", "custody.stale%20"])
async def test_an_unknown_code_is_a_problem_that_is_not_kept(client: httpx.AsyncClient, code: str) -> None:
    response = await client.get(f"/problems/{code}", headers={"Accept": BROWSER})
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["code"] == "request.not_found"
    assert response.headers["cache-control"] == "no-store"
    assert "script" not in response.text


@pytest.mark.parametrize("path", ["/problems", "/problems/custody.stale", "/problems/custody.stale?format=json"])
async def test_pages_are_kept_for_an_hour_and_run_nothing(client: httpx.AsyncClient, path: str) -> None:
    response = await client.get(path)
    assert response.headers["cache-control"] == "public, max-age=3600"
    assert "accept" in response.headers["vary"].lower()
    assert response.headers["content-language"] == "vi, en"
    assert response.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")


async def test_the_policy_allows_the_style_of_the_page(client: httpx.AsyncClient) -> None:
    response = await client.get("/problems/custody.stale")
    assert allows_its_style(response.text, response.headers["content-security-policy"])


async def test_text_stands_out_in_light_and_dark(client: httpx.AsyncClient) -> None:
    found = contrasts((await client.get("/problems")).text)
    assert {scheme for scheme, _, _ in found} == {0, 1}
    assert min(found.values()) >= 7, found


@pytest.mark.parametrize(
    ("accept", "query", "is_json"),
    [
        ("*/*", "", False),
        ("", "", False),
        (BROWSER, "", False),
        ("application/json", "", True),
        ("application/problem+json", "", True),
        ("application/json;q=0.5, text/html", "", False),
        ("text/html;q=0.2, application/json;q=0.5", "", True),
        ("text/html, application/json", "", False),
        ("application/json;q=x", "", False),
        ("application/json", "?format=html", False),
        (BROWSER, "?format=json", True),
        (BROWSER, "?format=xml", False),
    ],
)
async def test_people_get_html_and_programs_json(
    client: httpx.AsyncClient, accept: str, query: str, is_json: bool
) -> None:
    response = await client.get(f"/problems/auth.scope{query}", headers={"Accept": accept})
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("application/json" if is_json else "text/html")


async def test_head_and_wrong_methods(client: httpx.AsyncClient) -> None:
    head = await client.head("/problems/custody.stale")
    assert (head.status_code, head.content) == (200, b"")
    refused = await client.post("/problems/custody.stale")
    assert refused.status_code == 405
    assert "GET" in refused.headers["allow"]
