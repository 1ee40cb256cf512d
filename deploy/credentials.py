"""The local systems: registered in the gateway's database, their secrets in `credentials.json`. Local mode only.

Which organs they speak for follows from the registry at the hub's date, so that every seed has the same nine.
"""

import asyncio
import json
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from contracts.directory import Directory, is_valid, local_date
from contracts.levels import Level
from contracts.messages.registry import OrganChanged, SystemChanged
from deploy.local.errors import LocalError
from gateway.audit.actions import Act
from gateway.identity import actions, store
from gateway.identity.secrets import SecretVerifier, hash_secret, make_secret
from services.kernel.database import Database
from services.kernel.settings import Settings

FILE = "credentials.json"
AGENCY = ("dossier:write", "document:write", "inbox:read")
DOCUMENTS = ("document:write", "inbox:read")
DEPARTMENT = "department"
MODE = 0o600
OUTSIDE = Level.PROVINCE
"""Systems without an organ are shown with the province's office."""


@dataclass(frozen=True, slots=True)
class LocalSystem:
    """One line of the file, without the secret."""

    name: str
    scopes: tuple[str, ...]
    organ: OrganChanged | None = None

    @property
    def level(self) -> Level:
        return self.organ.level if self.organ else OUTSIDE

    @property
    def organs(self) -> list[str]:
        return [self.organ.code] if self.organ else []

    def registered(self) -> SystemChanged:
        return SystemChanged(
            client_id=self.name,
            version=1,
            name=f"{self.name} (máy này)",
            level=self.level,
            organs=self.organs,
            scopes=list(self.scopes),
        )


async def issue(settings: Settings, database: Database, directory: Directory, act: Act) -> Path:
    """Registers the systems and writes the file, unless both are as they should be already.

    A secret in the file that still verifies is kept, whatever else changed. Raises `LocalError` outside local mode.
    """
    if not settings.local:
        raise LocalError(
            "Chỉ tạo tài khoản mẫu ở chế độ chạy trên một máy.", "Sample credentials are made in local mode only."
        )
    file = settings.home / FILE
    systems = local_systems(directory, local_date(act.at))
    kept = await _still_valid(database, _secrets_in(file))
    secrets = {system.name: kept.get(system.name) or make_secret() for system in systems}
    hashes = {
        name: await asyncio.to_thread(hash_secret, secret) for name, secret in secrets.items() if name not in kept
    }
    async with database.transaction() as conn:
        for system in systems:
            await actions.put_system(conn, system.registered(), hashes.get(system.name), by=act)
    lines = [_line(system, secrets[system.name], settings) for system in systems]
    _write(file, json.dumps(lines, ensure_ascii=False, indent=2) + "\n")
    return file


def local_systems(directory: Directory, on: date) -> list[LocalSystem]:
    """The nine of the design, in its order, all of one province. Raises `LocalError` when the registry lacks them."""
    for province in _valid(directory, on, Level.PROVINCE):
        below = [organ for organ in _valid(directory, on) if _is_under(directory, organ, province, on)]
        communes = _apart(directory, [organ for organ in below if organ.level == Level.COMMUNE], on)
        superior = directory.superior(communes[0].code, on) if communes else None
        department = next((organ for organ in below if organ.kind == DEPARTMENT), None)
        if len(communes) >= 3 and superior and department:
            return _nine(communes, superior, department)
    raise LocalError(
        "Danh mục cơ quan chưa đủ: cần một tỉnh có một sở và ba xã.",
        "The organ registry is too small: a province with a department and three communes is needed.",
    )


def _nine(communes: list[OrganChanged], superior: OrganChanged, department: OrganChanged) -> list[LocalSystem]:
    return [
        LocalSystem("commune-a", AGENCY, communes[0]),
        LocalSystem("commune-b", AGENCY, communes[1]),
        LocalSystem("district-a", AGENCY, superior),
        LocalSystem("department-a", AGENCY, department),
        LocalSystem("commune-a-documents", DOCUMENTS, communes[0]),
        LocalSystem("stranger", AGENCY, communes[2]),
        LocalSystem("integrator", ("event:read",)),
        LocalSystem("operator", ("ops",)),
        LocalSystem("administrator", ("admin",)),
    ]


def _apart(directory: Directory, communes: list[OrganChanged], on: date) -> list[OrganChanged]:
    """The communes with those of different superiors first, as far as there are such."""
    first: dict[str, OrganChanged] = {}
    for organ in communes:
        superior = directory.superior(organ.code, on)
        first.setdefault(superior.code if superior else "", organ)
    return [*first.values(), *(organ for organ in communes if organ not in first.values())]


def _is_under(directory: Directory, organ: OrganChanged, province: OrganChanged, on: date) -> bool:
    """Directly, or through one organ between."""
    superior = directory.superior(organ.code, on)
    above = directory.superior(superior.code, on) if superior else None
    return province in (superior, above)


def _valid(directory: Directory, on: date, level: Level | None = None) -> list[OrganChanged]:
    """In order of code, so that the choice is the same at every start."""
    return sorted(
        (
            organ
            for organ in directory
            if is_valid(organ, on) and organ.home == "office" and not organ.suspended and level in (None, organ.level)
        ),
        key=lambda organ: organ.code,
    )


def _secrets_in(file: Path) -> dict[str, str]:
    """What an earlier start wrote; nothing when it cannot be read."""
    try:
        return {line["name"]: line["client_secret"] for line in json.loads(file.read_text(encoding="utf-8"))}
    except (OSError, ValueError, TypeError, KeyError):
        return {}


async def _still_valid(database: Database, secrets: Mapping[str, str]) -> dict[str, str]:
    verifier = SecretVerifier()
    valid: dict[str, str] = {}
    try:
        for name, secret in secrets.items():
            async with database.read() as conn:
                found = await store.candidate(conn, name)
            if found and await verifier.matches(secret, found.hashes):
                valid[name] = secret
    finally:
        verifier.close()
    return valid


def _line(system: LocalSystem, secret: str, settings: Settings) -> dict[str, Any]:
    return {
        "name": system.name,
        "client_id": system.name,
        "client_secret": secret,
        "level": system.level.value,
        "organs": system.organs,
        "scopes": list(system.scopes),
        "office_url": settings.office_urls[system.level.value],
        "gateway_url": settings.gateway_url,
    }


def _write(file: Path, text: str) -> None:
    """By rename, readable by its owner alone from the first byte; a file that says the same is left alone."""
    with suppress(OSError, ValueError):
        if file.read_text(encoding="utf-8") == text and file.stat().st_mode & 0o777 == MODE:
            return
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor, fresh = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")  # made with mode 600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        Path(fresh).replace(file)
    except BaseException:
        Path(fresh).unlink(missing_ok=True)
        raise
