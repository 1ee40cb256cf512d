"""The plan of a run comes from its seed alone, and holds what a run must do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import islice, takewhile

import pytest

from tests.chaos.plan import AXIS_FAULTS, DISKS, OFFICES, PARTS, PROGRAMS, TOGETHER, TOPICS, Fault, Form, plan

SEEDS = ("one", "two", "2026")
HOUR = 3600.0
ANSWERED_SECONDS = 9.0
"""To its moment and to the end of recovery, on a machine with two processors; a second instance takes longer."""
SECOND_SECONDS = 30.0

EVERYTHING = {
    *(f"kill {name}" for name in PARTS),
    *(f"freeze {name}" for name in PARTS),
    "outage kafka",
    "wipe kafka",
    "wipe kafka live",
    "second gateway",
    *(f"second office {level}" for level in OFFICES),
    *(f"axis {kind}" for kind in AXIS_FAULTS),
    *(f"full disk {name}" for name in DISKS),
    *(f"poison {topic}" for topic in TOPICS),
}
KNOWN = [
    (1, 11, "freeze postgres 7.8 s + kill province"),
    (2, 9, "second gateway"),
    (3, 18, "wipe kafka live"),
    (4, 16, "poison ingest.district"),
]


def groups(faults: Iterable[Fault]) -> Counter[str]:
    return Counter(part.group for fault in faults for part in fault.parts)


def seconds(fault: Fault) -> float:
    return max(part.seconds for part in fault.parts) + (
        SECOND_SECONDS if fault.kind.startswith("second") else ANSWERED_SECONDS
    )


def within(faults: Iterable[Fault], budget: float) -> list[Fault]:
    spent = 0.0

    def fits(fault: Fault) -> bool:
        nonlocal spent
        spent += seconds(fault)
        return spent < budget

    return list(takewhile(fits, faults))


@pytest.mark.parametrize("form", ["short", "campaign"])
def test_a_seed_repeats_its_plan_and_another_makes_another(form: Form) -> None:
    first = list(islice(plan("a", form=form), 200))
    assert list(islice(plan("a", form=form), 200)) == first
    assert list(islice(plan("b", form=form), 200)) != first


def test_a_plan_is_known_for_good() -> None:
    names = [(fault.number, fault.after, fault.name) for fault in islice(plan("known", form="campaign"), 4)]
    assert names == KNOWN


@pytest.mark.parametrize("seed", SEEDS)
def test_the_short_form_has_every_kind_and_target_once_and_little_rest(seed: str) -> None:
    faults = list(plan(seed, form="short"))
    assert groups(faults) == dict.fromkeys(EVERYTHING, 1)
    assert [fault.number for fault in faults] == list(range(1, len(faults) + 1))
    assert all(2 <= part.seconds <= 5 for fault in faults for part in fault.parts if part.kind == "freeze")
    assert sum(max(part.seconds for part in fault.parts) for fault in faults) < 75


@pytest.mark.parametrize("seed", SEEDS)
def test_a_campaign_opens_with_every_kind_in_five_minutes(seed: str) -> None:
    opening = within(plan(seed, form="campaign"), 400)
    kinds = {part.kind for fault in opening for part in fault.parts}
    assert kinds == {name.rpartition(" ")[0].removesuffix(" kafka") for name in EVERYTHING}
    assert {"kill gateway", "kill postgres", "kill kafka", "freeze postgres"} <= set(groups(opening))


@pytest.mark.parametrize("seed", SEEDS)
def test_an_hour_kills_each_program_twenty_times_and_does_everything(seed: str) -> None:
    counts = groups(within(plan(seed, form="campaign"), HOUR))
    assert min(counts[f"kill {name}"] for name in PROGRAMS) >= 20
    assert set(counts) == EVERYTHING


@pytest.mark.parametrize("seed", SEEDS)
def test_about_one_in_six_comes_with_another_that_touches_something_else(seed: str) -> None:
    faults = list(islice(plan(seed, form="campaign"), 1200))
    pairs = [fault for fault in faults if fault.beside]
    assert 1 / 8 < len(pairs) / len(faults) < 1 / 5
    for fault in pairs:
        assert fault.beside is not None
        assert fault.beside.beside is None
        assert fault.beside.target != fault.target
        assert fault.group == TOGETHER
        assert fault.name == f"{fault.alone} + {fault.beside.alone}"


def test_pauses_are_of_the_length_of_the_form() -> None:
    faults = list(islice(plan("long", form="campaign"), 600))[40:]
    spans = {"freeze": (5, 40), "outage": (60, 180), "kill": (0.5, 5)}
    for part in (part for fault in faults for part in fault.parts):
        low, high = spans.get(part.kind, (0, 70))
        assert low <= part.seconds <= high, part


@pytest.mark.parametrize(
    ("fault", "name", "group"),
    [
        (Fault(1, "kill", "gateway", 1.2, 5), "kill gateway", "kill gateway"),
        (Fault(1, "freeze", "postgres", 12, 5), "freeze postgres 12 s", "freeze postgres"),
        (Fault(1, "outage", "kafka", 90.5, 5), "outage kafka 90.5 s", "outage kafka"),
        (Fault(1, "wipe", "kafka live", 1, 5), "wipe kafka live", "wipe kafka live"),
        (Fault(1, "axis", "500", 0, 5), "axis 500", "axis 500"),
        (Fault(1, "axis", "hang", 8, 5), "axis hang 8 s", "axis hang"),
        (Fault(1, "poison", "ingest.commune", 0, 5), "poison ingest.commune", "poison ingest.commune"),
        (Fault(1, "full disk", "commune", 3, 5), "full disk commune", "full disk commune"),
        (Fault(1, "second office", "district", 1, 5), "second office district", "second office district"),
    ],
)
def test_names(fault: Fault, name: str, group: str) -> None:
    assert (fault.name, fault.group) == (name, group)
