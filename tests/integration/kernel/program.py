"""A small whole program: one slow endpoint, one worker that says when it has drained."""

import asyncio
import sys

from fastapi import APIRouter
from sqlalchemy import text

from services.kernel import logs
from services.kernel.app import Transaction, Web
from services.kernel.database import Database
from services.kernel.health import database_check
from services.kernel.metrics import Metrics
from services.kernel.serve import Process, build, serve
from services.kernel.settings import Settings
from services.kernel.supervisor import Supervisor

router = APIRouter()


@router.post("/slow", status_code=201)
async def slow(conn: Transaction) -> dict[str, bool]:
    await conn.execute(text("INSERT INTO effect VALUES ('slow', 1)"))
    await conn.execute(text("SELECT pg_sleep(0.7)"))
    return {"ok": True}


async def main() -> None:
    settings = Settings.load("commune")
    logs.configure(settings.log_level, settings.program)
    database = Database(settings.database_url.get_secret_value())
    supervisor = Supervisor()

    async def work(stop: asyncio.Event) -> None:
        await stop.wait()
        async with database.transaction() as conn:
            await conn.execute(text("INSERT INTO effect VALUES ('drained', 1)"))

    supervisor.add("work", work)
    process = Process(
        settings=settings,
        web=Web(title="t", database=database, metrics=Metrics(), checks=[database_check(database)]),
        routers=[router],
        supervisor=supervisor,
        stopping=asyncio.Event(),
    )
    await serve(build(process), settings, process.stopping)
    await database.aclose()
    print("closed", flush=True)


if __name__ == "__main__":
    asyncio.run(main())
    sys.exit(0)
