"""The checker can fail: each planted fault is found under its own name, and a sound run has none."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.chaos.checker import judge
from tests.chaos.evidence import Evidence, Unnamed
from tests.chaos.planted import CODE, COMMUNE, PLANTED, sound


def test_a_sound_run_has_no_findings() -> None:
    report = judge(sound())
    assert report.sound, report.details()
    assert report.line("mini chaos", 7) == (
        "mini chaos: 7 faults, 10 accepted, lost 0, double 0, disorder 0, custody 0, changed 0"
    )


@pytest.mark.parametrize(("plant", "kinds"), PLANTED, ids=lambda each: getattr(each, "__name__", None))
def test_a_planted_fault_is_found(plant: Callable[[Evidence], None], kinds: set[str]) -> None:
    seen = sound()
    plant(seen)
    report = judge(seen)
    assert {kind for kind, found in report.findings.items() if found} == kinds, report.details()


def test_an_own_step_may_stand_before_a_delivered_one_it_was_built_on() -> None:
    seen = sound()
    seen.histories[CODE] = ("submitted", "taken", "offered", "completed")
    assert judge(seen).sound, judge(seen).details()


def test_an_act_whose_answer_was_lost_may_have_taken_effect_once() -> None:
    seen = sound()
    taken = seen.inboxes[COMMUNE][0]
    seen.facts = [each for each in seen.facts if each.transfer != "taken"]
    assert not judge(seen).sound
    seen.unnamed.append(Unnamed(taken.subject, taken.type, taken.sender))
    assert judge(seen).sound, judge(seen).details()
