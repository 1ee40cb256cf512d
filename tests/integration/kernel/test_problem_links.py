"""Whatever a program answers, the `type` leads to a page that is there, also where another program serves it."""

import asyncio
from pathlib import Path as File
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI

from contracts.problems import PROBLEMS, HubError
from services.kernel.app import Web, build_app
from services.kernel.database import Database
from services.kernel.metrics import Metrics
from services.kernel.serve import Process, build
from services.kernel.settings import Settings
from services.kernel.supervisor import Supervisor

GATEWAY = "https://gateway.example"
router = APIRouter(prefix="/v1")


@router.get("/refused/{code}")
async def refuse(code: str) -> None:
    contract = "dossier.submitted/v1" if code == "contract.invalid" else ""
    raise HubError(code, "nói rõ", contract=contract)


@router.post("/broken")
async def broken(count: int) -> None:
    raise RuntimeError(count)


def office(database: Database) -> FastAPI:
    web = Web(title="o", database=database, metrics=Metrics(), checks=[], problems_url=f"{GATEWAY}/problems")
    return build_app(web, [router])


def gateway(database: Database, tmp_path: File) -> FastAPI:
    """As a worker, without API: the pages are there all the same."""
    settings = Settings(program="gateway", role="worker", home=tmp_path)
    web = Web(title="g", database=database, metrics=Metrics(), checks=[], problems_url=f"{GATEWAY}/problems")
    return build(Process(settings=settings, web=web, routers=[], supervisor=Supervisor(), stopping=asyncio.Event()))


def caller(app: FastAPI, url: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url=url)


def sound(response: httpx.Response) -> dict[str, Any]:
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["type"] == f"{GATEWAY}/problems/{body['code']}"
    assert body["instance"].endswith(response.headers["x-request-id"])
    return body


async def test_the_type_of_every_refusal_leads_to_its_page(database: Database, tmp_path: File) -> None:
    refusing, telling = office(database), gateway(database, tmp_path)
    async with caller(refusing, "http://office.example") as client, caller(telling, GATEWAY) as reader:
        for code in PROBLEMS:
            body = sound(await client.get(f"/v1/refused/{code}"))
            assert body["code"] == code
            assert body.get("contract") == ("dossier.submitted/v1" if code == "contract.invalid" else None)
            page = await reader.get(body["type"])
            twin = await reader.get(body["type"], headers={"Accept": "application/json"})
            assert (page.status_code, twin.status_code) == (200, 200)
            assert twin.json()["type"] == body["type"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/problems/nothing", 404),
        ("DELETE", "/v1/broken", 405),
        ("POST", "/v1/broken", 422),
        ("POST", "/v1/broken?count=1", 500),
    ],
)
async def test_so_does_the_type_of_what_a_framework_refuses(
    database: Database, tmp_path: File, method: str, path: str, status: int
) -> None:
    async with caller(office(database), "http://office.example") as client:
        response = await client.request(method, path)
    assert response.status_code == status
    async with caller(gateway(database, tmp_path), GATEWAY) as client:
        assert (await client.get(sound(response)["type"])).status_code == 200


async def test_without_an_address_the_type_is_relative_to_the_program(database: Database) -> None:
    app = build_app(Web(title="o", database=database, metrics=Metrics(), checks=[]), [router])
    async with caller(app, "http://office.example") as client:
        response = await client.get("/v1/refused/custody.stale")
        assert response.json()["type"] == "/problems/custody.stale"
        assert (await client.get(str(response.url.join(response.json()["type"])))).status_code == 200
