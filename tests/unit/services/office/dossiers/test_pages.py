"""What a filter says of a dossier as it is shown."""

from dataclasses import replace
from datetime import timedelta

import pytest

from contracts.protocol import Stamp
from services.office.dossiers.pages import Filter
from services.office.dossiers.rules import View, is_overdue
from tests.unit.services.office.dossiers.test_rules import NOW, entry, own, shown

HOUR = timedelta(hours=1)


def due(hours: int | None, *, status: int = 1, refused: bool = False, action: str | None = None) -> View:
    held = own().after(Stamp(status=status, custodian="H28.1", epoch=1, version=1))
    held = replace(held, due_at=None if hours is None else NOW + hours * HOUR, refused=refused)
    return shown(held, *([entry(action, epoch=1)] if action else []))


@pytest.mark.parametrize(
    ("view", "overdue"),
    [
        (due(None), False),
        (due(1), False),
        (due(0), False),
        (due(-1), True),
        (due(-1, status=9), True),
        (due(-1, status=3), False),
        (due(-1, status=7), False),
        (due(-1, status=10), False),
        (due(-1, refused=True), False),
        (due(-1, action="refuse"), False),
        (due(-1, action="accept"), True),
    ],
)
def test_overdue_by_the_clock_and_the_status_shown(view: View, overdue: bool) -> None:
    assert is_overdue(view, NOW) is overdue
    assert Filter(now=NOW, overdue=True).fits(view) is overdue
    assert Filter(now=NOW, overdue=False).fits(view) is not overdue
    assert Filter(now=NOW).fits(view)


def test_status_is_the_one_shown() -> None:
    view = due(None, action="accept")

    assert Filter(now=NOW, statuses=frozenset({2, 5})).fits(view)
    assert not Filter(now=NOW, statuses=frozenset({1})).fits(view)


def test_statuses_an_overdue_dossier_can_have() -> None:
    assert Filter(now=NOW).possible is None
    assert Filter(now=NOW, overdue=False).possible is None
    assert Filter(now=NOW, statuses=frozenset({3, 4})).possible == {3, 4}
    assert Filter(now=NOW, statuses=frozenset({3, 4}), overdue=True).possible == {4}
    assert Filter(now=NOW, overdue=True).possible == {1, 2, 4, 5, 6, 8, 9}
