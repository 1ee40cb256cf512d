"""Places in lists."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from contracts.problems import HubError
from services.kernel import cursors

AT = datetime(2024, 6, 3, 1, 2, 3, 456789, tzinfo=UTC)
SCOPE = cursors.scope("list", "filter")


@pytest.mark.parametrize("key", ["1", "000.03.21.H28-20240603-0000001", "a:b", "khóa"])
def test_place_comes_back(key: str) -> None:
    cursor = cursors.encode(AT, key, SCOPE)

    assert cursors.decode(cursor, SCOPE) == (AT, key)
    assert cursor.isascii()
    assert "=" not in cursor


def test_no_cursor_is_the_beginning() -> None:
    assert cursors.decode(None, SCOPE) is None


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "!!!!",
        "MTr_",  # not UTF-8
        "MTphAA",  # NUL
        cursors.seal("", SCOPE),
        cursors.seal("1", SCOPE),  # no key
        cursors.seal("1:", SCOPE),  # an empty one
        cursors.seal("1:a\0", SCOPE),
        cursors.seal("9999999999999999999999999999:a", SCOPE),  # beyond the calendar
        cursors.seal("  1:a", SCOPE),
        cursors.encode(AT, "a", SCOPE) + "=",
        cursors.encode(AT, "a", SCOPE) + "\n",
        "é",
    ],
)
def test_what_was_not_made_here_is_malformed(cursor: str) -> None:
    with pytest.raises(HubError) as caught:
        cursors.decode(cursor, SCOPE)

    assert caught.value.code == "request.malformed"


EAST = timezone(timedelta(hours=7))


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        (cursors.scope("dossiers", "o"), cursors.scope("documents", "o")),
        (cursors.scope("dossiers", "o"), cursors.scope("dossiers", "p")),
        (cursors.scope("dossiers", "o", None), cursors.scope("dossiers", None, "o")),
        (cursors.scope("dossiers", AT), cursors.scope("dossiers", AT + timedelta(microseconds=1))),
        (cursors.scope("dossiers", frozenset({1})), cursors.scope("dossiers", frozenset({1, 2}))),
    ],
)
def test_a_cursor_of_another_list_or_filter_is_malformed(given: str, asked: str) -> None:
    with pytest.raises(HubError) as caught:
        cursors.decode(cursors.encode(AT, "a", given), asked)

    assert caught.value.code == "request.malformed"


def test_filters_that_mean_the_same_are_the_same() -> None:
    assert cursors.scope("l", AT, frozenset({10, 2})) == cursors.scope("l", AT.astimezone(EAST), {2, 10})
