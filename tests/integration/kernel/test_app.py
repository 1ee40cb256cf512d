"""The web app over a real database: commit before the answer, errors as problems, one log line, health."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

import httpx
import pytest
import structlog
from fastapi import APIRouter, FastAPI, Path
from pydantic import BaseModel, ConfigDict
from sqlalchemy import text
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from contracts.problems import HubError
from services.kernel.app import Reading, Transaction, Web, build_app
from services.kernel.database import Database
from services.kernel.health import database_check
from services.kernel.limits import Limits
from services.kernel.metrics import Metrics
from services.kernel.problem_details import PROBLEMS_PATH
from services.kernel.supervisor import Part
from tests.integration.kernel.scene import is_so, until

router = APIRouter(prefix="/v1")


class Thing(BaseModel):
    model_config = ConfigDict(extra="forbid")

    label: str
    count: int = 1
    parts: list["Thing"] = []


@router.post("/things", status_code=201)
async def keep(thing: Thing, conn: Transaction) -> dict[str, str]:
    await conn.execute(text("INSERT INTO effect VALUES (:r, :n)"), {"r": thing.label, "n": thing.count})
    if thing.label == "refused":
        raise HubError("dossier.exists", "nói rõ", pointer="/label")
    if thing.label == "broken":
        raise RuntimeError("secret detail")
    if thing.label == "cut off":
        pid = (await conn.execute(text("SELECT pg_backend_pid()"))).scalar_one()
        await _kill(addresses[-1], pid)
    return {"label": thing.label}


@router.get("/things/{label}")
async def look(label: Annotated[str, Path()], conn: Reading, limit: int = 10) -> dict[str, int]:
    structlog.contextvars.bind_contextvars(transfer="t-1")
    found = await conn.execute(text("SELECT count(*) FROM effect WHERE record = :r"), {"r": label})
    return {"found": found.scalar_one(), "limit": limit}


@router.post("/busy")
async def busy() -> None:
    raise HubError("idempotency.in_progress")


@router.post("/raw")
async def raw(request: Request) -> dict[str, int]:
    return {"size": len(await request.body())}


addresses: list[str] = []
waiting: list[asyncio.Event] = []


@router.post("/wait")
async def wait() -> None:
    waiting.append(asyncio.Event())
    await waiting[-1].wait()


async def hot(request: Request) -> Response:
    body = await request.body()
    if body == b"refused":
        raise HubError("request.invalid", pointer="/x")
    return Response(body)


async def _kill(url: str, pid: int) -> None:
    other = Database(url, pool_size=1)
    try:
        async with other.read() as conn:
            await conn.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
    finally:
        await other.aclose()


@pytest.fixture
def parts() -> list[Part]:
    return [Part("relay", True, "leading", critical=False), Part("registry copy", True)]


@pytest.fixture
async def app(database: Database, database_url: str, parts: list[Part]) -> FastAPI:
    async def check() -> list[Part]:
        return parts

    addresses.append(database_url)
    return build_app(
        Web(
            title="Things",
            database=database,
            metrics=Metrics(),
            checks=[database_check(database), check],
            max_body_bytes=2000,
            max_requests=1,
            limits=Limits(body_pause_seconds=0.2),
        ),
        [router],
        plain=[Route("/hot", hot, methods=["POST"])],
    )


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


def problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["code"] == code
    assert body["status"] == status
    assert body["type"] == f"{PROBLEMS_PATH}/{code}"
    assert set(body["remedy"]) == {"vi", "en"}
    assert body["instance"].endswith(response.headers["x-request-id"])
    assert isinstance(body, dict)
    return body


async def found(client: httpx.AsyncClient, label: str) -> int:
    return int((await client.get(f"/v1/things/{label}")).json()["found"])


async def test_an_answer_is_committed_before_it_is_sent(client: httpx.AsyncClient) -> None:
    response = await client.post("/v1/things", json={"label": "a"})
    assert response.status_code == 201
    assert response.headers["x-content-type-options"] == "nosniff"
    assert await found(client, "a") == 1


async def test_a_commit_that_fails_is_no_success(client: httpx.AsyncClient) -> None:
    response = await client.post("/v1/things", json={"label": "cut off"})
    problem(response, 503, "system.storage_unavailable")
    assert int(response.headers["retry-after"]) > 0
    assert await found(client, "cut off") == 0


async def test_a_refusal_rolls_back_and_names_its_place(client: httpx.AsyncClient) -> None:
    body = problem(await client.post("/v1/things", json={"label": "refused"}), 409, "dossier.exists")
    assert body["errors"] == [{"pointer": "/label"}]
    assert body["detail"] == "nói rõ"
    assert await found(client, "refused") == 0


async def test_the_unexpected_is_answered_without_its_detail_and_rolled_back(client: httpx.AsyncClient) -> None:
    with structlog.testing.capture_logs() as logs:
        response = await client.post("/v1/things", json={"label": "broken"})
    problem(response, 500, "system.failed")
    assert "secret detail" not in response.text
    assert [entry["event"] for entry in logs] == ["request.failed", "request.answered"]
    assert await found(client, "broken") == 0


@pytest.mark.parametrize(
    ("content", "headers", "status", "code"),
    [
        (b"{", {}, 400, "request.malformed"),
        (b"\xff\xfe{", {}, 400, "request.malformed"),
        (b'{"label": "\xc3\x28"}', {}, 400, "request.malformed"),
        (b'{"label": ' + b"[" * 900 + b"]" * 900 + b"}", {}, 400, "request.malformed"),
        (b"[" * 1999, {}, 400, "request.malformed"),
        (b'{"label": "a", "count": ' + b"9" * 400 + b"}", {}, 400, "request.malformed"),
        (b'{"label": "a", "count": 99999999999999999999}', {}, 422, "request.invalid"),
        (b'{"label": "a\\u0000b"}', {}, 422, "request.invalid"),
        (b'{"label": "a\\ud800b"}', {}, 400, "request.malformed"),
        (b'{"label": "a", "count": NaN}', {}, 400, "request.malformed"),
        (b'{"label": "a"}', {"content-type": "text/plain"}, 415, "request.unsupported_media_type"),
        (b"", {}, 422, "request.invalid"),
        (b'{"label": "' + b"a" * 2000 + b'"}', {}, 413, "size.too_large"),
    ],
)
async def test_bad_input_is_a_4xx(
    client: httpx.AsyncClient, content: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    response = await client.post("/v1/things", content=content, headers={"content-type": "application/json", **headers})
    problem(response, status, code)


async def test_a_body_without_length_is_bounded_too(client: httpx.AsyncClient) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield b"x" * 999

    problem(await client.post("/v1/raw", content=chunks()), 413, "size.too_large")
    assert (await client.post("/v1/raw", content=b"x" * 2000)).json() == {"size": 2000}


async def test_plain_routes_have_the_same_errors_and_limits(client: httpx.AsyncClient) -> None:
    assert (await client.post("/hot", content=b"x" * 2000)).status_code == 200
    problem(await client.post("/hot", content=b"x" * 2001), 413, "size.too_large")
    problem(await client.post("/hot", content=b"refused"), 422, "request.invalid")
    problem(await client.get("/hot"), 405, "request.method_not_allowed")


async def test_too_many_at_once_are_told_to_come_again_but_health_answers(
    client: httpx.AsyncClient, database: Database
) -> None:
    blocked = asyncio.create_task(client.post("/v1/wait"))
    await until(lambda: is_so(waiting))
    try:
        response = await client.post("/hot", content=b"x")
        problem(response, 503, "system.overloaded")
        assert response.headers["retry-after"]
        assert (await client.get("/healthz")).status_code == 200
    finally:
        waiting.pop().set()
    assert (await blocked).status_code == 200
    assert (await client.post("/hot", content=b"x")).status_code == 200


async def test_a_body_that_stalls_is_given_up(client: httpx.AsyncClient) -> None:
    never = asyncio.Event()

    async def stalling() -> AsyncIterator[bytes]:
        yield b'{"label": '
        await never.wait()

    headers = {"content-type": "application/json"}
    for path in ("/v1/things", "/hot"):
        response = await client.post(path, content=stalling(), headers=headers)
        problem(response, 408, "request.timeout")
        assert response.headers["connection"] == "close", "the rest may still trickle in"


async def test_the_openapi_document_shows_problems(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    answers = document["paths"]["/v1/things"]["post"]["responses"]
    assert set(answers) == {"201", "408", "413", "415", "4XX", "5XX"}
    for name in ("4XX", "5XX"):
        shared = document["components"]["responses"][answers[name]["$ref"].rpartition("/")[2]]
        assert "application/problem+json" in shared["content"]


async def test_validation_names_every_place_and_echoes_no_value(client: httpx.AsyncClient) -> None:
    response = await client.post(
        "/v1/things", json={"label": 5, "extra": "Nguyễn Văn A", "parts": [{"label": "x", "count": "y/z"}]}
    )
    body = problem(response, 422, "request.invalid")
    assert {(error["pointer"], error["in"]) for error in body["errors"]} == {
        ("/label", "body"),
        ("/extra", "body"),
        ("/parts/0/count", "body"),
    }
    assert "Nguyễn" not in response.text
    body = problem(await client.get("/v1/things/a?limit=many"), 422, "request.invalid")
    assert body["errors"][0]["pointer"] == "/limit"
    assert body["errors"][0]["in"] == "query"


async def test_unknown_places_and_methods(client: httpx.AsyncClient) -> None:
    problem(await client.get("/nowhere"), 404, "request.not_found")
    response = await client.delete("/v1/things/a")
    problem(response, 405, "request.method_not_allowed")
    assert response.headers["allow"] == "GET, HEAD, OPTIONS"
    problem(await client.get("/v1/things/a%00b"), 400, "request.malformed")
    problem(await client.get("/v1/things/a%ff"), 400, "request.malformed")


async def test_a_retryable_conflict_says_when_to_come_again(client: httpx.AsyncClient) -> None:
    response = await client.post("/v1/busy")
    problem(response, 409, "idempotency.in_progress")
    assert response.headers["retry-after"] == "1"


async def test_one_wide_line_per_request_without_paths_or_values(client: httpx.AsyncClient) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    with structlog.testing.capture_logs([structlog.contextvars.merge_contextvars]) as logs:
        await client.get("/v1/things/nguyen-van-a", headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
        await client.get("/healthz")
    line = logs[0]
    assert line["event"] == "request.answered"
    assert (line["method"], line["route"], line["status"], line["transfer"]) == (
        "GET",
        "/v1/things/{label}",
        200,
        "t-1",
    )
    assert trace in line["traceparent"]
    assert line["traceparent"].endswith("-00"), "the caller's sampled flag is not taken on"
    assert "nguyen" not in json.dumps(logs)
    assert "transfer" not in logs[1]


async def test_readiness_is_about_critical_parts_only(
    client: httpx.AsyncClient, parts: list[Part], database: Database
) -> None:
    ready = await client.get("/readyz")
    assert ready.status_code == 200
    assert ready.json()["ready"] is True
    assert [part["name"] for part in ready.json()["parts"]] == ["database", "relay", "registry copy"]
    parts[0] = Part("relay", False, "broker away", critical=False)
    degraded = await client.get("/readyz")
    assert degraded.status_code == 200
    assert {"name": "relay", "ok": False, "detail": "broker away"} in degraded.json()["parts"]
    parts[1] = Part("registry copy", False)
    assert (await client.get("/readyz")).status_code == 503
    assert (await client.get("/healthz")).json() == {"ok": True}


async def test_metrics_carry_templates_never_paths(client: httpx.AsyncClient) -> None:
    await client.get("/v1/things/secret-code")
    await client.get("/nowhere/secret-code")
    shown = (await client.get("/metrics")).text
    assert 'lienthong_http_request_seconds_count{method="GET",route="/v1/things/{label}",status="200"} 1.0' in shown
    assert 'route="-",status="404"' in shown
    await client.post("/hot", content=b"x")
    assert 'route="/hot",status="200"' in (await client.get("/metrics")).text
    assert "secret-code" not in shown


async def test_a_client_that_goes_away_leaves_no_half_transaction(client: httpx.AsyncClient) -> None:
    asking = asyncio.create_task(client.post("/v1/things", json={"label": "gone"}))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert await found(client, "gone") in (0, 1)
    assert (await client.post("/v1/things", json={"label": "next"})).status_code == 201
