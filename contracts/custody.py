"""Who may do what with a dossier (protocol.md section 9): the gateway enforces it, the office mirrors it. Pure.

    1 ──accept──► 2 ──assign──► 4 ◄──supplement/pay/resume── 5 · 6 · 8
    └─refuse─► 3        4 ──complete──► 9 ──return_result──► 10        any but 3, 9, 10 ──withdraw──► 7
                                        └──reopen──► 4

Custody is a second machine beside the status: held ──transfer──► offered ──accept_custody──► held by another,
or refuse_custody / recall_custody back to held. It moves in the gateway only.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from enum import StrEnum

from contracts.protocol import Offer, Stamp


class Status:
    """TrangThaiHoSo of the national portal (codes.md 2)."""

    REGISTERED = 1
    ACCEPTED = 2
    REFUSED = 3
    IN_PROGRESS = 4
    SUPPLEMENT = 5
    PAYMENT = 6
    WITHDRAWN = 7
    STOPPED = 8
    COMPLETED = 9
    RETURNED = 10


class Who(StrEnum):
    CUSTODIAN = "custodian"
    RECEIVER = "receiver"
    EITHER = "either"


class Custody(StrEnum):
    """How an organ stands to a dossier; shown by the API."""

    HELD = "held"
    OFFERED = "offered"
    TAKING = "taking"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Rule:
    """One action: the message it becomes, who may do it, from which statuses, to which."""

    message: str
    who: Who
    origins: frozenset[int]
    target: int


ACTIONS: dict[str, Rule] = {
    "accept": Rule("dossier.status-changed", Who.CUSTODIAN, frozenset({1}), 2),
    "refuse": Rule("dossier.status-changed", Who.CUSTODIAN, frozenset({1}), 3),
    "assign": Rule("dossier.status-changed", Who.CUSTODIAN, frozenset({2, 4}), 4),
    "request_supplement": Rule("dossier.supplement-requested", Who.CUSTODIAN, frozenset({2, 4}), 5),
    "supplement": Rule("dossier.supplemented", Who.EITHER, frozenset({5}), 4),
    "request_payment": Rule("dossier.payment-requested", Who.CUSTODIAN, frozenset({2, 4}), 6),
    "pay": Rule("dossier.paid", Who.EITHER, frozenset({6}), 4),
    "stop": Rule("dossier.status-changed", Who.CUSTODIAN, frozenset({2, 4, 5, 6}), 8),
    "resume": Rule("dossier.status-changed", Who.CUSTODIAN, frozenset({8}), 4),
    "withdraw": Rule("dossier.withdrawn", Who.RECEIVER, frozenset({1, 2, 4, 5, 6, 8}), 7),
    "complete": Rule("dossier.result-issued", Who.CUSTODIAN, frozenset({2, 4}), 9),
    "reopen": Rule("dossier.status-changed", Who.RECEIVER, frozenset({9}), 4),
    "return_result": Rule("dossier.returned", Who.RECEIVER, frozenset({9}), 10),
}
CUSTODY_ACTIONS: dict[str, str] = {
    "transfer": "dossier.transferred",
    "accept_custody": "dossier.custody-accepted",
    "refuse_custody": "dossier.custody-refused",
    "recall_custody": "dossier.custody-recalled",
}
STATUS_CHANGES = tuple(name for name, rule in ACTIONS.items() if rule.message == "dossier.status-changed")
FINAL = frozenset({Status.REFUSED, Status.WITHDRAWN, Status.RETURNED})
NO_OFFER = FINAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A fact about a dossier, reduced to what the rules need. `action` is a key of ACTIONS or CUSTODY_ACTIONS."""

    action: str
    actor: str
    epoch: int | None = None
    offer: str = ""
    taker: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """Stamp and parties; `parties` holds the receiving and deciding organ and every custodian so far."""

    stamp: Stamp
    receiver: str
    parties: tuple[str, ...]

    @property
    def audience(self) -> tuple[str, ...]:
        """Every organ that is told: the parties and the organ an offer is open to."""
        offer = self.stamp.offer
        return _with(self.parties, offer.taker) if offer else self.parties


@dataclass(frozen=True, slots=True)
class Refusal:
    step: str
    code: str
    pointer: str = ""


def submit(receiver: str, deciding: str = "") -> Dossier:
    """The first fact: the receiving organ becomes custodian in epoch 1."""
    stamp = Stamp(status=Status.REGISTERED, custodian=receiver, epoch=1, version=1)
    return Dossier(stamp=stamp, receiver=receiver, parties=_with((receiver,), deciding) if deciding else (receiver,))


def decide(dossier: Dossier, move: Move) -> Dossier | Refusal:
    """The dossier after the move, version one higher, or why not. A repeat of the present status changes nothing."""
    refusal = judge(dossier, move)
    if refusal:
        return refusal
    stamp, parties = dossier.stamp, dossier.parties
    after = _effect(dossier, move)
    if move.action == "accept_custody":
        parties = _with(parties, after.custodian)
    return replace(dossier, stamp=replace(after, version=stamp.version + 1), parties=parties)


def judge(dossier: Dossier, move: Move) -> Refusal | None:
    """Why the move is not allowed in this state, or None."""
    if move.action in ("accept_custody", "refuse_custody"):
        return _judge_answer(dossier.stamp, move)
    if move.actor not in dossier.audience:
        return Refusal("custody", "custody.not_party")
    if move.action in CUSTODY_ACTIONS:
        return _judge_custody(dossier, move)
    rule = ACTIONS[move.action]
    stamp = dossier.stamp
    if stamp.status in FINAL and stamp.status != rule.target:
        return Refusal("status", "status.not_allowed")
    return _judge_actor(dossier, move, rule) or _judge_status(stamp, rule)


def is_repeat(stamp: Stamp, action: str) -> bool:
    """True when the action would lead to the status that already is (and is not a move of its own, as assign in 4)."""
    rule = ACTIONS.get(action)
    return rule is not None and rule.target == stamp.status and stamp.status not in rule.origins


def bound(dossier: Dossier, move: Move) -> bool:
    """Custody-bound: decided by virtue of custody, so it must carry the epoch it was decided in (a fencing number)."""
    if move.action in ("transfer", "recall_custody"):
        return True
    rule = ACTIONS.get(move.action)
    if rule is None or rule.who is Who.RECEIVER:
        return False
    return rule.who is Who.CUSTODIAN or move.actor != dossier.receiver


def _judge_actor(dossier: Dossier, move: Move, rule: Rule) -> Refusal | None:
    stamp = dossier.stamp
    is_custodian, is_receiver = move.actor == stamp.custodian, move.actor == dossier.receiver
    if rule.who is Who.RECEIVER:
        if not is_receiver:
            return Refusal("custody", "dossier.not_receiver")
    elif bound(dossier, move):
        refusal = _judge_epoch(stamp, move)
        if refusal:
            return refusal
    if stamp.offer and is_custodian and move.action != "withdraw":
        return Refusal("custody", "custody.offered")
    return None


def _judge_epoch(stamp: Stamp, move: Move) -> Refusal | None:
    if move.epoch is not None and move.epoch != stamp.epoch:
        return Refusal("custody", "custody.stale", "/epoch")
    if move.actor != stamp.custodian:
        return Refusal("custody", "custody.not_custodian")
    return Refusal("custody", "custody.stale", "/epoch") if move.epoch is None else None


def _judge_status(stamp: Stamp, rule: Rule) -> Refusal | None:
    if stamp.status in rule.origins or stamp.status == rule.target:
        return None
    return Refusal("status", "status.not_allowed")


def _judge_custody(dossier: Dossier, move: Move) -> Refusal | None:
    stamp = dossier.stamp
    if move.action == "transfer":
        return _judge_transfer(stamp, move)
    if stamp.offer is None or stamp.offer.id != move.offer:
        return Refusal("custody", "custody.offer_closed")
    return _judge_epoch(stamp, move)


def _judge_answer(stamp: Stamp, move: Move) -> Refusal | None:
    """Before the question of parties: the organ of an offer that was just closed is no longer one, and is told why."""
    if stamp.offer is None or stamp.offer.id != move.offer:
        return Refusal("custody", "custody.offer_closed")
    return None if move.actor == stamp.offer.taker else Refusal("custody", "custody.not_offered")


def _judge_transfer(stamp: Stamp, move: Move) -> Refusal | None:
    refusal = _judge_epoch(stamp, move)
    if refusal:
        return refusal
    if stamp.offer:
        return Refusal("custody", "custody.offered")
    if stamp.status in NO_OFFER:
        return Refusal("custody", "custody.not_allowed")
    return Refusal("recipients", "recipient.none", "/to") if move.taker in ("", move.actor) else None


def _effect(dossier: Dossier, move: Move) -> Stamp:
    stamp = dossier.stamp
    if move.action == "transfer":
        return replace(stamp, offer=Offer(move.offer, move.actor, move.taker))
    if move.action in ("refuse_custody", "recall_custody"):
        return replace(stamp, offer=None)
    if move.action == "accept_custody":
        return replace(stamp, offer=None, custodian=move.actor, epoch=stamp.epoch + 1)
    target = ACTIONS[move.action].target
    if stamp.status == target:
        return stamp
    stamp = replace(stamp, status=target)
    if target in NO_OFFER:
        stamp = replace(stamp, offer=None)
    if move.action == "withdraw":
        return replace(stamp, custodian="")
    return _back_to_receiver(dossier, stamp) if move.action == "complete" else stamp


def _back_to_receiver(dossier: Dossier, stamp: Stamp) -> Stamp:
    if stamp.custodian == dossier.receiver:
        return stamp
    return replace(stamp, custodian=dossier.receiver, epoch=stamp.epoch + 1)


def project(dossier: Dossier, own: Sequence[Move], organ: str = "") -> tuple[Dossier, Custody]:
    """What an office shows and allows: the stamp plus the organ's own facts not yet routed or refused, in order.

    A fact that the gateway will refuse by now is passed over, but a `complete` in the right epoch ends custody even
    so: the gateway may know of a change of status that makes it allowed. `transfer` freezes at once; custody itself
    is not moved by an own `accept_custody` (that is `taking`), and a recall stays `offered` until its stamp. All
    `own` moves are of the organ asked for; `organ` is needed only where there may be none.
    """
    shown, taking = dossier, False
    for move in own:
        if move.action == "accept_custody":
            taking = judge(shown, move) is None
        elif move.action != "recall_custody":
            after = decide(shown, move)
            shown = _without_custody(shown, move) if isinstance(after, Refusal) else after
    shown = replace(shown, stamp=replace(shown.stamp, version=dossier.stamp.version))
    actor = organ or (own[0].actor if own else "")
    return shown, Custody.TAKING if taking else standing(shown, actor)


def _without_custody(shown: Dossier, move: Move) -> Dossier:
    if move.action != "complete" or shown.stamp.status in FINAL or _judge_epoch(shown.stamp, move):
        return shown
    return replace(shown, stamp=_back_to_receiver(shown, shown.stamp))


def standing(dossier: Dossier, organ: str) -> Custody:
    """How the organ stands to the dossier when it has no own fact on the way."""
    stamp = dossier.stamp
    if stamp.offer and organ in (stamp.offer.giver, stamp.offer.taker):
        return Custody.OFFERED
    return Custody.HELD if organ and stamp.custodian == organ else Custody.NONE


def told(before: Dossier | None, after: Dossier, actor: str) -> tuple[str, ...]:
    """The organs an accepted fact goes to: every other party, and the organ of an offer it opens or closes."""
    organs = before.audience if before else ()
    for organ in after.audience:
        organs = _with(organs, organ)
    return tuple(organ for organ in organs if organ != actor)


def is_outdated(snapshot: AbstractSet[str], *, accepted: AbstractSet[str], due: AbstractSet[str]) -> bool:
    """Whether a `transferred` was written without knowing what the gateway had accepted before it (transfer ids).

    Its snapshot is all the history an organ new to the dossier ever gets, so it must hold what is `due` to the giver
    (its own accepted facts, and those whose delivery to it is `reported` as open or handed over) and nothing that
    was not accepted. Otherwise another party was first: `custody.stale`, and the giver offers again.
    """
    return not snapshot <= accepted or not due <= snapshot


def _with(organs: tuple[str, ...], organ: str) -> tuple[str, ...]:
    return organs if organ in organs else (*organs, organ)
