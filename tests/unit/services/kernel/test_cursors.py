"""Places in lists."""

from datetime import UTC, datetime

import pytest

from contracts.problems import HubError
from services.kernel import cursors

AT = datetime(2024, 6, 3, 1, 2, 3, 456789, tzinfo=UTC)


@pytest.mark.parametrize("key", ["1", "000.03.21.H28-20240603-0000001", "a:b", "khóa"])
def test_place_comes_back(key: str) -> None:
    cursor = cursors.encode(AT, key)

    assert cursors.decode(cursor) == (AT, key)
    assert cursor.isascii()
    assert "=" not in cursor


def test_no_cursor_is_the_beginning() -> None:
    assert cursors.decode(None) is None


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "!!!!",
        "MQ",  # no key
        "MTo",  # an empty one
        "MTr_",  # not UTF-8
        "MTphAA",  # NUL
        "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk6YQ",  # beyond the calendar
        "ICAxOmE",  # spaces before the number
        cursors.encode(AT, "a") + "=",
        cursors.encode(AT, "a") + "\n",
        "é",
    ],
)
def test_what_was_not_made_here_is_malformed(cursor: str) -> None:
    with pytest.raises(HubError) as caught:
        cursors.decode(cursor)

    assert caught.value.code == "request.malformed"
