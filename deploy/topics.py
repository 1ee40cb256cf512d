"""`lienthong topics`: makes the broker match contracts/topics."""

import asyncio
import sys
import time

from services.kernel.messaging.cluster import Cluster
from services.kernel.messaging.kafka import Admin
from services.kernel.messaging.records import BrokerAway
from services.kernel.messaging.topics import ensure
from services.kernel.settings import Settings

PATIENCE_SECONDS = 30.0


async def make(settings: Settings) -> int:
    """Waits a while for a broker that is just starting."""
    admin = Admin(Cluster.from_settings(settings))
    end = time.monotonic() + PATIENCE_SECONDS
    try:
        while True:
            try:
                made = await ensure(admin, settings)
                print(f"topics: {len(made)} made, the others were there")
                return 0
            except BrokerAway as error:
                if time.monotonic() > end:
                    print(f"topics: the broker at {settings.kafka_bootstrap} does not answer: {error}", file=sys.stderr)
                    return 1
            await asyncio.sleep(0.3)
    finally:
        await admin.aclose()


def main() -> int:
    return asyncio.run(make(Settings.load("gateway")))
