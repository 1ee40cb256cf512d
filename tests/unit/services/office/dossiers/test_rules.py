"""What an organ is shown of a dossier, what it may do, and what facts make of its row."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from contracts.custody import Custody, Move
from contracts.envelope import MAX_VALUE_BYTES, Envelope
from contracts.problems import HubError
from contracts.protocol import Offer, Stamp
from services.office.dossiers import rules
from services.office.dossiers.rules import PENDING, REFUSED, Entry, Held, View

NOW = datetime(2024, 6, 3, 1, 0, tzinfo=UTC)
CODE = "H28.1-20240603-0000001"
A, B, C = "H28.1", "H28.2", "H28.3"
PAPER = {"sha256": "a" * 64, "name": "x", "media_type": "application/pdf", "size": 1}


def submitted(**fields: Any) -> dict[str, Any]:
    applicant = {"kind": "citizen", "name": "Nguyễn Văn Mẫu"}
    return {"code": CODE, "procedure": "1.001612", "receiving_organ": A, "applicant": applicant} | fields


def own(decider: str = "") -> Held:
    payload = submitted()
    return rules.first(A, CODE, decider=decider, value=orjson.dumps(payload), payload=payload, now=NOW)


def entry(action: str, *, actor: str = A, state: str = PENDING, **fields: Any) -> Entry:
    given: dict[str, Any] = {"type": "dossier.submitted" if action == "submit" else rules.message_of(action)}
    given |= {"transfer": action, "action": action, "actor": actor, "status": 1, "at": NOW, "state": state}
    return Entry(**given | fields)


def shown(held: Held, *history: Entry) -> View:
    return rules.view(held, history)


def step(view: View, action: str, **fields: Any) -> Move:
    return rules.bind(view, Move(action=action, actor=view.held.holder, **fields))


def envelope(kind: str, *, sender: str = B, stamp: Stamp | None = None) -> Envelope:
    return Envelope(
        id=kind, source="s", type=kind, subject=CODE, time=NOW, sender=sender,
        stamp=stamp or Stamp(status=1, custodian=B, epoch=1, version=1),
    )  # fmt: skip


def refusal(view: View, move: Move) -> str:
    with pytest.raises(HubError) as caught:
        rules.plan(view, move)
    return caught.value.code


def test_own_submission_is_held_before_any_stamp() -> None:
    view = shown(own(B), entry("submit"))

    assert (view.stamp.version, view.stamp.status, view.custody) == (0, 1, Custody.HELD)
    assert rules.audience(view.dossier, step(view, "accept")) == (B,)


def test_own_facts_on_their_way_show_in_order() -> None:
    view = shown(own(), entry("submit"), entry("accept", epoch=1), entry("assign", epoch=1))

    assert view.stamp.status == 4
    after = rules.plan(view, step(view, "stop"))
    assert after is not None
    assert after.stamp.status == 8


def test_refused_fact_shows_no_effect() -> None:
    view = shown(own(), entry("accept", epoch=1, state=REFUSED, refusal="custody.stale"))

    assert view.stamp.status == 1


def test_repeat_changes_nothing() -> None:
    view = shown(own(), entry("accept", epoch=1))

    assert rules.plan(view, step(view, "accept")) is None


def test_repeat_of_completing_is_known_after_custody_left() -> None:
    stamp = Stamp(status=9, custodian=A, epoch=3, version=5)
    held = replace(own(), holder=B, stamp=stamp, parties=(A, B))
    done = entry("complete", actor=B, state="routed")

    assert rules.plan(shown(held, done), Move(action="complete", actor=B)) is None
    assert refusal(shown(held), Move(action="complete", actor=B, epoch=3)) == "custody.not_custodian"


def test_taking_blocks_every_act() -> None:
    held = replace(own(), holder=B, stamp=Stamp(status=1, custodian=A, epoch=1, version=2, offer=Offer("o", A, B)))
    view = shown(held, entry("accept_custody", actor=B, offer="o"))

    assert view.custody is Custody.TAKING
    assert refusal(view, Move(action="assign", actor=B, epoch=1)) == "custody.taking"


def test_submission_that_was_refused_allows_nothing() -> None:
    held = rules.take_word(own(), stamp=None, submit_refused=True)

    assert held.refused
    assert shown(held).custody is Custody.NONE
    assert refusal(shown(held), Move(action="accept", actor=A, epoch=1)) == "dossier.unknown"


def test_stamp_of_a_refused_resubmission_wins() -> None:
    known = Stamp(status=4, custodian=B, epoch=2, version=7)

    held = rules.take_word(own(), stamp=known, submit_refused=True)

    assert not held.refused
    assert held.stamp == known
    assert held.parties == (A, B)


def test_accepting_again_is_known_only_while_it_holds() -> None:
    mine = Stamp(status=1, custodian=B, epoch=2, version=3)
    held = replace(own(), holder=B, stamp=mine)
    taken = entry("accept_custody", actor=B, state="routed")

    assert rules.has_taken(shown(held, taken))
    assert not rules.has_taken(shown(held))
    assert not rules.has_taken(shown(replace(held, stamp=replace(mine, custodian=C)), taken))


def test_delivered_submission_makes_the_deciding_organs_row() -> None:
    payload = submitted(receiving_organ=B, deciding_organ="h28.1", attachments=[PAPER])

    held, steps = rules.receive(None, A, envelope("dossier.submitted"), payload, decider="")

    assert (held.holder, held.receiver, held.decider, held.parties) == (A, B, A, (B, A))
    assert [each.action for each in steps] == ["submit"]
    assert [each["sha256"] for each in rules.attachments(held, steps)] == [PAPER["sha256"]]


def test_act_on_an_unknown_dossier_is_refused() -> None:
    with pytest.raises(HubError, match="not known"):
        rules.receive(None, A, envelope("dossier.withdrawn"), {"code": CODE}, decider="")


def test_transferred_brings_all_an_organ_new_to_it_must_know() -> None:
    view = shown(
        replace(own(C), parties=(A, C)),
        entry("submit", state="routed"),
        entry("accept", state=REFUSED),
        entry("request_supplement", state="routed", papers=orjson.dumps({"attachments": [PAPER]})),
        entry("complete", state="routed", papers=orjson.dumps({"result": {"number": "7"}})),
    )
    payload = rules.with_snapshot({"code": CODE, "offer": "o", "to": B}, view)

    held, steps = rules.receive(None, B, envelope("dossier.transferred", sender=A), payload, decider=C)

    assert [each.action for each in steps] == ["submit", "request_supplement", "complete", "transfer"]
    assert (held.receiver, held.decider, held.parties) == (A, C, (A, C, B))
    assert [each["sha256"] for each in rules.attachments(held, steps)] == [PAPER["sha256"]]
    assert rules.result(held, steps) == {"number": "7"}
    assert rules.digests(payload) == {PAPER["sha256"]}


def test_very_long_history_is_cut_to_what_fits() -> None:
    steps = [entry("assign", state="routed", reason="ơ" * 900, transfer=str(number)) for number in range(400)]

    payload = rules.with_snapshot({"code": CODE}, shown(own(), *steps))

    history = payload["snapshot"]["history"]
    assert len(orjson.dumps(payload)) <= MAX_VALUE_BYTES
    assert 50 < len(history) < 400
    assert history[-1]["transfer"] == "399"


def test_newer_stamp_moves_the_row_and_older_does_not() -> None:
    held, _ = rules.receive(None, A, envelope("dossier.submitted"), submitted(), decider="")
    newer = Stamp(status=4, custodian=C, epoch=2, version=9)

    moved, _ = rules.receive(held, A, envelope("dossier.paid", stamp=newer), {"code": CODE}, decider="")
    stayed, _ = rules.receive(moved, A, envelope("dossier.paid"), {"code": CODE}, decider="")

    assert stayed.stamp == newer
    assert C in stayed.parties


def test_a_refused_act_is_told_the_status_and_what_is_open_instead() -> None:
    new = shown(replace(own(), stamp=Stamp(status=1, custodian=A, epoch=1, version=1)))
    with pytest.raises(HubError) as caught:
        rules.plan(new, step(new, "complete"))
    assert caught.value.code == "status.not_allowed"
    assert caught.value.detail == "the status is 1, registered; this organ may now: accept, refuse, withdraw"
    ended = shown(replace(own(), stamp=Stamp(status=10, custodian=A, epoch=1, version=9)))
    with pytest.raises(HubError, match="result returned; this organ may now: nothing"):
        rules.plan(ended, step(ended, "assign"))


def test_what_is_told_to_be_open_is_what_the_rules_take() -> None:
    for status in range(1, 11):
        for offer in (None, Offer("o", A, B), Offer("o", B, A)):
            custodian = offer.giver if offer else A
            stamp = Stamp(status=status, custodian=custodian, epoch=1, version=4, offer=offer)
            held = replace(own(), parties=(A, B), stamp=stamp)
            view = shown(held)
            for act in rules.allowed(view):
                assert rules.plan(view, step(view, act, offer="o" if "custody" in act else "")) is not None, act


def test_an_offer_to_oneself_is_told_why_nobody_is_left() -> None:
    held = shown(replace(own(), stamp=Stamp(status=2, custodian=A, epoch=1, version=2)))
    with pytest.raises(HubError, match="with this organ already") as caught:
        rules.plan(held, step(held, "transfer", offer="o", taker=A))
    assert caught.value.code == "recipient.none"


def test_a_stamp_is_mirrored_by_who_holds_the_dossier_and_only_forward() -> None:
    first, second = (Stamp(status=n, custodian=B, epoch=1, version=n) for n in (1, 2))
    held = replace(own(), stamp=first)

    assert rules.mirror(held, second).stamp == second
    assert rules.mirror(held, second).parties == (A, B)
    assert rules.mirror(replace(held, stamp=second), first).stamp == second
    assert rules.mirror(held, None) == held


def test_a_row_that_may_be_about_another_dossier_mirrors_nothing() -> None:
    """Submitted under a code in use: not yet refused, or refused."""
    other = Stamp(status=2, custodian=B, epoch=1, version=2)
    assert rules.mirror(own(), other) == own()
    refused = rules.take_word(own(), stamp=None, submit_refused=True)
    assert rules.mirror(refused, other) == refused


def test_of_several_stamps_of_a_dossier_the_newest_counts() -> None:
    first, second = (Stamp(status=n, custodian=B, epoch=1, version=n) for n in (1, 2))
    assert rules.newest_stamps([(CODE, second), ("other", None), (CODE, first)]) == {CODE: second}
