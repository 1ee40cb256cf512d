"""The pure parts of the measurements: who receives, what is counted, which rows are made."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime, timedelta

import pytest

from contracts.identifiers import ORGAN_PATTERN
from services.kernel.partitions import id_bound
from tests.bench.bench import Refused, expect, lost
from tests.bench.http import Answer
from tests.bench.outage import Arrivals, CatchUp
from tests.bench.spread import POOL, recipients_of
from tests.bench.stage import Decided
from tests.bench.stored import Stretch, months, sheet
from tests.bench.stored_rows import ROWS

AT = datetime(2024, 6, 3, 8, tzinfo=UTC)


def test_each_recipient_gets_as_many_whatever_the_width() -> None:
    pool = [f"organ-{number}" for number in range(POOL)]
    for width in (1, 10, 150):
        given = [organ for document in range(1, 600 // width + 1) for organ in recipients_of(pool, document, width)]
        assert {given.count(organ) for organ in pool} == {600 // POOL}


def test_a_document_has_no_recipient_twice() -> None:
    pool = [f"organ-{number}" for number in range(POOL)]
    assert len(set(recipients_of(pool, 7, POOL))) == POOL


def test_an_answer_that_is_not_expected_is_told() -> None:
    expect(Answer(201, b"{}"), 201)
    with pytest.raises(Refused, match="503: away"):
        expect(Answer(503, b"away"), 201, 202)


def test_a_figure_is_void_when_something_is_missing_or_there_twice() -> None:
    assert lost(0) == ""
    assert lost(3).startswith("3 ")
    assert lost(-1).startswith("1 ")


def test_what_the_gateway_decided_first_is_before_the_time_it_took() -> None:
    decided = Decided(all=5000, first=AT, last=AT + timedelta(seconds=2), at_first=500, gone=AT + timedelta(seconds=4))
    assert decided.rate == 2250
    assert decided.through == 1250


def test_decisions_of_one_moment_have_no_rate() -> None:
    assert Decided(all=100, first=AT, last=AT, at_first=100, gone=AT).rate == 0


def test_catching_up_counts_what_arrived_meanwhile() -> None:
    assert CatchUp(backlog=1000, handed_over=1200, seconds=2.0, first_seconds=0.5).rate == 600


async def test_arrivals_that_are_over_send_nothing() -> None:
    sent: list[int] = []

    async def act(_: object, number: int) -> None:
        sent.append(number)

    arrivals = Arrivals(act)
    connection = object()
    await arrivals.one(connection, 1)  # type: ignore[arg-type]
    arrivals.over = True
    await arrivals.one(connection, 2)  # type: ignore[arg-type]
    assert (sent, arrivals.sent, arrivals.answered) == ([1], 1, 1)


def test_the_sheet_names_each_organ_once_and_with_a_code_that_may_be() -> None:
    lines = list(csv.DictReader(io.StringIO(sheet(range(207, 14_000), ["000.00.21.H28", "000.00.22.H28"]))))
    codes = [line["code"] for line in lines]
    assert len(set(codes)) == len(lines) == 14_000 - 207
    assert all(re.fullmatch(ORGAN_PATTERN, code) for code in codes)
    assert {line["superior"] for line in lines} == {"000.00.21.H28", "000.00.22.H28"}
    assert {line["home"] for line in lines} == {"office"}


def test_months_between_two_moments() -> None:
    assert months(datetime(2025, 12, 31, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)) == 11
    assert months(AT, AT) == 0


def test_stored_dossiers_lie_evenly_in_their_time() -> None:
    stretch = Stretch(first=10, count=1000, start=AT, end=AT + timedelta(seconds=500))
    assert stretch.every == 0.5


def test_each_database_has_the_tables_of_a_journey() -> None:
    named = {owner: {rows.table for rows in several} for owner, several in ROWS.items()}
    assert all(len(named[owner]) == len(ROWS[owner]) for owner in ROWS)
    assert {"dossier", "transfer", "transfer_delivery", "outbox"} <= named["commune"]
    assert {"dossier", "inbox_item", "receipt"} <= named["province"]
    assert {"dossier", "transfer", "delivery", "hop", "payload", "subject"} <= named["gateway"]


def test_ids_of_later_moments_are_above_the_bound() -> None:
    assert id_bound(AT) < id_bound(AT + timedelta(milliseconds=1)) < "~"
