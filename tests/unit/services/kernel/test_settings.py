"""Settings: per program, frozen, without secrets in print."""

from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from services.kernel.settings import Settings


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("DATABASE_URL", "DATABASE_URL_COMMUNE", "KEY_FILE", "ROLE", "HOME", "URL_GATEWAY", "PORT_COMMUNE"):
        monkeypatch.delenv(f"LIENTHONG_{name}", raising=False)
    return monkeypatch


def test_the_programs_own_database_url_wins(clean: pytest.MonkeyPatch) -> None:
    clean.setenv("LIENTHONG_DATABASE_URL", "postgresql://all")
    assert Settings.load("commune").database_url.get_secret_value() == "postgresql://all"
    clean.setenv("LIENTHONG_DATABASE_URL_COMMUNE", "postgresql://commune")
    assert Settings.load("commune").database_url.get_secret_value() == "postgresql://commune"
    assert Settings.load("gateway").database_url.get_secret_value() == "postgresql://all"


def test_addresses_follow_from_ports_unless_they_are_set(clean: pytest.MonkeyPatch) -> None:
    settings = Settings.load("gateway")
    assert (settings.port, settings.gateway_url) == (8000, "http://127.0.0.1:8000")
    assert settings.office_urls == {
        "province": "http://127.0.0.1:8010",
        "district": "http://127.0.0.1:8020",
        "commune": "http://127.0.0.1:8030",
    }
    clean.setenv("LIENTHONG_PORT_COMMUNE", "9030")
    clean.setenv("LIENTHONG_URL_GATEWAY", "https://gateway.example")
    settings = Settings.load("commune")
    assert (settings.port, settings.gateway_url) == (9030, "https://gateway.example")
    assert settings.office_urls["commune"] == "http://127.0.0.1:9030"


def test_files_lie_in_the_home_unless_they_are_set(clean: pytest.MonkeyPatch, tmp_path: Path) -> None:
    clean.setenv("LIENTHONG_HOME", str(tmp_path))
    settings = Settings.load("commune")
    assert settings.key_file == tmp_path / "hub.key"
    assert settings.attachments_url == (tmp_path / "attachments").as_uri()
    assert settings.source == "urn:lienthong:h28:commune"
    clean.setenv("LIENTHONG_KEY_FILE", "/run/keys/hub")
    assert Settings.load("commune").key_file == Path("/run/keys/hub")


def test_secrets_are_not_printed_and_nothing_can_be_changed() -> None:
    settings = Settings(program="commune", database_url=SecretStr("postgresql://u:hidden@h/d"))
    assert "hidden" not in repr(settings)
    with pytest.raises(ValidationError):
        settings.port = 1  # type: ignore[misc]


def test_an_impossible_role_is_refused_at_start(clean: pytest.MonkeyPatch) -> None:
    clean.setenv("LIENTHONG_ROLE", "everything")
    with pytest.raises(ValidationError):
        Settings.load("commune")
