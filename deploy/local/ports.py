"""Ports of 127.0.0.1: those of `make run`, which settings change, and free ones for tests."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterable, Mapping

from deploy.local.errors import LocalError

DEFAULTS = {"gateway": 8000, "province": 8010, "district": 8020, "commune": 8030, "axis": 8040, "kafka": 19092}
# below those the system gives to outgoing connections: a client that retries while a server is down could be given
# the server's own port, connect to itself and hold it
FREE = range(20_000, 32_000)


def setting(name: str) -> str:
    return f"LIENTHONG_PORT_{name.upper()}"


def url_setting(name: str) -> str:
    return f"LIENTHONG_URL_{name.upper()}"


def chosen(environment: Mapping[str, str]) -> dict[str, int]:
    """The port of each program and of Kafka."""
    ports = {}
    for name, default in DEFAULTS.items():
        text = environment.get(setting(name), str(default))
        if not text.isdecimal() or not 0 < int(text) < 65_536:
            raise LocalError(
                f"{setting(name)} phải là số cổng từ 1 đến 65535, không phải “{text}”.",
                f"{setting(name)} must be a port number from 1 to 65535, not “{text}”.",
            )
        ports[name] = int(text)
    return ports


def require_free(ports: Mapping[str, int]) -> None:
    """Names the first port that is taken or given twice."""
    seen: dict[int, str] = {}
    for name, port in ports.items():
        if port in seen:
            raise LocalError(
                f"{setting(name)} và {setting(seen[port])} cùng là cổng {port}; hãy đổi một cổng.",
                f"{setting(name)} and {setting(seen[port])} are both port {port}; change one of them.",
            )
        seen[port] = name
        if not is_free(port):
            raise LocalError(
                f"Cổng {port} ({name}) đã có chương trình khác dùng; hãy dừng nó hoặc đặt {setting(name)}.",
                f"Port {port} ({name}) is taken by another program; stop it or set {setting(name)}.",
            )


def is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # closed connections of a former server may linger: they do no harm
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen()
        except OSError:
            return False
    return True


def free_port(taken: Iterable[int] = ()) -> int:
    """One nobody listens on now. Drawn at random, so that test runs side by side seldom draw the same."""
    excluded = set(taken)
    for port in random.sample(FREE, len(FREE)):
        if port not in excluded and is_free(port):
            return port
    raise LocalError("Không còn cổng nào trống.", "No port is free.")
