"""A record in a topic of dead letters that no office wrote is passed over, whatever it holds."""

from typing import Any

import orjson
import pytest

from gateway.operations.dead_letters import _read
from services.kernel.messaging.records import Record

TOLD: dict[str, Any] = {
    "number": 7,
    "partition": 3,
    "offset": 41,
    "at": "2024-06-03T01:00:00Z",
    "step": "headers",
    "code": "envelope.unreadable",
    "pointer": "ce_subject",
    "contract": "",
}


def record(value: bytes | None) -> Record:
    return Record("deliver.commune.dead", 0, 0, "7", value, (), 0)


def test_an_offices_letter_is_read() -> None:
    letter = _read(record(orjson.dumps(TOLD)))
    assert letter is not None
    assert (letter.program, letter.topic, letter.log_partition, letter.log_offset) == (
        "commune",
        "deliver.commune",
        3,
        41,
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"at": "0001-01-01T00:00:00+14:00"},
        {"at": "yesterday"},
        {"partition": 2**31},
        {"partition": -1},
        {"offset": "9223372036854775808"},
        {"offset": None},
        {"number": "many"},
    ],
    ids=str,
)
def test_a_strangers_is_not(changed: dict[str, Any]) -> None:
    assert _read(record(orjson.dumps(TOLD | changed))) is None


@pytest.mark.parametrize("value", [None, b"", b"[]", b"7", b"{", b'{"at": 5}'])
def test_nor_is_what_is_no_letter_at_all(value: bytes | None) -> None:
    assert _read(record(value)) is None
