"""How a delivery goes on when its successor is known, and who may be one."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from contracts.directory import Directory
from contracts.levels import Level
from contracts.messages.registry import OrganChanged
from gateway.routing.rules import Choices, Leg, lead, route
from gateway.succession.rules import Moment, released, twin

ON = date(2025, 7, 1)
AT = Moment(datetime(2025, 7, 1, 8, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC))


def organ(code: str, level: Level = Level.COMMUNE, **fields: Any) -> OrganChanged:
    return OrganChanged(code=code, version=1, name=code, level=level, **fields)


DIRECTORY = Directory.from_organs(
    [
        organ("OLD", valid_to=ON, successors=["NEW.1", "NEW.2", "GONE"]),
        organ("OLDER", valid_to=ON, successors=["OLD"]),
        organ("NEW.1"),
        organ("NEW.2", suspended=True),
        organ("GONE", valid_to=ON, successors=["LAST"]),
        organ("LAST"),
        organ("DECIDED", valid_to=ON, successors=["NEW.1", "LAST"], default_successor="LAST"),
        organ("ALIVE"),
        organ("MIN.OLD", Level.CENTRAL, home="axis", valid_to=ON, successors=["MIN", "NEW.1"]),
        organ("MIN", Level.CENTRAL, home="axis"),
    ]
)


def delivery(id_: str, organ: str, **fields: Any) -> dict[str, Any]:
    row = dict.fromkeys(("handed_over_at", "channel_at", "due_at", "waiting"))
    texts = dict.fromkeys(("office", "code", "redirected_from", "channel_file", "channel_id"), "")
    return {**row, **texts, "id": id_, "transfer_id": "t", "organ": organ, "hopsequence": 0, "state": "open"} | fields


@pytest.mark.parametrize(
    ("closed", "successor", "expected"),
    [
        ("OLD", "NEW.1", ("NEW.1", None, "OLD")),
        ("old", "new.1", ("NEW.1", None, "OLD")),
        ("OLD", "NEW.2", ("NEW.2", "recipient.suspended", "OLD")),
        ("OLD", "GONE", ("LAST", None, "OLD")),
        ("OLD", "LAST", ("LAST", None, "OLD")),
        ("OLD", "ALIVE", None),
        ("OLD", "OLD", None),
        ("OLD", "X99", None),
        ("X99", "NEW.1", None),
        ("DECIDED", "NEW.1", ("NEW.1", None, "DECIDED")),
        ("ALIVE", "ALIVE", ("ALIVE", None, None)),
    ],
)
def test_who_may_receive_in_the_organs_place(closed: str, successor: str, expected: Any) -> None:
    leg = lead(closed, successor, ON, DIRECTORY)
    assert (leg and (leg.organ, leg.problem, leg.redirected_from)) == expected


def test_a_dossier_never_goes_to_the_axis() -> None:
    by_axis, by_office = lead("MIN.OLD", "MIN", ON, DIRECTORY), lead("MIN.OLD", "MIN", ON, DIRECTORY, offices_only=True)
    assert by_axis is not None
    assert (by_axis.via, by_axis.problem) == ("axis", None)
    assert by_office is not None
    assert by_office.problem == "recipient.unknown"


NEITHER = Choices()
CASES: list[tuple[str, Choices, str, str | None, str | None]] = [
    ("OLD", NEITHER, "OLD", "recipient.undecided", None),
    ("OLDER", NEITHER, "OLD", "recipient.undecided", "OLDER"),
    ("MIN.OLD", NEITHER, "MIN.OLD", "recipient.undecided", None),
    ("OLD", Choices(decided={"OLD": "NEW.1"}), "NEW.1", None, "OLD"),
    ("OLDER", Choices(decided={"OLD": "NEW.1"}), "NEW.1", None, "OLDER"),
    ("OLD", Choices(decided={"OLD": "NEW.2"}), "NEW.2", "recipient.suspended", "OLD"),
    ("OLD", Choices(decided={"OLD": "ALIVE"}), "OLD", "recipient.undecided", None),
    ("OLD", Choices(chosen={"OLD": "LAST"}, decided={"OLD": "NEW.1"}), "LAST", None, "OLD"),
    ("DECIDED", Choices(decided={"DECIDED": "NEW.1"}), "LAST", None, "DECIDED"),
    ("DECIDED", Choices(chosen={"DECIDED": "NEW.1"}), "NEW.1", None, "DECIDED"),
    ("DECIDED", Choices(waiting={"DECIDED"}), "DECIDED", "recipient.undecided", None),
    ("OLDER", Choices(waiting={"OLD"}, decided={"OLD": "NEW.1"}), "OLD", "recipient.undecided", "OLDER"),
    ("OLDER", Choices(waiting={"OLDER"}), "OLDER", "recipient.undecided", None),
    ("ALIVE", Choices(waiting={"ALIVE"}), "ALIVE", "recipient.undecided", None),
    ("NEW.1", Choices(waiting={"OLD"}), "NEW.1", None, None),
]


@pytest.mark.parametrize(("written", "choices", "organ", "problem", "before"), CASES)
def test_where_a_fact_goes(written: str, choices: Choices, organ: str, problem: str | None, before: str | None) -> None:
    [leg] = route("ALIVE", [written], ON, DIRECTORY, choices=choices).legs
    assert (leg.organ, leg.problem, leg.redirected_from) == (organ, problem, before)
    if problem == "recipient.undecided":
        assert leg.via == "office", "the way is not known before the choice"


def test_two_spellings_of_what_waits_wait_once() -> None:
    made = route("ALIVE", ["OLD", "old", "OLDER"], ON, DIRECTORY)
    assert [leg.organ for leg in made.undecided] == ["OLD"]


TO = Leg(written=("OLD",), organ="NEW.1", level=Level.COMMUNE, redirected_from="OLD")


@pytest.mark.parametrize(
    ("state", "waiting", "organ", "shared"),
    [
        ("open", None, "NEW.1", True),
        ("handed_over", None, "NEW.1", True),
        ("refused", None, "NEW.1", False),
        ("closed", None, "NEW.1", False),
        ("open", 2, "NEW.1", False),
        ("open", None, "LAST", False),
    ],
)
def test_only_a_delivery_that_reaches_the_successor_counts_as_its_twin(
    state: str, waiting: int | None, organ: str, shared: bool
) -> None:
    mine = delivery("a", "OLD", waiting=1)
    other = delivery("b", organ, state=state, waiting=waiting)
    assert (twin(TO, mine, [mine, other]) is not None) == shared


def test_it_gets_a_number_of_its_own_or_shares_the_hop_and_what_became_of_it() -> None:
    mine = delivery("a", "OLD", waiting=1)
    alone = released(TO, mine, shared=None, number=7, at=AT)
    assert (alone["id"], alone["organ"], alone["redirected_from"]) == ("a", "NEW.1", "OLD")
    assert (alone["office"], alone["hopsequence"], alone["state"], alone["due_at"]) == ("commune", 7, "open", None)
    other = delivery("b", "NEW.1", office="commune", hopsequence=3, state="handed_over", handed_over_at=AT.hub)
    both = released(TO, mine, shared=other, number=0, at=AT)
    assert (both["office"], both["hopsequence"], both["state"]) == ("commune", 3, "handed_over")
    assert both["handed_over_at"] == AT.hub


def test_for_the_axis_it_is_due_at_once_under_a_time_of_its_own() -> None:
    leg = Leg(written=("MIN.OLD",), organ="MIN", level=Level.CENTRAL, via="axis", redirected_from="MIN.OLD")
    row = released(leg, delivery("a", "MIN.OLD", waiting=1), shared=None, number=0, at=AT)
    assert (row["office"], row["channel_at"], row["due_at"]) == ("", AT.hub, AT.machine)
