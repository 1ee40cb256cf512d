"""A dossier in any state, a move by anyone, and the table of protocol.md 9 as the custody tests use them."""

from contracts.custody import Dossier, Move, Refusal
from contracts.protocol import Offer, Stamp

R, C, D, T, X = "receiver", "custodian", "deciding", "taker", "stranger"
EPOCH = 3

# What each action makes of statuses 1 to 10: the new status (A is 10), or "." where it is refused.
MOVES = {
    "accept": "22........",
    "refuse": "3.3.......",
    "assign": ".4.4......",
    "request_supplement": ".5.55.....",
    "supplement": "...44.....",
    "request_payment": ".6.6.6....",
    "pay": "...4.4....",
    "stop": ".8.888.8..",
    "resume": "...4...4..",
    "withdraw": "77.77777..",
    "complete": ".9.9....9.",
    "reopen": "...4....4.",
    "return_result": "........AA",
}
MAY = {
    **dict.fromkeys(MOVES, frozenset({C})),
    **dict.fromkeys(("supplement", "pay"), frozenset({R, C})),
    **dict.fromkeys(("withdraw", "reopen", "return_result"), frozenset({R})),
}
STATUSES = range(1, 11)


def dossier(status: int, *, custodian: str = C, offer: Offer | None = None) -> Dossier:
    held = "" if status == 7 else custodian
    stamp = Stamp(status=status, custodian=held, epoch=EPOCH, version=8, offer=offer)
    return Dossier(stamp=stamp, receiver=R, parties=tuple(dict.fromkeys((R, D, custodian))))


def move(action: str, actor: str, *, epoch: int | None = EPOCH, offer: str = "", taker: str = "") -> Move:
    return Move(action=action, actor=actor, epoch=epoch, offer=offer, taker=taker)


def refusal_code(outcome: Dossier | Refusal | None) -> str:
    return outcome.code if isinstance(outcome, Refusal) else ""
