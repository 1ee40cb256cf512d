"""What a sender does with a document that is out: recall, update, replace it. Nothing here commits."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from contracts.identifiers import document_key, organ_key
from contracts.problems import HubError
from services.kernel.clock import Clock
from services.kernel.connection import Connection
from services.kernel.messaging.inbox import lock_subjects
from services.office.documents import reading, rules, store
from services.office.documents.actions import RECIPIENTS_BYTES, Documents, pointing, reference, require_sent
from services.office.documents.course import Change, Kind, State
from services.office.documents.reading import View
from services.office.documents.rules import RECALLED, UPDATED, NewDocument, NewRecall, NewUpdate
from services.office.documents.store import Held, Place
from services.office.organs.rules import Actor
from services.office.transfers.actions import NewFact, Transfers

Outcome = tuple[Held, tuple[str, ...]]
"""The document and the transfers that tell; none when everything stood that way already."""


class Changes:
    """The verbs, with what they need."""

    def __init__(self, documents: Documents, transfers: Transfers, clock: Clock) -> None:
        self._documents = documents
        self._transfers = transfers
        self._clock = clock

    async def recall(self, conn: Connection, actor: Actor, document: str, new: NewRecall) -> Outcome:
        """Asks those who have the document to give it back; who is asked already is not asked again.

        Raises `document.closed` when all of them gave it back, or another stands in its place.
        """
        view = await self._own(conn, actor, document)
        _require_current(view)
        receivers = await reading.receivers(conn, view.held, view.changes)
        asked: Sequence[str] = receivers
        if new.targets is not None:
            asked = self._named(new.targets, receivers, new.pointer("/to"), loose=new.loose)
            if not asked:
                raise HubError("recipient.unknown", "none of them has the document", pointer=new.pointer("/to"))
        with_it = [organ for organ in dict.fromkeys(asked) if not view.at(organ).recalled]
        if not with_it:
            raise HubError("document.closed" if asked else "recipient.none", "nobody has the document")
        organs = tuple(organ for organ in with_it if not _is_asked_back(view, organ))
        if not organs:
            return view.held, ()
        now = self._clock.hub_now()
        with pointing(new.pointer):
            fact, change = self._recall(actor, view.held, new, organs, now)
        await self._tell(conn, view.held, [(fact, change)])
        return view.held, (change.transfer,)

    async def update(self, conn: Connection, actor: Actor, document: str, new: NewUpdate) -> Outcome:
        """Tells the whole document anew to those who have it and those added; those removed are told a recall.

        Raises `document.closed` for what was given back or replaced.
        """
        view = await self._own(conn, actor, document)
        _require_current(view)
        receivers = await reading.receivers(conn, view.held, view.changes)
        removed = self._named(new.remove, receivers, new.pointer("/remove"), loose=new.loose)
        kept = [organ for organ in receivers if organ not in removed and not view.at(organ).recalled]
        known = view.issued["document"]
        before = {organ_key(code) for code in known["to"]}
        named = [*new.add, *(code for code in new.to if organ_key(code) not in before)]
        written, reached = self._joining(named, kept, new)
        if not kept and not written:
            raise HubError("request.invalid", "nobody is left: recall the document", pointer=new.pointer("/remove"))
        fields = {**known, **new.fields, "to": self._addressed(known["to"], removed, written)}
        if not (removed or written) and rules.same_fields(known, fields):
            return view.held, ()
        now = self._clock.hub_now()
        change = Change(
            transfer=self._clock.new_id(),
            kind=Kind.UPDATE,
            at=now,
            organs=tuple(kept),
            added=reached,
            removed=tuple(removed),
            value=rules.updated_payload(new, fields, added=reached, removed=removed, at=now),
        )
        with pointing(new.pointer):
            told = [(_fact(actor, view.held, UPDATED, change, (*kept, *written)), change)]
            if removed:
                told.append(self._recall(actor, view.held, NewRecall(reason=new.reason), tuple(removed), now))
        await self._tell(conn, view.held, told)
        return view.held, tuple(each.transfer for _, each in told)

    async def replace(self, conn: Connection, actor: Actor, documents: Mapping[str, str], new: NewDocument) -> Held:
        """A new document in the place of these: ids, with where the body names each, empty for the one of the path.

        The same content under the same DocumentId gives the row that is there.
        """
        chosen = new.fields.get("document_id")
        own = document_key(actor.organ, chosen) if chosen else None
        earlier = [
            await self._replaceable(conn, Place(actor.organ, document), own, pointer)
            for document, pointer in documents.items()
        ]
        replaces = [{"document_id": held.document_id, "id": held.id} for held in earlier]
        return await self._documents.issue(conn, actor, replace(new, replaces=replaces))

    async def _replaceable(self, conn: Connection, place: Place, by: str | None, pointer: str) -> Held:
        """`pointer` is set for documents the body names."""
        try:
            view = await self._documents.view(conn, place)
            _require_sender(view.held)
        except HubError as error:
            if pointer:
                raise HubError("document.unknown", pointer=pointer) from error
            raise
        require_sent(view.held)
        if view.replaced_by is not None and view.replaced_by.id != by:
            raise HubError("document.closed", pointer=pointer)
        return view.held

    async def _own(self, conn: Connection, actor: Actor, document: str) -> View:
        """The sender's row, its subject locked."""
        place = Place(actor.organ, document)
        _require_sender(await self._documents.held(conn, place))
        await lock_subjects(conn, [document])
        view = await self._documents.view(conn, place)
        require_sent(view.held)
        return view

    def _named(self, names: Sequence[str], receivers: Sequence[str], pointer: str, *, loose: bool) -> list[str]:
        if loose:
            return self._documents.known(names, receivers)
        return self._documents.chosen(names, receivers, lambda place: f"{pointer}/{place}")

    def _joining(
        self, codes: Sequence[str], kept: Sequence[str], new: NewUpdate
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Those added, as written and as the directory has them."""
        joining = [code for code in codes if self._documents.meaning(code, kept) is None]
        if not joining:
            return (), ()
        return self._documents.recipients(joining, lambda place: new.pointer(f"/add{place}"), others=bool(kept))

    def _addressed(self, to: Sequence[str], removed: Sequence[str], written: Sequence[str]) -> list[str]:
        """The recipients the document names from now on, as they were written."""
        left = [code for code in to if self._documents.meaning(code, removed) is None]
        found: dict[str, str] = {}
        for code in (*left, *written):
            found.setdefault(organ_key(code), code)
        return list(found.values())

    def _recall(
        self, actor: Actor, held: Held, new: NewRecall, organs: tuple[str, ...], now: datetime
    ) -> tuple[NewFact, Change]:
        value = rules.recalled_payload(new, reference(held), now)
        change = Change(transfer=self._clock.new_id(), kind=Kind.RECALL, at=now, organs=organs, value=value)
        return _fact(actor, held, RECALLED, change, organs), change

    async def _tell(self, conn: Connection, held: Held, told: Sequence[tuple[NewFact, Change]]) -> None:
        await self._transfers.open(conn, [fact for fact, _ in told])
        await store.add_changes(conn, [(held.place, change) for _, change in told])


def _fact(actor: Actor, held: Held, type_: str, change: Change, recipients: tuple[str, ...]) -> NewFact:
    if len(",".join(recipients)) > RECIPIENTS_BYTES:
        raise HubError("size.too_large", "too many recipients")
    document: Mapping[str, Any] = change.payload["document"]
    return NewFact(
        id=change.transfer,
        type=type_,
        subject=held.id,
        sender=actor.organ,
        value=change.value,
        recipients=recipients,
        system=actor.system,
        traceparent=actor.traceparent,
        priority=document.get("priority", 0),
    )


def _require_sender(held: Held) -> None:
    if held.box != "out":
        raise HubError("organ.forbidden", "only the sender recalls, updates or replaces a document")


def _require_current(view: View) -> None:
    if view.state is not State.CURRENT:
        raise HubError("document.closed")


def _is_asked_back(view: View, organ: str) -> bool:
    """By a recall or a 13 that waits for its answer."""
    updates = {each.transfer for each in view.changes if each.kind is Kind.UPDATE}
    return any(transfer not in updates for transfer in view.at(organ).open)
