"""Scopes of a token, and signing keys that take over without a gap."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.messages.registry import Jwk, KeyPublished
from gateway.identity.rules import PUBLISH_AHEAD, TOKEN_SECONDS, granted, last_day, signing_key

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
