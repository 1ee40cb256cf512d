"""One leg an organ, the right way to each, and nobody lost between hops, axis, undecided and refused."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.directory import Directory
from contracts.identifiers import organ_key
from contracts.levels import Level
from contracts.messages.registry import Alias, OrganChanged
from gateway.routing.rules import Leg, route

ON = date(2025, 7, 1)


def organ(code: str, level: Level = Level.COMMUNE, **fields: object) -> OrganChanged:
    return OrganChanged.model_validate({"code": code, "version": 1, "name": code, "level": level, **fields})


DIRECTORY = Directory.from_organs(
    [
        organ("000.01.21.H28", aliases=[Alias(code="H28.21.01")]),
        organ("000.02.21.H28", valid_to=ON, successors=["000.01.21.H28"]),
        organ("000.03.21.H28", valid_to=ON, successors=["000.01.21.H28", "H28.D1"]),
        organ("000.04.21.H28", suspended=True),
        organ("H28.D1", Level.DISTRICT),
        organ("H28.P1", Level.PROVINCE),
        organ("H28.V1", Level.PROVINCE, home="vxp"),
        organ("G22", Level.CENTRAL, home="axis"),
        organ("G09", Level.CENTRAL),
    ]
)


def test_groups_recipients_into_one_hop_a_level() -> None:
    made = route("h28.p1", ["000.01.21.H28", "H28.D1", "H28.P1"], ON, DIRECTORY)
    assert made.sender == "H28.P1"
    assert [(hop.level, hop.recipients) for hop in made.hops] == [
        (Level.PROVINCE, ("H28.P1",)),
        (Level.DISTRICT, ("H28.D1",)),
        (Level.COMMUNE, ("000.01.21.H28",)),
    ]
    assert made.axis == made.refused == made.undecided == ()


def test_two_spellings_and_a_closed_code_of_one_organ_are_one_delivery() -> None:
    made = route("H28.P1", [" h28.21.01", "000.01.21.h28", "000.02.21.H28"], ON, DIRECTORY)
    assert made.legs == (
        Leg(
            written=(" h28.21.01", "000.01.21.h28", "000.02.21.H28"),
            organ="000.01.21.H28",
            level=Level.COMMUNE,
            redirected_from="000.02.21.H28",
        ),
    )


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("X99", "recipient.unknown"),
        ("000.04.21.H28", "recipient.suspended"),
        ("H28.V1", "recipient.suspended"),
    ],
)
def test_refuses_one_recipient_and_serves_the_others(written: str, problem: str) -> None:
    made = route("H28.P1", [written, "H28.D1"], ON, DIRECTORY)
    assert [(leg.written, leg.problem) for leg in made.refused] == [((written,), problem)]
    assert [hop.recipients for hop in made.hops] == [("H28.D1",)]


def test_unknown_code_written_twice_is_refused_once() -> None:
    made = route("H28.P1", ["X99", "x99 "], ON, DIRECTORY)
    assert made.legs == (Leg(written=("X99", "x99 "), organ="X99", problem="recipient.unknown"),)


def test_undecided_recipient_waits_for_a_person() -> None:
    made = route("H28.P1", ["000.03.21.H28"], ON, DIRECTORY)
    assert [leg.organ for leg in made.undecided] == ["000.03.21.H28"]
    assert not made.refused
    assert not made.hops


def test_central_organs_are_reached_over_the_axis() -> None:
    made = route("H28.P1", ["G22", "G09"], ON, DIRECTORY)
    assert [leg.organ for leg in made.axis] == ["G22", "G09"]
    assert made.hops == ()


def test_dossier_ignores_the_home_of_an_organ() -> None:
    made = route("H28.P1", ["H28.V1", "G22"], ON, DIRECTORY, offices_only=True)
    assert [hop.recipients for hop in made.hops] == [("H28.V1",)]
    assert [(leg.organ, leg.problem) for leg in made.refused] == [("G22", "recipient.unknown")]


def test_day_decides_whether_the_successor_receives() -> None:
    made = route("H28.P1", ["000.02.21.H28"], date(2025, 6, 30), DIRECTORY)
    assert [(leg.organ, leg.redirected_from) for leg in made.legs] == [("000.02.21.H28", None)]


KNOWN = ["000.01.21.H28", "H28.21.01", "h28.21.01", "H28.D1", "H28.P1", "G22", "g22"]
TROUBLED = ["000.02.21.H28", "000.03.21.H28", "000.04.21.H28", "H28.V1", "X99", "x99"]
WRITTEN = st.lists(st.sampled_from([*KNOWN, *TROUBLED]), max_size=30)


@given(WRITTEN, st.booleans())
def test_every_spelling_is_on_exactly_one_leg_and_every_leg_in_exactly_one_group(
    written: list[str], offices_only: bool
) -> None:
    made = route("H28.P1", written, ON, DIRECTORY, offices_only=offices_only)
    assert sorted(code for leg in made.legs for code in leg.written) == sorted(set(written))
    assert len({organ_key(leg.organ) for leg in made.legs}) == len(made.legs)
    grouped = [leg for hop in made.hops for leg in hop.legs] + list(made.axis + made.undecided + made.refused)
    assert len(grouped) == len(made.legs)
    assert set(grouped) == set(made.legs)
    assert made == route("H28.P1", written, ON, DIRECTORY, offices_only=offices_only)
