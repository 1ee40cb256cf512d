"""States of a transfer from its deliveries, whatever order reports come in."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from contracts.protocol import Verdict
from services.office.doors import Answer
from services.office.transfers import rules
from services.office.transfers.rules import Report, Transfer

NOW = datetime(2024, 6, 3, 1, 0, tzinfo=UTC)


def report(state: str, organ: str = "A", **fields: object) -> Report:
    return Report(transfer="t", organ=organ, state=state, **fields)  # type: ignore[arg-type]


def transfer(state: str, *states: str, **fields: object) -> Transfer:
    deliveries = tuple(report(each, organ=str(place)) for place, each in enumerate(states))
    return Transfer(
        id="t", holder="H", source="s", type="dossier.submitted", subject="c", sender="H", role="sender", state=state,
        accepted_at=NOW, deliveries=deliveries, **fields,  # type: ignore[arg-type]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("state", "states", "shown"),
    [
        ("accepted", (), "accepted"),
        ("accepted", ("handed_over",), "routed"),
        ("routed", (), "handed_over"),
        ("routed", ("open", "handed_over"), "routed"),
        ("routed", ("handed_over", "handed_over"), "handed_over"),
        ("routed", ("handed_over", "refused"), "partly"),
        ("routed", ("closed",), "closed"),
        ("refused", (), "refused"),
    ],
)
def test_state_follows_from_the_deliveries(state: str, states: tuple[str, ...], shown: str) -> None:
    assert transfer(state, *states).shown_state == shown


def test_settled_only_when_the_whole_route_is_known_and_final() -> None:
    assert transfer("routed", "handed_over", "closed").settled
    assert not transfer("routed", "open").settled
    assert not transfer("accepted", "handed_over").settled
    assert not transfer("refused").settled


def test_merging_does_not_depend_on_order() -> None:
    reports = [
        report("open", delivery="d"),
        report("handed_over", handed_over_at=NOW),
        report("open", expired_at=NOW),
        report("closed", code="delivery.closed"),
    ]

    merged = {tuple(rules.merge(order)) for order in permutations(reports)}

    assert len(merged) == 1
    ((one,),) = merged
    assert (one.state, one.delivery, one.handed_over_at, one.expired_at) == ("handed_over", "d", NOW, NOW)


def test_what_is_told_again_changes_nothing_that_was_known() -> None:
    known = report("handed_over", handed_over_at=NOW, delivery="d", code="x")

    again = rules.later(known, report("handed_over", handed_over_at=NOW + timedelta(hours=1)))

    assert again == known
    assert rules.later(known, report("open", expired_at=NOW)) == replace(known, expired_at=NOW)


def test_a_closed_organ_gives_up_its_place_to_every_successor_told() -> None:
    """Two closed organs may lead to one successor; in whatever order word comes, nothing of them is open again."""
    reports = [
        report("open"),
        replace(report("open"), organ="OLD", redirected_from="FIRST"),
        replace(report("open"), organ="NEW", redirected_from="FIRST"),
        replace(report("handed_over"), organ="NEW", redirected_from="SECOND"),
        replace(report("open"), organ="FIRST"),
        replace(report("open"), organ="SECOND"),
    ]

    merged = {tuple(rules.merge([*order, *rules.vacated(order)])) for order in permutations(reports)}

    states = {tuple((one.organ, one.state) for one in each) for each in merged}
    (only,) = states
    assert dict(only) == {
        report("open").organ: "open",
        "OLD": "open",
        "NEW": "handed_over",
        "FIRST": rules.REDIRECTED,
        "SECOND": rules.REDIRECTED,
    }


def test_shape_shows_local_time_answers_and_verdict() -> None:
    told = Answer(transfer="t", holder="H", organ="0", answer="x", code="03", at=NOW)
    verdict = rules.describe(Verdict(step="custody", code="custody.stale", pointer="/epoch"))

    shown = rules.shape(transfer("routed", "handed_over", answers=(told,), verdict=verdict))

    assert shown["type"] == "vn.lienthong.dossier.submitted"
    assert shown["accepted_at"] == "2024-06-03T08:00:00.000+07:00"
    assert shown["deliveries"][0]["answers"] == [{"code": "03", "at": "2024-06-03T08:00:00.000+07:00"}]
    assert shown["verdict"]["remedy"]["en"]


def test_verdict_of_a_later_release_is_shown_without_remedy() -> None:
    assert rules.describe(Verdict(step="s", code="code.of.tomorrow")) == {"step": "s", "code": "code.of.tomorrow"}
