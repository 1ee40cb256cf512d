"""The real servers, once per run and only when a test asks for them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.kafka import Kafka
from deploy.local.ports import free_port
from deploy.local.postgres import Postgres

SUITES = ("api", "chaos", "clients", "e2e")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With several workers (`-n`), what shares a hub or servers stays in one: a suite, a package of `integration`."""
    for item in items:
        suite, *below = item.path.relative_to(Path(__file__).parent).parts
        together = suite if suite in SUITES else "/".join((suite, below[0]))
        item.add_marker(pytest.mark.xdist_group(together))


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
