"""Fills a new hub: organs of the chosen seed and, on one machine, the local systems. Safe to run again."""

import asyncio
import os
from pathlib import Path
from typing import Final

import structlog

from contracts.messages.registry import OrganChanged
from contracts.problems import HubError
from deploy import credentials
from deploy.local.errors import LocalError
from deploy.seed.load import SeedError, read
from gateway.audit.actions import SEED, Act
from gateway.organs import actions as organs
from gateway.organs.snapshot import OrganSnapshot
from services.kernel.clock import SystemClock
from services.kernel.database import Database
from services.kernel.settings import Settings

SETTING: Final = "LIENTHONG_SEED"
DEFAULT: Final = "hoa-binh"
FOLDER: Final = Path(__file__).parent / "seed"
SEEDS: Final = {"hoa-binh": FOLDER / "hoa-binh.csv", "full": FOLDER / "full"}

_log = structlog.get_logger(__name__)


def main() -> int:
    settings = Settings.load("gateway")
    try:
        asyncio.run(seed(settings, os.environ.get(SETTING) or DEFAULT))
    except (HubError, LocalError, SeedError) as error:
        _log.error("seed.refused", error=str(error))
        return 1
    return 0


async def seed(settings: Settings, name: str = DEFAULT) -> None:
    """Loads the seed of that name, or a file or folder of the same form, into the gateway's database.

    Organs keep a suspension that was decided here; organs the seed does not name stay as they are.
    """
    given = await asyncio.to_thread(read, SEEDS.get(name, Path(name)))
    now = SystemClock(settings.clock_offset_seconds).hub_now()
    act = Act(SEED, now, name)
    database = Database(settings.database_url.get_secret_value(), application_name="lienthong-seed", pool_size=2)
    try:
        held = OrganSnapshot()
        async with database.transaction() as conn:
            await held.refresh(conn)
            suspended = {organ.code for organ in held.directory if organ.suspended}
            changed = await organs.load(conn, [_suspended_as(organ, suspended) for organ in given], by=act)
            await held.refresh(conn)
        _log.info("seed.loaded", seed=name, organs=len(given), changed=changed)
        if settings.local:
            file = await credentials.issue(settings, database, held.directory, act)
            _log.info("credentials.written", file=str(file))
    finally:
        await database.aclose()


def _suspended_as(organ: OrganChanged, suspended: set[str]) -> OrganChanged:
    return organ.model_copy(update={"suspended": True}) if organ.code in suspended else organ


if __name__ == "__main__":
    raise SystemExit(main())
