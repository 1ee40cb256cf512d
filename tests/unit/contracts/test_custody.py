"""The table of protocol.md 9, action by action, status by status, actor by actor; offers and epochs."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.custody import (
    ACTIONS,
    CUSTODY_ACTIONS,
    FINAL,
    Dossier,
    Move,
    Refusal,
    bound,
    decide,
    is_outdated,
    is_repeat,
    judge,
    submit,
    told,
)
from contracts.protocol import Offer, Stamp

from .custody_cases import EPOCH, MAY, MOVES, STATUSES, C, D, R, T, X, dossier, move, refusal_code


def expected_refusal(action: str, status: int, actor: str, *, custodian: str) -> str:
    """The rules in words, kept apart from how the module says them."""
    target = MOVES[action][status - 1]
    if actor not in (R, D, custodian):
        return "custody.not_party"
    if status in (3, 7, 10) and target == ".":
        return "status.not_allowed"
    allowed = {custodian if organ == C else organ for organ in MAY[action]}
    if actor not in allowed:
        return "dossier.not_receiver" if MAY[action] == {R} else "custody.not_custodian"
    return "status.not_allowed" if target == "." else ""


def test_the_table_is_of_all_actions() -> None:
    assert set(MOVES) == set(ACTIONS)


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("action", MOVES)
@pytest.mark.parametrize("custodian", [C, R])
def test_every_action_in_every_status_by_everyone(action: str, status: int, custodian: str) -> None:
    before = dossier(status, custodian=custodian)
    for actor in (R, C, D, X):
        outcome = decide(before, move(action, actor))

        expected = expected_refusal(action, status, actor, custodian=custodian)
        assert refusal_code(outcome) == expected, actor
        if isinstance(outcome, Dossier):
            assert outcome.stamp.status == int(MOVES[action][status - 1], 16)
            assert outcome.stamp.version == 9
            assert outcome.parties == before.parties
            if action not in ("withdraw", "complete"):
                assert outcome.stamp.custodian == before.stamp.custodian
                assert outcome.stamp.epoch == EPOCH


@pytest.mark.parametrize("action", MOVES)
def test_a_custody_bound_action_needs_the_present_epoch(action: str) -> None:
    status = next(status for status in STATUSES if MOVES[action][status - 1] not in (".", str(status)))
    by_custodian = MAY[action] != {R}
    for epoch in (None, EPOCH - 1, EPOCH + 1):
        outcome = judge(dossier(status), move(action, C if by_custodian else R, epoch=epoch))

        assert refusal_code(outcome) == ("custody.stale" if by_custodian else "")


@pytest.mark.parametrize("action", ["supplement", "pay"])
def test_the_receiver_needs_no_epoch(action: str) -> None:
    before = dossier(5 if action == "supplement" else 6)

    assert judge(before, move(action, R, epoch=None)) is None
    assert judge(before, move(action, R, epoch=1)) is None
    assert not bound(before, move(action, R))
    assert bound(before, move(action, C))


def test_complete_brings_custody_home_in_a_new_epoch() -> None:
    outcome = decide(dossier(4), move("complete", C))

    assert isinstance(outcome, Dossier)
    assert (outcome.stamp.custodian, outcome.stamp.epoch) == (R, EPOCH + 1)
    assert refusal_code(decide(outcome, move("complete", C))) == "custody.stale"


def test_complete_by_the_receiver_itself_moves_nothing() -> None:
    outcome = decide(dossier(4, custodian=R), move("complete", R))

    assert isinstance(outcome, Dossier)
    assert (outcome.stamp.custodian, outcome.stamp.epoch) == (R, EPOCH)


def test_withdraw_closes_custody_and_the_offer() -> None:
    outcome = decide(dossier(4, offer=Offer("o", C, T)), move("withdraw", R))

    assert isinstance(outcome, Dossier)
    assert (outcome.stamp.custodian, outcome.stamp.offer) == ("", None)
    assert told(dossier(4, offer=Offer("o", C, T)), outcome, R) == (D, C, T)


REPEATS = [(action, status) for action in MOVES for status in STATUSES if MOVES[action][status - 1] == f"{status:X}"]


@pytest.mark.parametrize(("action", "status"), REPEATS)
def test_a_repeat_changes_nothing_but_the_version(action: str, status: int) -> None:
    actor = C if C in MAY[action] else R
    before = dossier(status)

    after = decide(before, move(action, actor))

    assert after == replace(before, stamp=replace(before.stamp, version=9))
    assert is_repeat(before.stamp, action) == (action != "assign")


# offers


@pytest.mark.parametrize("status", STATUSES)
def test_custody_is_offered_in_any_status_but_the_last(status: int) -> None:
    outcome = decide(dossier(status), move("transfer", C, offer="o", taker=T))

    if status in FINAL:
        assert refusal_code(outcome) == ("custody.not_custodian" if status == 7 else "custody.not_allowed")
        return
    assert isinstance(outcome, Dossier)
    assert outcome.stamp == replace(dossier(status).stamp, offer=Offer("o", C, T), version=9)
    assert T in outcome.audience
    assert T not in outcome.parties


@pytest.mark.parametrize(
    ("actor", "epoch", "taker", "code"),
    [
        (C, EPOCH, T, ""),
        (C, EPOCH - 1, T, "custody.stale"),
        (C, None, T, "custody.stale"),
        (R, EPOCH, T, "custody.not_custodian"),
        (X, EPOCH, T, "custody.not_party"),
        (C, EPOCH, "", "recipient.none"),
        (C, EPOCH, C, "recipient.none"),
    ],
)
def test_who_may_offer_to_whom(actor: str, epoch: int | None, taker: str, code: str) -> None:
    assert refusal_code(judge(dossier(4), move("transfer", actor, epoch=epoch, offer="o", taker=taker))) == code


@pytest.mark.parametrize("action", [*MOVES, "transfer"])
def test_the_giver_is_frozen_and_the_receiver_is_not(action: str) -> None:
    for status in set(STATUSES) - FINAL:
        under_offer = dossier(status, offer=Offer("o", C, T))
        by_giver = judge(under_offer, move(action, C, offer="p", taker=T))
        by_receiver = judge(under_offer, move(action, R, offer="p", taker=T))

        if action != "transfer" and MAY[action] == {R}:
            assert refusal_code(by_giver) == "dossier.not_receiver"
        else:
            assert refusal_code(by_giver) == "custody.offered"
        if action != "transfer" and R in MAY[action]:
            assert refusal_code(by_receiver) == ("" if MOVES[action][status - 1] != "." else "status.not_allowed")


def test_a_receiver_who_gives_may_still_withdraw_but_nothing_else() -> None:
    under_offer = dossier(5, custodian=R, offer=Offer("o", R, T))

    assert judge(under_offer, move("withdraw", R)) is None
    assert refusal_code(judge(under_offer, move("supplement", R))) == "custody.offered"


def test_a_final_status_reached_by_the_receiver_closes_the_offer() -> None:
    outcome = decide(dossier(9, offer=Offer("o", C, T)), move("return_result", R))

    assert isinstance(outcome, Dossier)
    assert outcome.stamp.offer is None
    assert refusal_code(judge(outcome, move("accept_custody", T, offer="o"))) == "custody.offer_closed"


ANSWERS = ["accept_custody", "refuse_custody", "recall_custody"]


@pytest.mark.parametrize("action", ANSWERS)
@pytest.mark.parametrize("actor", [R, C, D, T, X])
def test_who_may_end_an_offer(action: str, actor: str) -> None:
    outcome = judge(dossier(4, offer=Offer("o", C, T)), move(action, actor, offer="o"))

    if action == "recall_custody":
        expected = {C: "", X: "custody.not_party"}.get(actor, "custody.not_custodian")
    else:
        expected = "" if actor == T else "custody.not_offered"
    assert refusal_code(outcome) == expected


def test_accepting_moves_custody_in_a_new_epoch() -> None:
    outcome = decide(dossier(4, offer=Offer("o", C, T)), move("accept_custody", T, epoch=None, offer="o"))

    assert isinstance(outcome, Dossier)
    assert outcome.stamp == Stamp(status=4, custodian=T, epoch=EPOCH + 1, version=9)
    assert outcome.parties == (R, D, C, T)
    assert refusal_code(judge(outcome, move("assign", C))) == "custody.stale"
    assert refusal_code(judge(outcome, move("assign", T, epoch=EPOCH + 1))) == ""


@pytest.mark.parametrize(("action", "actor"), [("refuse_custody", T), ("recall_custody", C)])
def test_an_offer_that_came_to_nothing_leaves_custody_where_it_was(action: str, actor: str) -> None:
    before = dossier(4, offer=Offer("o", C, T))

    outcome = decide(before, move(action, actor, offer="o"))

    assert isinstance(outcome, Dossier)
    assert outcome == replace(before, stamp=Stamp(status=4, custodian=C, epoch=EPOCH, version=9))
    assert told(before, outcome, actor) == tuple(organ for organ in (R, D, C, T) if organ != actor)


@pytest.mark.parametrize("first", ANSWERS)
@pytest.mark.parametrize("second", ANSWERS)
def test_the_first_answer_wins(first: str, second: str) -> None:
    actor = {"recall_custody": C}.get(first, T)
    after = decide(dossier(4, offer=Offer("o", C, T)), move(first, actor, offer="o"))
    assert isinstance(after, Dossier)

    late = judge(after, move(second, {"recall_custody": C}.get(second, T), offer="o"))

    assert refusal_code(late) == "custody.offer_closed"


@pytest.mark.parametrize("action", ANSWERS)
def test_an_answer_names_its_offer(action: str) -> None:
    actor = C if action == "recall_custody" else T

    outcome = judge(dossier(4, offer=Offer("o", C, T)), move(action, actor, offer="earlier"))

    assert refusal_code(outcome) == "custody.offer_closed"


def test_a_recall_carries_the_epoch() -> None:
    outcome = judge(dossier(4, offer=Offer("o", C, T)), move("recall_custody", C, epoch=EPOCH - 1, offer="o"))

    assert refusal_code(outcome) == "custody.stale"


# first fact, audience, snapshot


def test_the_receiver_holds_what_it_submits() -> None:
    first = submit(R, D)

    assert first.stamp == Stamp(status=1, custodian=R, epoch=1, version=1)
    assert told(None, first, R) == (D,)
    assert submit(R, R).parties == submit(R).parties == (R,)


def test_an_offer_is_told_to_the_taker_too() -> None:
    before = dossier(4)
    after = decide(before, move("transfer", C, offer="o", taker=T))
    assert isinstance(after, Dossier)

    assert told(before, after, C) == (R, D, T)


@pytest.mark.parametrize(
    ("snapshot", "accepted", "due", "outdated"),
    [
        ({"a", "b"}, {"a", "b"}, {"a", "b"}, False),
        ({"a"}, {"a", "b"}, {"a"}, False),
        ({"a"}, {"a", "b"}, {"a", "b"}, True),
        ({"a", "refused"}, {"a"}, {"a"}, True),
        (set(), set(), set(), False),
    ],
)
def test_a_snapshot_holds_what_is_due_and_only_what_was_accepted(
    snapshot: set[str], accepted: set[str], due: set[str], outdated: bool
) -> None:
    assert is_outdated(snapshot, accepted=accepted, due=due) is outdated


# any life of a dossier

moves = st.builds(
    Move,
    action=st.sampled_from([*ACTIONS, *CUSTODY_ACTIONS]),
    actor=st.sampled_from([R, C, D, T]),
    epoch=st.one_of(st.none(), st.integers(1, 4)),
    offer=st.sampled_from(["o", "p"]),
    taker=st.sampled_from([R, C, T]),
)


@settings(derandomize=True, deadline=None, max_examples=300, database=None)
@given(st.lists(moves, max_size=40))
def test_at_most_one_organ_may_act_in_any_state(life: list[Move]) -> None:
    state = submit(R, D)
    for one in life:
        after = decide(state, one)
        if isinstance(after, Refusal):
            continue
        assert after.stamp.version == state.stamp.version + 1
        assert after.stamp.epoch - state.stamp.epoch == (after.stamp.custodian not in ("", state.stamp.custodian))
        assert after.stamp.offer is None or after.stamp.status not in FINAL
        assert set(state.parties) <= set(after.parties)
        assert after.stamp.custodian in ("", *after.parties)
        state = after
        able = {
            organ
            for organ in (R, C, D, T)
            for action in (*MOVES, "transfer")
            for candidate in [move(action, organ, epoch=state.stamp.epoch, offer="q", taker=X)]
            if bound(state, candidate) and judge(state, candidate) is None
        }
        assert able <= {state.stamp.custodian}
