"""What the readers have yet to read, for statements: a row whose record lies there is not sent again yet."""

from typing import Any

from services.kernel.messaging.records import Unread

MAX_OFFSET = 2**63 - 1

AHEAD = """ahead AS (
        SELECT * FROM unnest(CAST(:topics AS text[]), CAST(:partitions AS int[]), CAST(:firsts AS bigint[]),
                             CAST(:ends AS bigint[])) AS a(topic, log_partition, first_offset, end_offset)
    )"""
"""A common table expression, to be given `positions`."""


def is_ahead(row: str, *, topic: str = "") -> str:
    """The condition that the record of `row` is unread; `topic` is an expression where the row has no such column."""
    return (
        f"EXISTS (SELECT FROM ahead a WHERE a.topic = {topic or row + '.topic'}"
        f" AND a.log_partition = {row}.log_partition"
        f" AND {row}.log_offset >= a.first_offset AND {row}.log_offset < a.end_offset)"
    )


def positions(unread: Unread) -> dict[str, Any]:
    """Parameters of `AHEAD`."""
    ahead = [(*partition, offsets.start, offsets.stop) for partition, offsets in unread.items() if offsets]
    return {
        "topics": [topic for topic, *_ in ahead],
        "partitions": [partition for _, partition, *_ in ahead],
        "firsts": [first for *_, first, _ in ahead],
        "ends": [end for *_, end in ahead],
    }
