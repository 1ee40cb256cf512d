"""Numbers, rungs, deliveries, resending and stamps: the pure rules both ends share, as tables."""

import itertools

import pytest

from contracts.protocol import (
    ASK_AGAIN_SECONDS,
    DELIVERY_RESEND_SECONDS,
    FACT_RESEND_SECONDS,
    Arrival,
    DeliveryState,
    Number,
    Offer,
    Rung,
    Sending,
    Stamp,
    StampError,
    TransferState,
    addressees,
    climb,
    hops_to_send,
    is_log_loss,
    is_unread,
    judge_arrival,
    judge_number,
    newest,
    reported,
    rung_of,
    settle,
    to_send,
    transfer_state,
    unjudged,
    wait_seconds,
)

OPEN, HANDED_OVER, REFUSED, CLOSED = DeliveryState
UNSENT, SENT, ROUTED, SETTLED = Rung


@pytest.mark.parametrize(
    ("last", "number", "expected"),
    [
        (0, 1, Number.NEXT),
        (0, 2, Number.GAP),
        (4, 5, Number.NEXT),
        (4, 6, Number.GAP),
        (4, 4, Number.BEHIND),
        (4, 1, Number.BEHIND),
    ],
)
def test_how_a_number_stands_to_the_last(last: int, number: int, expected: Number) -> None:
    assert judge_number(last, number) is expected


@pytest.mark.parametrize(
    ("known", "sequence", "expected"),
    [
        (None, 5, Arrival.TAKE),
        (None, 6, Arrival.ASK),
        (None, 4, Arrival.CONFLICT),
        (b"same", 4, Arrival.ANSWER),
        (b"same", 5, Arrival.ANSWER),
        (b"same", 9, Arrival.ANSWER),
        (b"other", 4, Arrival.REUSED),
        (b"other", 5, Arrival.REUSED),
    ],
)
def test_identity_goes_before_number(known: bytes | None, sequence: int, expected: Arrival) -> None:
    assert judge_arrival(known, b"same", last=4, sequence=sequence) is expected


def test_a_rung_is_never_lost() -> None:
    for present, arrived in itertools.product(Rung, Rung):
        assert climb(present, arrived) == max(present, arrived)


@pytest.mark.parametrize(
    ("rungs", "expected"),
    [
        ([], 0),
        ([SENT, UNSENT], 2),
        ([SETTLED, SENT, UNSENT], 2),
        ([SENT, ROUTED], 0),
        ([SENT, SETTLED, SENT], 1),
    ],
)
def test_what_stands_before_a_judged_fact_was_judged(rungs: list[Rung], expected: int) -> None:
    assert unjudged(rungs) == expected


# deliveries


@pytest.mark.parametrize(
    ("deliveries", "expected"),
    [
        ([], TransferState.HANDED_OVER),
        ([OPEN], TransferState.ROUTED),
        ([HANDED_OVER, OPEN], TransferState.ROUTED),
        ([HANDED_OVER, HANDED_OVER], TransferState.HANDED_OVER),
        ([REFUSED], TransferState.REFUSED),
        ([CLOSED, CLOSED], TransferState.CLOSED),
        ([CLOSED, HANDED_OVER], TransferState.PARTLY),
        ([REFUSED, CLOSED], TransferState.PARTLY),
    ],
)
def test_state_of_a_transfer(deliveries: list[DeliveryState], expected: TransferState) -> None:
    assert transfer_state(deliveries) is expected


def test_receipts_merge_in_any_order_and_number() -> None:
    for one, two, three in itertools.product(DeliveryState, repeat=3):
        assert settle(one, two) is settle(two, one)
        assert settle(settle(one, two), three) is settle(one, settle(two, three))
        assert settle(one, one) is one
        assert settle(OPEN, one) is one
        assert settle(one, HANDED_OVER) is HANDED_OVER
    assert settle(CLOSED, REFUSED) is REFUSED


@pytest.mark.parametrize(
    ("state", "receipted", "expected"),
    [
        (CLOSED, False, OPEN),
        (CLOSED, True, CLOSED),
        (OPEN, False, OPEN),
        (HANDED_OVER, False, HANDED_OVER),
        (REFUSED, True, REFUSED),
    ],
)
def test_a_closed_delivery_is_reported_once_its_hop_is_receipted(
    state: DeliveryState, receipted: bool, expected: DeliveryState
) -> None:
    assert reported(state, receipted=receipted) is expected


def test_a_hop_names_all_but_the_closed_ones() -> None:
    assert addressees({"a": OPEN, "b": CLOSED, "c": HANDED_OVER, "d": REFUSED}) == ("a", "c", "d")
    assert addressees({"a": CLOSED, "b": CLOSED}) == ()


@pytest.mark.parametrize(
    ("deliveries", "expected"),
    [
        (None, ROUTED),
        ([], SETTLED),
        ([OPEN, HANDED_OVER], ROUTED),
        ([HANDED_OVER, REFUSED, CLOSED], SETTLED),
    ],
)
def test_a_fact_is_settled_when_all_its_deliveries_are_known_and_final(
    deliveries: list[DeliveryState] | None, expected: Rung
) -> None:
    assert rung_of(deliveries) is expected


# sending again


@pytest.mark.parametrize(
    ("schedule", "waits"),
    [
        (FACT_RESEND_SECONDS, [10, 30, 120, 600, 3600, 3600]),
        (ASK_AGAIN_SECONDS, [120, 600, 3600, 86400, 86400]),
        (DELIVERY_RESEND_SECONDS, [30, 120, 600, 3600, 21600, 21600]),
    ],
)
def test_the_last_wait_repeats(schedule: tuple[int, ...], waits: list[int]) -> None:
    assert [wait_seconds(schedule, attempts) for attempts in range(1, len(waits) + 1)] == waits
    assert wait_seconds(schedule, 0) == waits[0]


@pytest.mark.parametrize(
    ("sent", "passed", "start", "end", "expected"),
    [
        (7, 7, 0, 8, True),
        (7, 0, 0, 8, True),
        (7, 0, 7, 8, True),
        (7, 8, 0, 8, False),
        (7, 3, 0, 7, False),
        (7, 0, 0, 0, False),
        (7, 3, 8, 9, False),
        (7, 3, 8, 8, False),
        (7, None, 0, 8, False),
        (None, 0, 0, 8, False),
    ],
)
def test_a_record_is_waited_for_while_it_lies_ahead_of_its_reader(
    sent: int | None, passed: int | None, start: int, end: int, expected: bool
) -> None:
    assert is_unread(sent, passed=passed, start=start, end=end) is expected


@pytest.mark.parametrize(
    ("acknowledged", "offset", "expected"),
    [(None, 0, False), (5, 6, False), (5, 5, True), (5, 0, True), (5, None, False), (None, None, False)],
)
def test_an_ack_that_goes_back_is_log_loss(acknowledged: int | None, offset: int | None, expected: bool) -> None:
    assert is_log_loss(acknowledged, offset) is expected


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], []),
        ([Sending(UNSENT), Sending(UNSENT)], [0, 1]),
        ([Sending(SENT), Sending(UNSENT)], [1]),
        ([Sending(SENT), Sending(SENT, due=True), Sending(UNSENT)], [0, 1, 2]),
        ([Sending(SENT, due=True, unread=True), Sending(SENT, due=True), Sending(UNSENT)], [2]),
        ([Sending(SENT, due=True), Sending(SENT, due=True, unread=True)], [0, 1]),
        ([Sending(ROUTED), Sending(ROUTED, due=True), Sending(ROUTED, due=True, unread=True)], [1]),
        ([Sending(ROUTED, due=True), Sending(SENT), Sending(SENT)], [0]),
        ([Sending(SETTLED, due=True), Sending(SENT, due=True), Sending(SENT)], [1, 2]),
        ([Sending(SENT, due=True), Sending(ROUTED), Sending(SENT)], [0, 2]),
    ],
)
def test_the_unrouted_tail_goes_whole_or_not_at_all(rows: list[Sending], expected: list[int]) -> None:
    assert to_send(rows) == expected


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], []),
        ([Sending(UNSENT), Sending(UNSENT)], [0, 1]),
        ([Sending(SENT), Sending(SENT)], []),
        ([Sending(SENT), Sending(SENT, due=True), Sending(SENT), Sending(UNSENT)], [1, 2, 3]),
        ([Sending(SENT, due=True), Sending(SENT, unread=True)], [0, 1]),
        ([Sending(SENT, due=True, unread=True), Sending(SENT, due=True), Sending(SENT)], [1, 2]),
        ([Sending(SENT, due=True, unread=True), Sending(UNSENT), Sending(SENT)], [1]),
        ([Sending(SENT, due=True), Sending(SETTLED, due=True), Sending(SENT)], [0, 2]),
    ],
)
def test_hops_go_again_from_the_first_that_is_due_and_read(rows: list[Sending], expected: list[int]) -> None:
    assert hops_to_send(rows) == expected


# stamps

PLAIN = Stamp(status=4, custodian="000.03.21.H28", epoch=2, version=7)
OFFERED = Stamp(status=1, custodian="c", epoch=1, version=3, offer=Offer("o-1", "c", "t"))
WITHDRAWN = Stamp(status=7, custodian="", epoch=2, version=9)


@pytest.mark.parametrize(
    ("stamp", "text"),
    [
        (PLAIN, "4;000.03.21.H28;2;7;"),
        (OFFERED, "1;c;1;3;o-1,c,t"),
        (WITHDRAWN, "7;;2;9;"),
    ],
)
def test_a_stamp_travels_as_header_and_as_field(stamp: Stamp, text: str) -> None:
    assert stamp.to_text() == text
    assert Stamp.from_text(text) == stamp
    assert Stamp.from_dict(stamp.to_dict()) == stamp


@pytest.mark.parametrize(
    "text",
    [
        "",
        "4;c;2",
        "4;c;2;7;;",
        "x;c;2;7;",
        "4;c;-2;7;",
        "4;c;2;;",
        "4;c;2;7;o,c",
        "4;c;2;7;o,c,t,x",
        "4;c;2;7;,,",
        "4;c;²;7;",
        "4;c;2;٧;",
        "4;c;2;" + "9" * 5000 + ";",
    ],
)
def test_other_text_is_no_stamp(text: str) -> None:
    with pytest.raises(StampError):
        Stamp.from_text(text)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"status": 4, "custodian": "c", "epoch": 2},
        {"status": None, "custodian": "c", "epoch": 2, "version": 7},
        {"status": "x", "custodian": "c", "epoch": 2, "version": 7},
        {"status": 4, "custodian": "c", "epoch": 2, "version": 7, "offer": {"id": "o"}},
        {"status": 4, "custodian": "c", "epoch": 2, "version": 7, "offer": "o"},
    ],
)
def test_other_fields_are_no_stamp(fields: dict[str, object]) -> None:
    with pytest.raises(StampError):
        Stamp.from_dict(fields)


def test_the_highest_version_wins_in_any_order() -> None:
    older, newer = Stamp(status=1, custodian="c", epoch=1, version=3), PLAIN

    assert newest(None, None) is None
    assert newest(None, older) is newest(older, None) is older
    assert newest(older, newer) is newest(newer, older) is newer
    same = Stamp(status=9, custodian="x", epoch=5, version=7)
    assert newest(newer, same) is newer
