"""Who calls and where: from the local hub's `credentials.json`, or from the environment in production."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

FILE = "credentials.json"
CLIENT_ID, CLIENT_SECRET = "LIENTHONG_CLIENT_ID", "LIENTHONG_CLIENT_SECRET"
OFFICE_URL, GATEWAY_URL = "LIENTHONG_OFFICE_URL", "LIENTHONG_GATEWAY_URL"
SETTINGS = (CLIENT_ID, CLIENT_SECRET, OFFICE_URL, GATEWAY_URL)


class BadSettings(ValueError):
    """The environment names a system but not all it takes, or an address that is none."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(f"biến môi trường thiếu hoặc sai · not set or not valid: {', '.join(names)}")
        self.names = names


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """One agency system. `organs` may stay empty: the hub knows them; name one when the system has several."""

    client_id: str
    client_secret: str = field(repr=False)
    office_url: str
    gateway_url: str
    name: str = ""
    level: str = ""
    organs: tuple[str, ...] = ()

    @property
    def organ(self) -> str:
        """The first organ it may act for, or nothing."""
        return self.organs[0] if self.organs else ""

    @property
    def is_local(self) -> bool:
        """Both addresses are on this machine, where no proxy stands between."""
        return all(_is_loopback(urlsplit(url).hostname or "") for url in (self.office_url, self.gateway_url))

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Credentials":
        """From `LIENTHONG_CLIENT_ID`, `_CLIENT_SECRET`, `_OFFICE_URL`, `_GATEWAY_URL`; raises `BadSettings`."""
        bad = [name for name in SETTINGS if not environment.get(name)]
        bad += [name for name in (OFFICE_URL, GATEWAY_URL) if name not in bad and not _is_address(environment[name])]
        if bad:
            raise BadSettings(bad)
        return cls(
            client_id=environment[CLIENT_ID],
            client_secret=environment[CLIENT_SECRET],
            office_url=environment[OFFICE_URL].rstrip("/"),
            gateway_url=environment[GATEWAY_URL].rstrip("/"),
            name=environment[CLIENT_ID],
        )


def read_credentials(home: Path | str) -> dict[str, Credentials]:
    """The sample systems of a local hub by name; raises `OSError` when none was ever started in that home."""
    entries = json.loads((Path(home) / FILE).read_text(encoding="utf-8"))
    return {entry["name"]: _credentials(entry) for entry in entries}


def _credentials(entry: Mapping[str, Any]) -> Credentials:
    known = {name: entry[name] for name in Credentials.__dataclass_fields__}
    return Credentials(**known | {"organs": tuple(entry["organs"])})


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
