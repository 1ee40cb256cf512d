"""What an office shows and allows: the stamp plus the organ's own facts on their way."""

from collections.abc import Sequence

import pytest

from contracts.custody import Custody, Dossier, Move, project, standing
from contracts.protocol import Offer, Stamp

from .custody_cases import EPOCH, C, D, R, T, dossier, move


def shown(before: Dossier, own: Sequence[Move], organ: str = "") -> tuple[int, str, Custody]:
    after, custody = project(before, own, organ)
    assert after.stamp.version == before.stamp.version
    return after.stamp.status, after.stamp.custodian, custody


@pytest.mark.parametrize(
    ("own", "status", "custodian", "custody"),
    [
        ([], 4, C, Custody.HELD),
        ([move("stop", C)], 8, C, Custody.HELD),
        ([move("stop", C), move("resume", C), move("request_payment", C)], 6, C, Custody.HELD),
        ([move("stop", C, epoch=EPOCH - 1)], 4, C, Custody.HELD),
        ([move("accept", C)], 4, C, Custody.HELD),
        ([move("transfer", C, offer="o", taker=T)], 4, C, Custody.OFFERED),
        ([move("transfer", C, offer="o", taker=T), move("stop", C)], 4, C, Custody.OFFERED),
        ([move("transfer", C, offer="o", taker=T), move("recall_custody", C, offer="o")], 4, C, Custody.OFFERED),
        ([move("complete", C)], 9, R, Custody.NONE),
        ([move("complete", C), move("stop", C)], 9, R, Custody.NONE),
    ],
)
def test_own_facts_on_the_way_are_shown_in_order(
    own: list[Move], status: int, custodian: str, custody: Custody
) -> None:
    assert shown(dossier(4), own, C) == (status, custodian, custody)


def test_a_recall_stays_offered_until_its_stamp() -> None:
    assert shown(dossier(4, offer=Offer("o", C, T)), [move("recall_custody", C, offer="o")])[2] is Custody.OFFERED


def test_taking_lasts_until_the_stamp() -> None:
    accept = move("accept_custody", T, epoch=None, offer="o")

    assert shown(dossier(4, offer=Offer("o", C, T)), [accept]) == (4, C, Custody.TAKING)
    assert shown(dossier(4), [accept]) == (4, C, Custody.NONE)
    taken = Dossier(stamp=Stamp(status=4, custodian=T, epoch=4, version=9), receiver=R, parties=(R, D, C, T))
    assert shown(taken, [accept]) == (4, T, Custody.HELD)


def test_refusing_an_offer_is_over_at_once_for_the_one_who_refuses() -> None:
    refused = shown(dossier(4, offer=Offer("o", C, T)), [move("refuse_custody", T, offer="o")])

    assert refused[2] is Custody.NONE


@pytest.mark.parametrize("status", [1, 5, 6, 8])
def test_complete_ends_custody_even_where_this_copy_would_refuse_it(status: int) -> None:
    """Another party's fact, not yet heard of here, may have made it allowed at the gateway."""
    assert shown(dossier(status), [move("complete", C)]) == (status, R, Custody.NONE)


def test_complete_of_a_past_epoch_ends_nothing() -> None:
    assert shown(dossier(8), [move("complete", C, epoch=EPOCH - 1)]) == (8, C, Custody.HELD)


def test_standing() -> None:
    under_offer = dossier(4, offer=Offer("o", C, T))

    assert [standing(under_offer, organ) for organ in (C, T, R)] == [Custody.OFFERED, Custody.OFFERED, Custody.NONE]
    assert [standing(dossier(4), organ) for organ in (C, T)] == [Custody.HELD, Custody.NONE]


def test_nobody_holds_what_was_withdrawn() -> None:
    assert [standing(dossier(7), organ) for organ in (R, C, "")] == [Custody.NONE] * 3
    assert project(dossier(7), [])[1] is Custody.NONE
