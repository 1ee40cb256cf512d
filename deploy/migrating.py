"""`lienthong migrate`: brings the four databases to the newest version: a history for the gateway, one for offices."""

import asyncio
import sys
import tempfile
from pathlib import Path

from contracts.problems import HubError
from deploy.local.postgres import Postgres
from services.kernel.migration import revise as write_revision
from services.kernel.migration import upgrade
from services.kernel.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
HISTORIES = {
    "gateway": ROOT / "gateway" / "migrations",
    "province": ROOT / "services" / "migrations",
    "district": ROOT / "services" / "migrations",
    "commune": ROOT / "services" / "migrations",
}


async def migrate() -> int:
    for program, history in HISTORIES.items():
        url = Settings.load(program).database_url.get_secret_value()
        if not url:
            print(f"migrate: LIENTHONG_DATABASE_URL_{program.upper()} is not set", file=sys.stderr)
            return 1
        try:
            await upgrade(url, history)
        except (HubError, OSError) as error:
            print(f"migrate: the database of {program} does not answer: {type(error).__name__}", file=sys.stderr)
            return 1
        print(f"migrate: {program} is at its newest version")
    return 0


def revise(name: str) -> int:
    """Writes the next version of each history whose models differ from it, tried on an embedded PostgreSQL."""
    with tempfile.TemporaryDirectory(prefix="lienthong-") as folder:
        server = Postgres(Path(folder) / "postgres")
        server.start()
        try:
            for history in sorted(set(HISTORIES.values())):
                database = history.parent.name
                server.create_database(database)
                asyncio.run(_revise(server.url(database), history, name))
        finally:
            server.stop()
    return 0


async def _revise(url: str, history: Path, name: str) -> None:
    await upgrade(url, history)
    await write_revision(url, history, name)


def main() -> int:
    return asyncio.run(migrate())
