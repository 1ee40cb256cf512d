"""What recalls and updates make of a document at one receiver, and whom a document is with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations

from contracts.statuses import DocumentStatus
from services.office.documents.course import Change, Kind, Reached, course, may_be_recalled, newest_update, receivers
from services.office.documents.rules import Step, by_receiver

SENDER, RECEIVER, OTHER, THIRD = "H28", "H28.01", "H28.02", "H28.03"
START = datetime(2024, 6, 3, 1, tzinfo=UTC)


def at(minute: int) -> datetime:
    return START + timedelta(minutes=minute)


def recall(name: str, minute: int, *organs: str) -> Change:
    return Change(transfer=name, kind=Kind.RECALL, at=at(minute), organs=organs or (RECEIVER,))


def update(
    name: str,
    minute: int,
    organs: tuple[str, ...] = (RECEIVER,),
    *,
    added: tuple[str, ...] = (),
    removed: tuple[str, ...] = (),
) -> Change:
    return Change(transfer=name, kind=Kind.UPDATE, at=at(minute), organs=organs, added=added, removed=removed)


def step(code: str, minute: int, *answers: str, organ: str = RECEIVER, targets: tuple[str, ...] = ()) -> Step:
    return Step(
        transfer=f"{organ}/{code}/{minute}",
        organ=organ,
        code=DocumentStatus(code),
        at=at(minute),
        targets=targets,
        answers=answers,
    )


def test_nothing_asked_is_nothing_open() -> None:
    found = course([], [step("03", 1)], RECEIVER)
    assert (found.open, found.recalled, found.version) == ((), False, None)


def test_a_recall_is_open_until_it_is_answered() -> None:
    asked = [recall("r", 1)]
    assert course(asked, [step("03", 2)], RECEIVER).open == ("r",)
    agreed = course(asked, [step("15", 2, "r")], RECEIVER)
    assert (agreed.open, agreed.recalled, agreed.answers["r"].code) == ((), True, "15")
    declined = course(asked, [step("16", 2, "r")], RECEIVER)
    assert (declined.open, declined.recalled) == ((), False)


def test_an_answer_to_another_change_or_of_another_organ_leaves_it_open() -> None:
    asked = [recall("r", 1, RECEIVER, OTHER)]
    assert course(asked, [step("15", 2, "x"), step("15", 3, "r", organ=OTHER)], RECEIVER).open == ("r",)
    assert course(asked, [], THIRD).open == ()


def test_the_first_answer_to_a_change_counts() -> None:
    told = [step("16", 2, "r"), step("15", 3, "r")]
    assert course([recall("r", 1)], told, RECEIVER).recalled is False


def test_the_newest_update_agreed_to_is_in_force() -> None:
    one, two, three = update("1", 1), update("2", 2), update("3", 3)
    both = course([one, two, three], [step("15", 4, "1", "2"), step("16", 5, "3")], RECEIVER)
    assert (both.version, both.open) == (two, ())
    first = course([one, two], [step("15", 4, "1")], RECEIVER)
    assert (first.version, first.open) == (one, ("2",))


def test_who_is_added_has_it_at_once_and_begins_anew() -> None:
    gone = [recall("r", 1), update("u", 3, (OTHER,), added=(RECEIVER,))]
    back = course(gone, [step("15", 2, "r")], RECEIVER)
    assert (back.recalled, back.open, back.version) == (False, (), gone[1])
    assert course([recall("r", 1), gone[1]], [], RECEIVER).open == ()


def test_a_take_back_is_a_recall_unless_the_receiver_was_done() -> None:
    asked = step("13", 2, organ=SENDER, targets=(RECEIVER,))
    assert course([], [asked], RECEIVER).open == (asked.transfer,)
    assert course([], [asked], OTHER).open == ()
    assert course([], [asked, step("15", 3, asked.transfer)], RECEIVER).recalled
    assert course([], [step("06", 1), asked], RECEIVER).open == ()


def test_the_order_of_arrival_of_answers_does_not_matter() -> None:
    changes = [recall("r", 1), update("u", 2)]
    told = [step("16", 3, "r"), step("15", 4, "u"), step("01", 5), step("03", 6)]
    for order in permutations(told):
        found = course(changes, order, RECEIVER)
        assert (found.open, found.recalled, found.version) == ((), False, changes[1])


def test_updates_change_whom_the_document_is_with() -> None:
    changes = [
        update("u", 1, (RECEIVER,), added=(THIRD,), removed=(OTHER,)),
        recall("r", 2, OTHER),
        update("v", 3, (RECEIVER, THIRD), added=(OTHER, "H99")),
    ]
    assert receivers((RECEIVER, OTHER), changes, {}) == (RECEIVER, THIRD, OTHER, "H99")
    told = {"v": [Reached(RECEIVER, "open"), Reached("H28.9", "handed_over"), Reached("H99", "refused")]}
    assert receivers((RECEIVER, OTHER), changes, told) == (RECEIVER, THIRD, "H28.9")


def test_the_sender_means_its_newest_update() -> None:
    one, two = update("1", 1), update("2", 2)
    assert newest_update([one, two, recall("r", 3)]) == two
    assert newest_update([recall("r", 3)]) is None


def test_only_what_was_asked_back_and_agreed_to_may_be_recalled() -> None:
    agreed = step("15", 2, "x")
    assert not may_be_recalled([update("u", 1)], [agreed])
    assert not may_be_recalled([recall("r", 1)], [step("16", 2, "r")])
    assert may_be_recalled([recall("r", 1)], [agreed])
    assert may_be_recalled([], [step("13", 1, organ=SENDER, targets=(RECEIVER,)), agreed])


def test_steps_are_sorted_by_who_they_concern() -> None:
    asked = step("13", 1, organ=SENDER, targets=(RECEIVER, OTHER))
    own = step("15", 2, asked.transfer)
    assert by_receiver([asked, own]) == {RECEIVER: [asked, own], OTHER: [asked]}
