"""`lienthong migrate`: brings the four databases to the newest version: a history for the gateway, one for offices."""

import asyncio
import sys
from pathlib import Path

from contracts.problems import HubError
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


def main() -> int:
    return asyncio.run(migrate())
