"""What runs on one machine beside the two servers: the programs of the hub and the steps before they start."""

from __future__ import annotations

import http.client
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

# every program and step is a word of this command
COMMAND: tuple[str, ...] = (sys.executable, "-m", "deploy.cli")
ROOT = Path(__file__).resolve().parents[2]
# who has a database of its own; these are also the programs whose readiness is the hub's
OWNERS = ("gateway", "province", "district", "commune")
PROBE_SECONDS = 2.0


@dataclass(frozen=True)
class Program:
    """A child that stays; it is ready when `probe` answers 200."""

    name: str
    probe: str


@dataclass(frozen=True)
class Step:
    """A child that ends. It starts when all it comes after are done: servers, or steps named before it."""

    name: str
    after: tuple[str, ...]
    vi: str
    en: str


PROGRAMS = {
    **{name: Program(name, "/readyz") for name in OWNERS},
    "axis": Program("axis", "/healthz"),
}
STEPS = (
    Step("migrate", ("postgres",), "Các bảng dữ liệu đã sẵn sàng", "The tables are in place"),
    Step("topics", ("kafka",), "Các topic đã sẵn sàng", "The topics are in place"),
    Step("seed", ("migrate", "topics"), "Danh mục cơ quan đã nạp", "The organs are loaded"),
)
SAMPLE: Sequence[str] = ("smoke", "--show")


def database_setting(owner: str) -> str:
    return f"LIENTHONG_DATABASE_URL_{owner.upper()}"


KAFKA_SETTING = "LIENTHONG_KAFKA_BOOTSTRAP"
REPLICATION_SETTING = "LIENTHONG_KAFKA_REPLICATION"


def says_ready(port: int, probe: str) -> bool:
    """Whether the program on this port answers its probe with 200 now."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PROBE_SECONDS)
    try:
        connection.request("GET", probe)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        with suppress(OSError):
            connection.close()
