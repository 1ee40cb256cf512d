"""A dossier as one organ holds it: what it shows and allows, and what facts make of it. Plain values.

The rules of custody and status are `contracts.custody`; here they meet the stamp and the own facts on their way.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import orjson

from contracts import custody
from contracts.custody import ACTIONS, CUSTODY_ACTIONS, FINAL, STATUS_CHANGES, Custody, Move, Refusal
from contracts.envelope import MAX_VALUE_BYTES, TYPE_PREFIX, Envelope, rfc3339
from contracts.problems import HubError
from contracts.protocol import Rung, Stamp, newest, unjudged
from contracts.statuses import DOSSIER_STATUS_NAMES

MAX_STEPS = 1000
MAX_ATTACHMENTS = 500
PENDING, ROUTED, REFUSED = "pending", "routed", "refused"
SUBMITTED, TRANSFERRED = "dossier.submitted", "dossier.transferred"
AWAITED = ("accept_custody", "recall_custody")
"""Acts whose caller waits for the stamp they bring."""
_ACTION_OF = (
    {SUBMITTED: "submit"}
    | {rule.message: name for name, rule in ACTIONS.items() if name not in STATUS_CHANGES}
    | {message: name for name, message in CUSTODY_ACTIONS.items()}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One row: a dossier in the hands of `holder`. `stamp.version` 0: its own `submitted` has no stamp yet."""

    holder: str
    code: str
    procedure: str
    receiver: str
    decider: str
    parties: tuple[str, ...]
    stamp: Stamp
    submitted: bytes = field(repr=False)
    due_at: datetime | None = None
    summary: str | None = None
    papers: bytes | None = field(default=None, repr=False)
    refused: bool = False
    created_at: datetime

    @property
    def key(self) -> tuple[str, str]:
        return self.holder, self.code

    def after(self, stamp: Stamp | None) -> "Held":
        """With the stamp, if it is newer; whoever had custody stays a party."""
        kept = newest(self.stamp, stamp) or self.stamp
        return replace(self, stamp=kept, parties=_with(self.parties, kept.custodian))


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One step of the history; own ones are `pending` until the gateway tells."""

    transfer: str
    type: str
    action: str
    actor: str
    status: int
    at: datetime
    reason: str | None = None
    offer: str = ""
    taker: str = ""
    epoch: int | None = None
    state: str = ROUTED
    refusal: str | None = None
    papers: bytes | None = field(default=None, repr=False)

    @property
    def move(self) -> Move:
        return Move(action=self.action, actor=self.actor, epoch=self.epoch, offer=self.offer, taker=self.taker)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What the organ is shown and may build on: stamp plus own facts on their way."""

    held: Held
    history: Sequence[Entry]
    dossier: custody.Dossier
    custody: Custody

    @property
    def stamp(self) -> Stamp:
        return self.dossier.stamp

    def pending(self, action: str) -> Entry | None:
        """The own fact of that action still on its way."""
        return next((each for each in self.history if each.state == PENDING and each.action == action), None)


def view(held: Held, history: Sequence[Entry]) -> View:
    """Stamp plus the organ's own facts not yet routed or refused, in order."""
    dossier = custody.Dossier(stamp=held.stamp, receiver=held.receiver, parties=held.parties)
    steps = [each for each in history if each.actor == held.holder]
    waiting = unjudged([Rung.SENT if each.state == PENDING else Rung.ROUTED for each in steps])
    own = [each.move for each in steps[len(steps) - waiting :] if each.type != SUBMITTED]
    standing = custody.standing(dossier, held.holder)
    if own:
        dossier, standing = custody.project(dossier, own, held.holder)
    return View(held=held, history=history, dossier=dossier, custody=standing)


def plan(shown: View, move: Move) -> custody.Dossier | None:
    """The dossier after the move, None for a repeat of the present status; raises what the gateway would refuse."""
    if shown.held.refused:
        raise HubError("dossier.unknown")
    if shown.custody is Custody.TAKING:
        raise HubError("custody.taking")
    if _was_last(shown, move.action):
        return None
    outcome = custody.decide(shown.dossier, move)
    if isinstance(outcome, Refusal):
        raise HubError(outcome.code, _detail(shown, outcome), pointer=outcome.pointer)
    return None if custody.is_repeat(shown.stamp, move.action) else outcome


def allowed(shown: View) -> list[str]:
    """The acts the holder may do now, besides offering custody."""
    offer = shown.stamp.offer.id if shown.stamp.offer else ""
    moves = [
        Move(action=action, actor=shown.held.holder, offer="" if action in ACTIONS else offer)
        for action in (*ACTIONS, *CUSTODY_ACTIONS)
        if action != "transfer" and not custody.is_repeat(shown.stamp, action)
    ]
    return [move.action for move in moves if custody.judge(shown.dossier, bind(shown, move)) is None]


def _detail(shown: View, refusal: Refusal) -> str:
    if refusal.code == "recipient.none":
        return "the dossier is with this organ already; offer it to another one"
    if refusal.code != "status.not_allowed":
        return ""
    status = shown.stamp.status
    acts = ", ".join(allowed(shown)) or "nothing"
    return f"the status is {status}, {DOSSIER_STATUS_NAMES[status][1]}; this organ may now: {acts}"


def _was_last(shown: View, action: str) -> bool:
    """The organ's own last step led to the present status: a retry, even if custody left with that step."""
    valid = [each for each in shown.history if each.state != REFUSED]
    last = valid[-1] if valid else None
    own = last is not None and last.actor == shown.held.holder and last.action == action
    return own and custody.is_repeat(shown.stamp, action)


def bind(shown: View, move: Move) -> Move:
    """Facts decided by virtue of custody carry the epoch they were decided in."""
    return replace(move, epoch=shown.stamp.epoch) if custody.bound(shown.dossier, move) else move


def is_overdue(shown: View, now: datetime) -> bool:
    """Whether the date promised has passed and the dossier has not come to its end."""
    due_at = shown.held.due_at
    return due_at is not None and due_at < now and shown.stamp.status not in FINAL and not shown.held.refused


def has_taken(shown: View) -> bool:
    """The organ holds the dossier because its own acceptance went through: accepting again changes nothing."""
    holder = shown.held.holder
    taken = any(each.action == "accept_custody" and each.actor == holder for each in shown.history)
    return taken and shown.stamp.custodian == holder and shown.stamp.offer is None


def message_of(action: str) -> str:
    return ACTIONS[action].message if action in ACTIONS else CUSTODY_ACTIONS[action]


def audience(dossier: custody.Dossier, move: Move) -> tuple[str, ...]:
    """Whom the office expects to be told."""
    return tuple(organ for organ in _with(dossier.audience, move.taker) if organ != move.actor)


def marks_of(action: str, *, offer: str, status: int) -> dict[str, Any]:
    """What a payload says besides the caller's fields."""
    if action in STATUS_CHANGES:
        return {"action": action, "status": status}
    return {"offer": offer} if action in CUSTODY_ACTIONS else {}


def with_snapshot(payload: Mapping[str, Any], shown: View) -> dict[str, Any]:
    """The payload of `transferred` with what an organ new to the dossier must know: of a very long history the newest
    steps that fit into a message."""
    held, history = shown.held, [each for each in shown.history if each.state != REFUSED][-MAX_STEPS:]
    snapshot: dict[str, Any] = {
        "dossier": orjson.loads(held.submitted),
        "attachments": attachments(held, shown.history)[-MAX_ATTACHMENTS:],
        "result": result(held, shown.history),
    }
    while True:
        told = snapshot | {"history": [_told(each) for each in history]}
        whole = {**payload, "snapshot": told}
        if not history or len(orjson.dumps(whole)) <= MAX_VALUE_BYTES:
            return whole
        history = history[(len(history) + 1) // 2 :]


def first(organ: str, code: str, *, decider: str, value: bytes, payload: Mapping[str, Any], now: datetime) -> Held:
    """An own new dossier, before any stamp."""
    dossier = custody.submit(organ, decider)
    return Held(
        holder=organ,
        code=code,
        procedure=payload["procedure"],
        receiver=organ,
        decider=decider,
        parties=dossier.parties,
        stamp=replace(dossier.stamp, version=0),
        submitted=value,
        due_at=_moment(payload.get("due_at")),
        summary=payload.get("summary"),
        created_at=now,
    )


def receive(
    held: Held | None, organ: str, envelope: Envelope, payload: Mapping[str, Any], *, decider: str
) -> tuple[Held, list[Entry]]:
    """The organ's row and new steps after a delivered fact; `dossier.unknown` when it holds nothing to apply it to.

    `decider` is the deciding organ a snapshot names, in its present form.
    """
    step = _step(envelope, payload, envelope.stamp.status if envelope.stamp else 1)
    known: list[Entry] = []
    if envelope.type == SUBMITTED:
        # whom the receiving organ's fact is delivered to is the deciding organ, whatever code was written
        held = held or _from_submitted(organ, payload, envelope, decider=organ)
    elif envelope.type == TRANSFERRED:
        snapshot = payload["snapshot"]
        held = held or _from_submitted(organ, snapshot["dossier"], envelope, decider=decider)
        held = _from_snapshot(held, snapshot, envelope)
        known = [_remembered(each) for each in snapshot.get("history", ())]
    if held is None:
        raise HubError("dossier.unknown")
    return held.after(envelope.stamp), [*known, step]


def newest_stamps(told: Iterable[tuple[str, Stamp | None]]) -> dict[str, Stamp]:
    """Of each subject that has one, the stamp of the highest version."""
    found: dict[str, Stamp] = {}
    for subject, stamp in told:
        if stamp and (kept := newest(found.get(subject), stamp)):
            found[subject] = kept
    return found


def mirror(held: Held, stamp: Stamp | None) -> Held:
    """The row of an organ whom a fact did not reach. A row without a stamp of its own may be about another dossier: one
    that was submitted under a code in use."""
    known = held.stamp.version > 0 and not held.refused
    return held.after(stamp) if stamp and known and stamp.version > held.stamp.version else held


def take_word(held: Held, *, stamp: Stamp | None, submit_refused: bool) -> Held:
    """The row after word from the gateway about an own fact."""
    held = held.after(stamp)
    if submit_refused and not held.stamp.version:
        return replace(held, refused=True, stamp=replace(held.stamp, custodian=""))
    return held


def digests(payload: Mapping[str, Any]) -> set[str]:
    """Every attachment a fact names."""
    snapshot = payload.get("snapshot") or {}
    parts = [payload, payload.get("result"), snapshot, snapshot.get("dossier"), snapshot.get("result")]
    return {each["sha256"] for part in parts if part for each in part.get("attachments", ())}


def decider_of(payload: Mapping[str, Any]) -> str:
    """The deciding organ a snapshot names, as it was written."""
    written = (payload.get("snapshot") or {}).get("dossier", {}).get("deciding_organ")
    return written or ""


def papers_of(payload: Mapping[str, Any]) -> bytes | None:
    """What a step adds to the dossier's papers; None when nothing."""
    added = {name: payload[name] for name in ("attachments", "result") if payload.get(name)}
    return orjson.dumps(added) if added else None


def attachments(held: Held, history: Sequence[Entry]) -> list[dict[str, Any]]:
    """Every attachment of the dossier once, in order of arrival; those of refused steps are left out."""
    lists = [orjson.loads(held.submitted).get("attachments", [])]
    lists += [papers.get("attachments", []) for papers in _papers(held, history)]
    return list({each["sha256"]: each for papers in lists for each in papers}.values())


def result(held: Held, history: Sequence[Entry]) -> dict[str, Any] | None:
    """The result last issued."""
    found: dict[str, Any] | None = None
    for papers in _papers(held, history):
        found = papers.get("result") or found
    return found


def _papers(held: Held, history: Sequence[Entry]) -> list[dict[str, Any]]:
    texts = [held.papers, *(each.papers for each in history if each.state != REFUSED)]
    return [orjson.loads(text) for text in texts if text]


def _from_submitted(organ: str, payload: Mapping[str, Any], envelope: Envelope, *, decider: str) -> Held:
    receiver = payload["receiving_organ"]
    stamp = envelope.stamp or Stamp(status=1, custodian=receiver, epoch=1, version=0)
    return Held(
        holder=organ,
        code=payload["code"],
        procedure=payload["procedure"],
        receiver=receiver,
        decider=decider,
        parties=_with((receiver,), decider),
        stamp=stamp,
        submitted=orjson.dumps(payload),
        due_at=_moment(payload.get("due_at")),
        summary=payload.get("summary"),
        created_at=envelope.time,
    )


def _from_snapshot(held: Held, snapshot: Mapping[str, Any], envelope: Envelope) -> Held:
    takers = [each["actor"] for each in snapshot.get("history", ()) if each["type"].endswith(".custody-accepted")]
    parties = held.parties
    for organ in (*takers, envelope.sender):
        parties = _with(parties, organ)
    return replace(held, parties=parties, papers=papers_of(snapshot) or held.papers)


def _step(envelope: Envelope, payload: Mapping[str, Any], status: int) -> Entry:
    submitted = envelope.type == SUBMITTED
    return Entry(
        transfer=envelope.id,
        type=envelope.type,
        action=payload.get("action") or _ACTION_OF[envelope.type],
        actor=envelope.sender,
        status=status,
        at=envelope.occurredat or envelope.time,
        reason=payload.get("reason"),
        offer=payload.get("offer", ""),
        taker=payload.get("to", ""),
        papers=None if submitted else papers_of(payload),
    )


def _remembered(entry: Mapping[str, Any]) -> Entry:
    """A step told by a snapshot."""
    kind = entry["type"].removeprefix(TYPE_PREFIX)
    return Entry(
        transfer=entry["transfer"],
        type=kind,
        action=_ACTION_OF.get(kind, ""),
        actor=entry["actor"],
        status=entry["status"],
        at=datetime.fromisoformat(entry["at"]),
        reason=entry.get("reason"),
    )


def _told(entry: Entry) -> dict[str, Any]:
    """A step as a snapshot tells it."""
    fields = {
        "transfer": entry.transfer,
        "type": TYPE_PREFIX + entry.type,
        "actor": entry.actor,
        "status": entry.status,
        "at": rfc3339(entry.at),
        "reason": entry.reason,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _with(organs: tuple[str, ...], organ: str) -> tuple[str, ...]:
    return organs if not organ or organ in organs else (*organs, organ)
