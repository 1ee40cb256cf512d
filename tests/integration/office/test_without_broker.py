"""Kafka may be away: the office that knows its registries is ready, accepts, and delivers when the broker is back."""

from collections.abc import Callable
from pathlib import Path

import httpx
import orjson
from sqlalchemy import text

from deploy.local.kafka import Kafka
from deploy.local.ports import free_port
from services.commune.profile import PROFILE
from services.kernel.database import Database
from services.kernel.settings import Settings
from services.office.assembly import Office
from services.office.organs.events import TOPICS
from tests.integration.office.stage import Stage, dossier, settings_for, stamp, until


async def test_accepts_without_broker_and_sends_when_it_is_back(
    make_database: Callable[[], str], kafka: Kafka, tmp_path: Path
) -> None:
    url = make_database()
    there = Stage(settings_for(url, kafka.bootstrap, tmp_path))
    await copy_registries(url, there)
    away = there.settings.model_copy(update={"kafka_bootstrap": f"127.0.0.1:{free_port()}"})

    code, transfer = await submit_without_broker(away, there.token("a"))

    async with there as stage:
        fact = await stage.fact(code, 1)
        assert fact.id == transfer
        await stage.accept(fact, stamp())
        await stage.await_transfer(transfer, "handed_over")


async def submit_without_broker(settings: Settings, token: str) -> tuple[str, str]:
    office = Office(PROFILE, settings)
    app = office.app()
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://office", timeout=40) as http,
    ):

        async def ready() -> dict[str, bool] | None:
            answer = await http.get("/readyz")
            shown = {part["name"]: part["ok"] for part in answer.json()["parts"]}
            return shown if answer.status_code == 200 else None

        parts = await until(ready, what="ready without Kafka")
        assert parts is not None
        assert not parts["kafka"]
        headers = {"Authorization": f"Bearer {token}"}
        answer = await http.post("/v1/dossiers", json=dossier(), headers=headers)
        assert answer.status_code == 201, answer.text
        body = answer.json()
        return body["code"], body["transfers"][0]


async def copy_registries(url: str, stage: Stage) -> None:
    """What an earlier process of the office left: a complete copy."""
    database = Database(url)
    async with database.transaction() as conn:
        for topic, name, value in stage.registries():
            await conn.execute(
                text("INSERT INTO registry_copy (topic, id, version, value) VALUES (:topic, :name, 1, :value)"),
                {"topic": topic, "name": name, "value": orjson.dumps(value)},
            )
        for topic in TOPICS:
            await conn.execute(text("INSERT INTO registry_complete (topic) VALUES (:topic)"), {"topic": topic})
    await database.aclose()
