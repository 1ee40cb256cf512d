"""Scopes of a token, and signing keys that take over without a gap."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.directory import Directory, local_date
from contracts.levels import Level
from contracts.messages.registry import Alias, Jwk, KeyPublished, OrganChanged, SystemChanged
from contracts.problems import HubError
from gateway.identity.rules import (
    PUBLISH_AHEAD,
    TOKEN_SECONDS,
    administers,
    canonical,
    granted,
    key_is_due,
    last_day,
    signing_key,
)

NOW = datetime(2025, 7, 1, 8, tzinfo=UTC)
HELD = ["dossier:write", "inbox:read"]


def key(kid: str, begins: datetime, ends: datetime | None = None) -> KeyPublished:
    return KeyPublished(
        kid=kid, version=1, jwk=Jwk(kty="OKP", crv="Ed25519", x="A" * 43), valid_from=begins, valid_to=ends
    )


class TestGranted:
    def test_everything_held_when_nothing_is_asked(self) -> None:
        assert granted(HELD, []) == HELD

    def test_what_is_asked_and_held(self) -> None:
        assert granted(HELD, ["inbox:read", "inbox:read"]) == ["inbox:read"]

    def test_write_includes_read(self) -> None:
        assert granted(HELD, ["dossier:read"]) == ["dossier:read"]

    @pytest.mark.parametrize("asked", [["admin"], ["inbox:read", "document:read"], ["inbox:write"]])
    def test_nothing_when_one_is_not_held(self, asked: list[str]) -> None:
        assert granted(HELD, asked) is None


class TestSigningKey:
    def test_none_when_there_is_none_in_use(self) -> None:
        assert signing_key([], NOW) is None
        assert signing_key([key("k1", NOW + timedelta(seconds=1))], NOW) is None

    def test_published_key_is_not_used_before_its_time(self) -> None:
        old, new = key("k1", NOW), key("k2", NOW + PUBLISH_AHEAD)
        assert signing_key([new, old], NOW) == old
        assert signing_key([new, old], NOW + PUBLISH_AHEAD) == new

    def test_key_that_ends_before_a_token_would_is_not_used(self) -> None:
        assert signing_key([key("k1", NOW, NOW + timedelta(seconds=TOKEN_SECONDS - 1))], NOW) is None
        assert signing_key([key("k1", NOW, NOW + timedelta(seconds=TOKEN_SECONDS))], NOW) is not None

    @given(st.lists(st.integers(0, 5000), min_size=1, max_size=6), st.integers(0, 40_000))
    def test_every_token_ends_before_its_key(self, gaps: list[int], minutes: int) -> None:
        """Any series of rotations: each new key replaces all before it, as `rotate_key` does."""
        keys = [key("k0", NOW)]
        rotated = NOW
        for number, gap in enumerate(gaps, start=1):
            rotated += timedelta(minutes=gap)
            begins = rotated + PUBLISH_AHEAD
            keys = [held.model_copy(update={"valid_to": held.valid_to or last_day(begins)}) for held in keys]
            keys.append(key(f"k{number}", begins))
        at = NOW + timedelta(minutes=minutes)
        chosen = signing_key(keys, at)
        assert chosen is not None
        assert chosen.valid_from <= at
        assert chosen.valid_to is None or chosen.valid_to >= at + timedelta(seconds=TOKEN_SECONDS)


class TestDueKey:
    def test_is_due_when_the_youngest_is_old(self) -> None:
        age = timedelta(days=90)
        assert key_is_due([], NOW, age)
        assert not key_is_due([key("k1", NOW - age), key("k2", NOW - age / 2)], NOW, age)
        assert not key_is_due([key("k1", NOW - age + timedelta(seconds=1))], NOW, age)
        assert key_is_due([key("k1", NOW - age)], NOW, age)
        assert not key_is_due([key("k1", NOW - age), key("k2", NOW + PUBLISH_AHEAD)], NOW, age)


class TestSystem:
    DIRECTORY = Directory.from_organs(
        [
            OrganChanged(
                code="H28", version=1, name="Tỉnh", level=Level.PROVINCE, aliases=[Alias(code="000.00.00.H28")]
            ),
            OrganChanged(code="G22", version=1, name="Bộ", level=Level.CENTRAL, home="axis"),
        ]
    )

    def system(self, level: Level = Level.PROVINCE, **fields: object) -> SystemChanged:
        body = {"client_id": "a", "version": 1, "name": "A", "organs": [], "scopes": [], **fields}
        return SystemChanged.model_validate({**body, "level": level})

    def test_organs_are_known_by_their_own_codes_once(self) -> None:
        given = self.system(organs=["000.00.00.h28", "H28"], scopes=["inbox:read", "inbox:read"])
        made = canonical(given, self.DIRECTORY, local_date(NOW))
        assert (made.organs, made.scopes) == (["H28"], ["inbox:read"])

    @pytest.mark.parametrize(
        ("level", "fields", "pointer"),
        [
            (Level.PROVINCE, {"organs": ["H28", "nobody"]}, "/organs/1"),
            (Level.COMMUNE, {"organs": ["H28"]}, "/organs/0"),
            (Level.CENTRAL, {"organs": ["G22"]}, "/organs/0"),
            (Level.PROVINCE, {"scopes": ["everything"]}, "/scopes/0"),
            (Level.PROVINCE, {"organs": ["H28"], "scopes": ["inbox:read", "ops"]}, "/scopes/1"),
            (Level.PROVINCE, {"organs": ["H28"], "scopes": ["admin"]}, "/scopes/0"),
        ],
    )
    def test_what_does_not_fit_is_refused(self, level: Level, fields: dict[str, object], pointer: str) -> None:
        with pytest.raises(HubError) as raised:
            canonical(self.system(level, **fields), self.DIRECTORY, local_date(NOW))
        assert (raised.value.code, raised.value.pointer) == ("request.invalid", pointer)

    def test_who_administers(self) -> None:
        assert administers(self.system(scopes=["ops", "admin"]))
        assert not administers(self.system(scopes=["admin"], suspended=True))
        assert not administers(self.system(scopes=["ops"]))
