"""The real servers, once per run and only when a test asks for them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from deploy.local.kafka import Kafka
from deploy.local.ports import free_port
from deploy.local.postgres import Postgres

# the same examples in every run, and no judgement about how fast the machine is
settings.register_profile("fixed", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("fixed")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A server; each test makes databases of its own."""
    with tempfile.TemporaryDirectory(prefix="lienthong-test-") as folder:
        server = Postgres(Path(folder) / "postgres")
        try:
            server.start()
            yield server
        finally:
            server.stop()


@pytest.fixture(scope="session")
def kafka() -> Iterator[Kafka]:
    """A broker; each test uses a topic prefix of its own."""
    with tempfile.TemporaryDirectory(prefix="lienthong-test-") as folder:
        port = free_port()
        broker = Kafka(Path(folder) / "kafka", port, free_port({port}))
        try:
            broker.start()
            yield broker
        finally:
            broker.stop()
