"""Where credentials come from, and that a secret is not printed with them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deploy.client.credentials import SETTINGS, BadSettings, Credentials, read_credentials

GIVEN = dict(zip(SETTINGS, ("mau", "bí mật", "https://xa.test/", "https://cong.test"), strict=True))


def test_from_the_environment() -> None:
    found = Credentials.from_environment(GIVEN)
    assert (found.client_id, found.client_secret, found.organ) == ("mau", "bí mật", "")
    assert (found.office_url, found.gateway_url) == ("https://xa.test", "https://cong.test")
    assert "bí mật" not in repr(found)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({SETTINGS[1]: ""}, [SETTINGS[1]]),
        ({SETTINGS[2]: "xa.test"}, [SETTINGS[2]]),
        ({SETTINGS[2]: "http://["}, [SETTINGS[2]]),
        ({SETTINGS[0]: "", SETTINGS[3]: "ftp://cong.test"}, [SETTINGS[0], SETTINGS[3]]),
    ],
)
def test_what_is_missing_or_no_address_is_named(changes: dict[str, str], named: list[str]) -> None:
    with pytest.raises(BadSettings) as caught:
        Credentials.from_environment({**GIVEN, **changes})
    assert caught.value.names == named
    assert all(name in str(caught.value) for name in named)


def test_from_the_file_of_a_local_hub(tmp_path: Path) -> None:
    entry = {"name": "commune-a", "client_id": "commune-a", "client_secret": "s", "level": "commune",
             "organs": ["X", "Y"], "scopes": ["ops"], "office_url": "http://127.0.0.1:8030",
             "gateway_url": "http://localhost:8000"}  # fmt: skip
    (tmp_path / "credentials.json").write_text(json.dumps([entry]))
    [(name, found)] = read_credentials(tmp_path).items()
    assert (name, found.organs, found.organ, found.level) == ("commune-a", ("X", "Y"), "X", "commune")
    assert found.is_local
    assert not Credentials.from_environment(GIVEN).is_local
