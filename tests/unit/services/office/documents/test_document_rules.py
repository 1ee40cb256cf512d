"""How a document stands with its receivers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from contracts.problems import HubError
from contracts.statuses import DocumentStatus
from services.office.documents.rules import Parties, Step, addressees, current, standing, status_code

SENDER, RECEIVER, OTHER = "H28", "H28.01", "H28.02"
START = datetime(2024, 6, 3, 1, tzinfo=UTC)
AT_SENDER = Parties(holder=SENDER, sender=SENDER, received=False, recipients=(RECEIVER, OTHER))
AT_RECEIVER = Parties(holder=RECEIVER, sender=SENDER, received=True, recipients=())
AT_BOTH = Parties(holder=SENDER, sender=SENDER, received=True, recipients=(SENDER,))
TAKE_BACK = DocumentStatus.TAKE_BACK


def step(code: str, minute: int = 0, *, organ: str = RECEIVER, targets: tuple[str, ...] = ()) -> Step:
    return Step(
        transfer=f"{organ}/{code}/{minute}",
        organ=organ,
        code=DocumentStatus(code),
        at=START + timedelta(minutes=minute),
        targets=targets,
    )


def take_back(minute: int = 0, *targets: str) -> Step:
    return step("13", minute, organ=SENDER, targets=targets or (RECEIVER,))


def codes(*steps: Step) -> tuple[str | None, str | None]:
    stands = standing(steps, RECEIVER)
    return (
        stands.handling.code.value if stands.handling else None,
        stands.recall.code.value if stands.recall else None,
    )


@pytest.mark.parametrize(
    ("told", "handling"),
    [
        (["01"], "01"),
        (["01", "03", "04", "05", "06"], "06"),
        (["03", "01"], "03"),
        (["06", "03", "05"], "06"),
        (["05", "04"], "04"),
        (["04", "05"], "05"),
        (["01", "02"], "02"),
        (["02", "03"], "02"),
        (["06"], "06"),
    ],
)
def test_a_lower_code_that_comes_later_is_history(told: list[str], handling: str) -> None:
    assert codes(*(step(code, minute) for minute, code in enumerate(told))) == (handling, None)


def test_the_order_of_arrival_does_not_matter_when_times_differ() -> None:
    told = [step("01", 0), step("03", 1), step("04", 2), step("05", 3), step("04", 4)]
    assert {codes(*order) for order in permutations(told)} == {("04", None)}


def test_arrival_decides_between_equal_times() -> None:
    assert codes(step("04", 1), step("05", 1)) == ("05", None)
    assert codes(step("05", 1), step("04", 1)) == ("04", None)


def test_a_recall_is_a_state_beside_the_handling() -> None:
    assert codes(step("03", 1), take_back(2)) == ("03", "13")
    assert codes(step("03", 1), take_back(2), step("16", 3)) == ("03", "16")
    assert codes(step("03", 1), take_back(2), step("15", 3)) == ("03", "15")
    assert codes(step("16", 3), take_back(2)) == (None, "16")


def test_a_recall_after_completion_or_of_somebody_else_does_not_count() -> None:
    assert codes(step("06", 1), take_back(2)) == ("06", None)
    assert codes(step("03", 1), take_back(2, OTHER)) == ("03", None)


def test_only_the_newest_steps_are_current() -> None:
    told = [step("03", 0), step("01", 1), take_back(2, RECEIVER, OTHER), step("16", 3), step("01", 4, organ=OTHER)]
    assert current(told) == {told[0].transfer, told[2].transfer, told[3].transfer, told[4].transfer}
    assert current(told[:2]) == {told[0].transfer}
    assert current([]) == set()


def test_an_answer_goes_to_the_sender_and_its_repeat_to_nobody() -> None:
    assert addressees(AT_RECEIVER, [], DocumentStatus.ARRIVED, None) == (SENDER,)
    assert addressees(AT_RECEIVER, [step("03")], DocumentStatus.ACCEPTED, None) == ()
    assert addressees(AT_RECEIVER, [step("03")], DocumentStatus.ARRIVED, None) == (SENDER,)
    assert addressees(AT_RECEIVER, [step("03", organ=OTHER)], DocumentStatus.ACCEPTED, None) == (SENDER,)


def test_a_recall_or_update_is_answered_once() -> None:
    agreed = DocumentStatus.CHANGE_AGREED
    assert addressees(AT_RECEIVER, [step("03")], agreed, None, asked=["t"]) == (SENDER,)
    assert addressees(AT_RECEIVER, [step("15")], agreed, None) == ()
    assert addressees(AT_RECEIVER, [step("15")], agreed, None, asked=["t"]) == (SENDER,)
    for told, code in (([], agreed), ([step("15")], DocumentStatus.CHANGE_REFUSED)):
        with pytest.raises(HubError) as caught:
            addressees(AT_RECEIVER, told, code, None)
        assert (caught.value.code, caught.value.pointer) == ("request.conflict", "/code")


def test_take_back_goes_to_the_recipients_not_asked_yet() -> None:
    assert addressees(AT_SENDER, [], TAKE_BACK, None) == (RECEIVER, OTHER)
    assert addressees(AT_SENDER, [], TAKE_BACK, [OTHER, OTHER]) == (OTHER,)
    assert addressees(AT_SENDER, [take_back()], TAKE_BACK, None) == (OTHER,)
    assert addressees(AT_SENDER, [take_back(0, RECEIVER, OTHER)], TAKE_BACK, None) == ()
    assert addressees(AT_SENDER, [take_back(), step("16", 1)], TAKE_BACK, [RECEIVER]) == (RECEIVER,)


@pytest.mark.parametrize(
    ("parties", "code"),
    [(AT_RECEIVER, "13"), *((AT_SENDER, code) for code in ("01", "02", "03", "04", "05", "06", "15", "16"))],
)
def test_refuses_a_code_from_the_wrong_side(parties: Parties, code: str) -> None:
    with pytest.raises(HubError) as caught:
        addressees(parties, [], DocumentStatus(code), None)
    assert (caught.value.code, caught.value.pointer) == ("document.unknown", "/code")


def test_an_organ_may_be_sender_and_recipient() -> None:
    assert addressees(AT_BOTH, [], DocumentStatus.ARRIVED, None) == (SENDER,)
    assert addressees(AT_BOTH, [], TAKE_BACK, None) == (SENDER,)


@pytest.mark.parametrize("text", ["07", "14", "103", "3", "", "đã đến"])
def test_refuses_a_code_nobody_knows(text: str) -> None:
    with pytest.raises(HubError) as caught:
        status_code(text, "/code")
    assert (caught.value.code, caught.value.pointer) == ("document.status_unknown", "/code")
    assert not text or text not in caught.value.detail


def test_every_known_code_is_taken() -> None:
    assert [status_code(code.value, "") for code in DocumentStatus] == list(DocumentStatus)
