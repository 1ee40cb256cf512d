"""API and workers in processes of their own: they meet in the database and wake each other."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from services.commune.profile import PROFILE
from services.office.assembly import Office
from tests.integration.office.stage import (
    COMMUNE_C,
    DEPARTMENT,
    Journey,
    Stage,
    dossier,
    fresh_code,
    stamp,
    submitted,
    until,
)


@asynccontextmanager
async def api_process(stage: Stage) -> AsyncIterator[httpx.AsyncClient]:
    """A second process of the same office that serves the API and does no worker's work."""
    app = Office(PROFILE, stage.settings.model_copy(update={"role": "api"})).app()
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://api", timeout=40) as http,
    ):

        async def ready() -> bool:
            answer = await http.get("/readyz")
            return answer.status_code == 200

        await until(ready, what="the API process to be ready")
        yield http


async def test_api_process_accepts_and_the_worker_sends(stage: Stage) -> None:
    headers = {"Authorization": f"Bearer {stage.token('a')}"}
    async with api_process(stage) as http:
        parts = {part["name"] for part in (await http.get("/readyz")).json()["parts"]}
        made = (await http.post("/v1/dossiers", json=dossier(), headers=headers)).json()
        fact = await stage.fact(made["code"], 1)

    assert "relay" not in parts
    assert fact.id == made["transfers"][0]


async def test_long_poll_in_one_process_hears_of_what_another_applied(stage: Stage) -> None:
    headers = {"Authorization": f"Bearer {stage.token('c')}"}
    code = fresh_code(DEPARTMENT)
    journey = Journey(stage, code, (COMMUNE_C,))
    payload = submitted(code, deciding_organ=COMMUNE_C)
    async with api_process(stage) as http:
        while items := (await http.get("/v1/inbox", headers=headers)).json()["items"]:
            await http.post("/v1/inbox/ack", json={"ids": [item["id"] for item in items]}, headers=headers)

        polling = asyncio.create_task(http.get("/v1/inbox", params={"wait": 30}, headers=headers))
        await stage.deliver(journey.envelope("dossier.submitted", payload, stamp=stamp(custodian=DEPARTMENT)))
        answer = await polling

    assert [item["subject"] for item in answer.json()["items"]] == [code]
