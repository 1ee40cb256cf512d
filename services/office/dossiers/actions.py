"""One function per verb on dossiers, for lists where the path is hot. Nothing here commits or waits for the network."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import orjson

from contracts.custody import ACTIONS, Move
from contracts.directory import local_date
from contracts.envelope import rfc3339
from contracts.identifiers import dossier_organ, issue_dossier_code
from contracts.problems import PROBLEMS, HubError
from services.kernel.bulk import Writes
from services.kernel.clock import Clock
from services.kernel.connection import Connection
from services.kernel.messaging.inbox import lock_subjects
from services.office.attachments.actions import Attachments, untied, with_sizes
from services.office.attachments.actions import Held as HeldAttachments
from services.office.attachments.rules import Via
from services.office.attachments.store import Grant
from services.office.dossiers import rules, store
from services.office.dossiers.etags import ANY, IfMatch
from services.office.dossiers.rules import AWAITED, PENDING, SUBMITTED, TRANSFERRED, Entry, Held, View
from services.office.organs.actions import Organs
from services.office.organs.rules import Actor
from services.office.transfers.actions import NewFact, Transfers

CODES_PER_DAY = 10_000_000
"""The number of an issued code has seven digits; it starts again long after the day in the code is over."""


@dataclass(frozen=True, slots=True)
class NewDossier:
    """A dossier to submit; `fields` are those of the API, as JSON values."""

    actor: Actor
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What an organ wants to do with a dossier; `fields` are those of the API besides `action`. `if_match` is what
    the caller has seen, if it told."""

    action: str
    fields: Mapping[str, Any]
    if_match: IfMatch = ANY


@dataclass(frozen=True, slots=True)
class Outcome:
    """The dossier after a verb and the facts it made; `awaited` is the one whose stamp the caller may wait for."""

    view: View
    transfers: tuple[str, ...] = ()
    awaited: str | None = None
    offer: str = ""


@dataclass(frozen=True, slots=True)
class _Draft:
    held: Held
    fact: NewFact


class Dossiers:
    """The verbs, with what they need."""

    def __init__(self, transfers: Transfers, attachments: Attachments, organs: Organs, clock: Clock) -> None:
        self._transfers = transfers
        self._attachments = attachments
        self._organs = organs
        self._clock = clock
        self._numbers: list[int] = []

    async def submit(self, conn: Connection, dossiers: Sequence[NewDossier]) -> list[Outcome | HubError]:
        """Stores new dossiers with their facts, one statement a table; each ends in its outcome or why not.

        Chosen codes lock their subject; a code issued here is nobody else's.
        """
        await lock_subjects(conn, [each.fields["code"] for each in dossiers if "code" in each.fields])
        count = sum("code" not in each.fields for each in dossiers)
        numbers = self.numbers_at_hand(count)
        if numbers is None:
            numbers = await self.draw_numbers(conn, count)
        pairs = [(one["sha256"], each.actor.organ) for each in dossiers for one in each.fields.get("attachments", ())]
        attached = await self._attachments.held(conn, pairs)
        outcomes = await self._store(conn, self._drafts(dossiers, attached, numbers))
        # somebody may have chosen the code that was issued next: issue another
        taken = [place for place, each in enumerate(dossiers) if _is_taken(each, outcomes[place])]
        if taken:
            renewed = await self.submit(conn, [dossiers[place] for place in taken])
            for place, outcome in zip(taken, renewed, strict=True):
                outcomes[place] = outcome
        stored = [each for each, outcome in zip(dossiers, outcomes, strict=True) if isinstance(outcome, Outcome)]
        await self._attachments.tie(conn, [grant for each in stored for grant in _untied(each, attached)])
        return outcomes

    def issue(self, writes: Writes, dossiers: Sequence[NewDossier], numbers: Sequence[int]) -> list[Outcome | HubError]:
        """The same for dossiers that are all `plain`, one number each: nothing is read and nothing locked. The whole
        statement is refused (unique violation) if somebody has chosen one of the codes; `submit` issues others."""
        drafts = self._drafts(dossiers, {}, numbers)
        new = [draft for draft in drafts if isinstance(draft, _Draft)]
        store.add(writes, [draft.held for draft in new])
        now = self._transfers.gather_first(writes, [draft.fact for draft in new])
        return _outcomes(writes, drafts, new, now)

    def numbers_at_hand(self, count: int) -> list[int] | None:
        """So many numbers for codes, if as many were drawn before."""
        if len(self._numbers) < count:
            return None
        taken, self._numbers = self._numbers[:count], self._numbers[count:]
        return taken

    async def draw_numbers(self, conn: Connection, count: int) -> list[int]:
        """The same from the database; those drawn besides are at hand from now on."""
        drawn = await store.next_numbers(conn, count)
        self._numbers += drawn[count:]
        return drawn[:count]

    async def act(self, conn: Connection, actor: Actor, code: str, act: Act) -> Outcome:
        """One act of protocol.md 9 by one organ; raises at once what the gateway would refuse by what is known here."""
        shown = await self._locked(conn, actor.organ, code, act.if_match)
        waiting = shown.pending(act.action) if act.action in AWAITED else None
        if waiting:
            return Outcome(shown, awaited=waiting.transfer)
        if act.action == "accept_custody" and rules.has_taken(shown):
            return Outcome(shown)
        offer = shown.stamp.offer.id if shown.stamp.offer and act.action not in ACTIONS else ""
        move = rules.bind(shown, Move(action=act.action, actor=actor.organ, offer=offer))
        after = rules.plan(shown, move)
        if after is None:
            return Outcome(shown)
        status = after.stamp.status
        payload = await self._payload(conn, actor, shown, act, offer=offer, status=status)
        fact = _fact(actor, shown, move, payload, id_=self._clock.new_id())
        return await self._write(conn, shown, move, fact, status=status)

    async def offer(self, conn: Connection, actor: Actor, code: str, act: Act) -> Outcome:
        """Offers custody to the organ `to`; the dossier is frozen at once."""
        shown = await self._locked(conn, actor.organ, code, act.if_match)
        taker = self._organs.recipient(act.fields["to"], "/to")
        offer = self._clock.new_id()
        move = rules.bind(shown, Move(action="transfer", actor=actor.organ, offer=offer, taker=taker))
        rules.plan(shown, move)
        now = rfc3339(self._clock.hub_now())
        payload = {**act.fields, "code": code, "at": now, "offer": offer, "to": taker}
        whole = rules.with_snapshot(payload, shown)
        fact = _fact(actor, shown, move, whole, id_=self._clock.new_id())
        outcome = await self._write(conn, shown, move, fact, status=shown.stamp.status)
        return replace(outcome, offer=offer)

    async def show(self, conn: Connection, organ: str, code: str) -> View:
        """The dossier as the organ sees it; `request.not_found` when it holds none of that code. Its stamp and its
        steps are read one after the other: the subject must be locked, or the transaction see one moment."""
        held = (await store.load(conn, [(organ, code)])).get((organ, code))
        if held is None:
            raise HubError("request.not_found")
        return rules.view(held, (await store.history(conn, [held.key]))[held.key])

    async def word(self, conn: Connection, organ: str, code: str, transfer: str) -> bool:
        """True when the gateway has accepted the own fact, False while it has not told; raises its refusal."""
        state, refusal = await store.word_on(conn, (organ, code), transfer)
        if refusal is not None:
            raise HubError(refusal if refusal in PROBLEMS else "request.conflict", "the hub refused it")
        return state != PENDING

    async def _locked(self, conn: Connection, organ: str, code: str, if_match: IfMatch) -> View:
        await lock_subjects(conn, [code])
        shown = await self.show(conn, organ, code)
        if_match.require(shown)
        return shown

    def _drafts(
        self, dossiers: Sequence[NewDossier], attached: HeldAttachments, numbers: Sequence[int]
    ) -> list[_Draft | HubError]:
        """Each, or why not; `numbers` are for those without a code."""
        upcoming = iter(numbers)
        drafts: list[_Draft | HubError] = []
        for each in dossiers:
            try:
                drafts.append(self._draft(each, attached, upcoming))
            except HubError as error:
                drafts.append(error)
        return drafts

    def _draft(self, new: NewDossier, attached: HeldAttachments, numbers: Iterator[int]) -> _Draft:
        organ, now = new.actor.organ, self._clock.hub_now()
        code = new.fields.get("code")
        if code is None:
            code = issue_dossier_code(organ, local_date(now), next(numbers) % CODES_PER_DAY)
        elif self._organs.canonical(dossier_organ(code)) != organ:
            raise HubError("dossier.code_invalid", pointer="/code")
        attachments = with_sizes(new.fields.get("attachments", ()), new.actor, attached)
        payload = {**new.fields, "code": code, "receiving_organ": organ, "attachments": attachments}
        written = new.fields.get("deciding_organ")
        decider = self._organs.recipient(written, "/deciding_organ") if written else ""
        value = orjson.dumps(payload)
        held = rules.first(organ, code, decider=decider, value=value, payload=payload, now=now)
        fact = NewFact(
            id=self._clock.new_id(),
            type=SUBMITTED,
            subject=code,
            sender=organ,
            system=new.actor.system,
            recipients=tuple(party for party in held.parties if party != organ),
            traceparent=new.actor.traceparent,
            value=value,
        )
        return _Draft(held, fact)

    async def _store(self, conn: Connection, drafts: Sequence[_Draft | HubError]) -> list[Outcome | HubError]:
        """Writes what can be written; a code met twice, here or in the table, is in use."""
        distinct: dict[tuple[str, str], _Draft] = {}
        for draft in drafts:
            if isinstance(draft, _Draft):
                distinct.setdefault(draft.held.key, draft)
        added = await store.add_new(conn, [draft.held for draft in distinct.values()])
        new = [draft for key, draft in distinct.items() if key in added]
        writes = Writes()
        now = await self._transfers.gather(conn, writes, [draft.fact for draft in new])
        outcomes = _outcomes(writes, drafts, new, now)
        await writes.run(conn)
        return outcomes

    async def _payload(
        self, conn: Connection, actor: Actor, shown: View, act: Act, *, offer: str, status: int
    ) -> dict[str, Any]:
        fields = dict(act.fields)
        result = fields.get("result") or {}
        given = [*fields.get("attachments", ()), *result.get("attachments", ())]
        attached = await self._attachments.held(conn, [(one["sha256"], actor.organ) for one in given])
        if "attachments" in fields:
            fields["attachments"] = with_sizes(fields["attachments"], actor, attached)
        if "attachments" in result:
            papers = with_sizes(result["attachments"], actor, attached, "/result/attachments")
            fields["result"] = {**result, "attachments": papers}
        await self._attachments.tie(conn, untied(given, actor.organ, attached, Via.DOSSIER))
        fields |= {"code": shown.held.code, "at": rfc3339(self._clock.hub_now())}
        return fields | rules.marks_of(act.action, offer=offer, status=status)

    async def _write(self, conn: Connection, shown: View, move: Move, fact: NewFact, *, status: int) -> Outcome:
        writes = Writes()
        now = await self._transfers.gather(conn, writes, [fact])
        payload = orjson.loads(fact.value)
        entry = Entry(
            transfer=fact.id,
            type=fact.type,
            action=move.action,
            actor=move.actor,
            status=status,
            at=now,
            reason=payload.get("reason"),
            offer=move.offer,
            taker=move.taker,
            epoch=move.epoch,
            state=PENDING,
            papers=None if fact.type == TRANSFERRED else rules.papers_of(payload),
        )
        store.add_steps(writes, [(shown.held.key, entry)])
        await writes.run(conn)
        awaited = fact.id if move.action in AWAITED else None
        return Outcome(rules.view(shown.held, [*shown.history, entry]), (fact.id,), awaited)


def _fact(actor: Actor, shown: View, move: Move, payload: Mapping[str, Any], *, id_: str) -> NewFact:
    told = rules.audience(shown.dossier, move)
    return NewFact(
        id=id_,
        type=rules.message_of(move.action),
        subject=shown.held.code,
        sender=actor.organ,
        system=actor.system,
        recipients=told,
        epoch=move.epoch,
        traceparent=actor.traceparent,
        value=orjson.dumps(payload),
    )


def plain(new: NewDossier) -> bool:
    """One to store without a look at what is there: its code is issued here, and it names no attachments."""
    return "code" not in new.fields and not new.fields.get("attachments")


def _outcomes(
    writes: Writes, drafts: Sequence[_Draft | HubError], new: Sequence[_Draft], now: datetime
) -> list[Outcome | HubError]:
    """Gathers the first steps of the `new` among the drafts. One that is neither new nor refused is a code in use."""
    steps = {draft.fact.id: _submission(draft.fact, now) for draft in new}
    store.add_steps(writes, [(draft.held.key, steps[draft.fact.id]) for draft in new])
    return [
        Outcome(rules.view(draft.held, [steps[draft.fact.id]]), (draft.fact.id,))
        if isinstance(draft, _Draft) and draft.fact.id in steps
        else (draft if isinstance(draft, HubError) else HubError("dossier.exists", pointer="/code"))
        for draft in drafts
    ]


def _is_taken(new: NewDossier, outcome: Outcome | HubError) -> bool:
    return "code" not in new.fields and isinstance(outcome, HubError) and outcome.code == "dossier.exists"


def _untied(new: NewDossier, attached: HeldAttachments) -> list[Grant]:
    return untied(new.fields.get("attachments", ()), new.actor.organ, attached, Via.DOSSIER)


def _submission(fact: NewFact, now: datetime) -> Entry:
    return Entry(transfer=fact.id, type=SUBMITTED, action="submit", actor=fact.sender, status=1, at=now, state=PENDING)
