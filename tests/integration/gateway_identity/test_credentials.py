"""Seeding a hub on one machine: the nine local systems, their file, and what a second start keeps."""

import json
import stat
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from contracts.directory import Directory
from deploy import credentials, seeding
from deploy.local.errors import LocalError
from deploy.seed.load import read
from gateway.audit import store as audit
from gateway.audit.actions import SEED
from gateway.audit.store import Filter
from gateway.identity import actions, store
from gateway.identity.secrets import SecretVerifier
from gateway.identity.snapshot import SystemSnapshot
from gateway.organs.snapshot import OrganSnapshot
from services.kernel.database import Database
from services.kernel.settings import Settings
from tests.integration.gateway_identity.conftest import ACT

NAMES = [
    "commune-a",
    "commune-b",
    "district-a",
    "department-a",
    "commune-a-documents",
    "stranger",
    "integrator",
    "operator",
    "administrator",
]
FIELDS = {"name", "client_id", "client_secret", "level", "organs", "scopes", "office_url", "gateway_url"}


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    home = tmp_path / "Hoà Bình, tỉnh"
    return Settings(program="gateway", local=True, home=home, database_url=SecretStr(database_url))


def lines(settings: Settings) -> dict[str, dict[str, Any]]:
    found = json.loads((settings.home / "credentials.json").read_text(encoding="utf-8"))
    assert [line["name"] for line in found] == NAMES
    assert all(set(line) == FIELDS for line in found)
    return {line["name"]: line for line in found}


async def verifies(database: Database, line: dict[str, Any]) -> bool:
    verifier = SecretVerifier()
    async with database.read() as conn:
        found = await store.candidate(conn, line["client_id"])
    try:
        return found is not None and await verifier.matches(line["client_secret"], found.hashes)
    finally:
        verifier.close()


async def test_first_start_makes_nine_systems_with_working_secrets(database: Database, settings: Settings) -> None:
    await seeding.seed(settings)
    found = lines(settings)
    assert stat.S_IMODE((settings.home / "credentials.json").stat().st_mode) == 0o600
    assert [file.name for file in settings.home.iterdir()] == ["credentials.json"]
    for line in found.values():
        assert await verifies(database, line)
    assert found["commune-a"]["office_url"] == settings.office_urls["commune"]
    assert found["department-a"]["office_url"] == settings.office_urls["province"]
    assert found["commune-a-documents"]["organs"] == found["commune-a"]["organs"]
    assert found["operator"]["organs"] == []
    organs = [found[name]["organs"][0] for name in ("commune-a", "commune-b", "stranger", "district-a", "department-a")]
    assert len(set(organs)) == 5


async def test_systems_belong_to_one_province_as_their_names_say(database: Database, settings: Settings) -> None:
    await seeding.seed(settings)
    found, registry, systems = lines(settings), OrganSnapshot(), SystemSnapshot()
    async with database.read() as conn:
        await registry.refresh(conn)
        await systems.refresh(conn)
    on = date(2024, 6, 3)
    superiors = {}
    for name in ("commune-a", "commune-b", "stranger"):
        superior = registry.directory.superior(found[name]["organs"][0], on)
        assert superior is not None
        superiors[name] = superior.code
    assert [superiors["commune-a"]] == found["district-a"]["organs"]
    assert len(set(superiors.values())) == 3
    for name, line in found.items():
        system = systems.systems[name]
        assert (line["organs"], set(line["scopes"])) == (list(system.organs), set(system.scopes))


async def test_second_start_changes_nothing(database: Database, settings: Settings) -> None:
    await seeding.seed(settings)
    file = settings.home / "credentials.json"
    before, written = file.read_bytes(), file.stat().st_mtime_ns
    await seeding.seed(settings)
    assert (file.read_bytes(), file.stat().st_mtime_ns) == (before, written)
    systems = SystemSnapshot()
    async with database.read() as conn:
        assert await systems.refresh(conn)
        versions = await store.system(conn, "commune-a")
    assert versions is not None
    assert versions.version == 1


async def test_seeding_is_in_the_audit_once(database: Database, settings: Settings) -> None:
    for _ in range(2):
        await seeding.seed(settings)
    async with database.read() as conn:
        rows = await audit.page(conn, Filter(client_id=SEED), 1000)
    organs = len(read(seeding.SEEDS[seeding.DEFAULT]))
    assert Counter(row["action"] for row in rows) == {"organ.created": organs, "system.created": 9}
    told = str([dict(row) for row in rows])
    assert all(line["client_secret"] not in told for line in lines(settings).values())
    assert "argon2" not in told


async def test_secret_that_does_not_verify_is_made_anew_and_the_others_stay(
    database: Database, settings: Settings
) -> None:
    await seeding.seed(settings)
    before = lines(settings)
    broken = [{**line, "client_secret": "wrong"} if line["name"] == "stranger" else line for line in before.values()]
    (settings.home / "credentials.json").write_text(json.dumps(broken))
    await seeding.seed(settings)
    after = lines(settings)
    assert after["stranger"]["client_secret"] not in ("wrong", before["stranger"]["client_secret"])
    assert await verifies(database, after["stranger"])
    assert not await verifies(database, before["stranger"])
    assert {name: line for name, line in after.items() if name != "stranger"} == {
        name: line for name, line in before.items() if name != "stranger"
    }


@pytest.mark.parametrize("text", ["", "{", "[1]", '[{"name": "commune-a"}]', '"text"'])
async def test_unreadable_file_is_made_anew(database: Database, settings: Settings, text: str) -> None:
    settings.home.mkdir(parents=True)
    (settings.home / "credentials.json").write_text(text)
    await seeding.seed(settings)
    assert await verifies(database, lines(settings)["commune-a"])


async def test_new_ports_change_the_addresses_and_keep_the_secrets(settings: Settings) -> None:
    await seeding.seed(settings)
    before = lines(settings)["commune-a"]
    moved = settings.model_copy(update={"ports": {**settings.ports, "gateway": 9000}})
    await seeding.seed(moved)
    after = lines(settings)["commune-a"]
    assert after["gateway_url"] == "http://127.0.0.1:9000"
    assert after["client_secret"] == before["client_secret"]


async def test_suspensions_survive_the_next_start(database: Database, settings: Settings) -> None:
    await seeding.seed(settings)
    found = lines(settings)["commune-b"]
    async with database.transaction() as conn:
        await actions.suspend_system(conn, "commune-b", by=ACT)
    await seeding.seed(settings)
    async with database.read() as conn:
        system = await store.system(conn, "commune-b")
    assert system is not None
    assert system.suspended
    assert lines(settings)["commune-b"] == found


@pytest.mark.parametrize("on", [date(2024, 6, 3), date(2025, 7, 1), date(2026, 11, 21)])
def test_full_seed_has_the_systems_in_both_eras(on: date) -> None:
    directory = Directory.from_organs(read(seeding.SEEDS["full"]))
    systems = credentials.local_systems(directory, on)
    assert [system.name for system in systems] == NAMES
    assert all(directory.resolve(code, on).problem is None for system in systems for code in system.organs)


def test_too_small_a_registry_is_refused() -> None:
    with pytest.raises(LocalError):
        credentials.local_systems(Directory(), date(2024, 6, 3))


async def test_outside_local_mode_there_are_organs_and_no_credentials(database: Database, settings: Settings) -> None:
    elsewhere = settings.model_copy(update={"local": False})
    await seeding.seed(elsewhere)
    assert not settings.home.exists()
    with pytest.raises(LocalError):
        await credentials.issue(elsewhere, database, Directory(), ACT)


@pytest.mark.parametrize(("name", "code"), [("", 0), ("full", 0), ("no-such-seed", 1)])
def test_command_takes_the_seed_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, name: str, code: int
) -> None:
    monkeypatch.setenv("LIENTHONG_SEED", name)
    monkeypatch.setenv("LIENTHONG_LOCAL", "1")
    monkeypatch.setenv("LIENTHONG_HOME", str(settings.home))
    monkeypatch.setenv("LIENTHONG_DATABASE_URL_GATEWAY", settings.database_url.get_secret_value())
    assert seeding.main() == code
    assert (settings.home / "credentials.json").exists() == (code == 0)
