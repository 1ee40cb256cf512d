"""One function per verb on documents: issue, answer, look at. Nothing here commits."""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import orjson

from contracts.directory import UNDECIDED
from contracts.edxml.document_id import issue_document_id
from contracts.edxml.model import Status
from contracts.envelope import MAX_HEADER_BYTES
from contracts.identifiers import document_key, organ_key
from contracts.problems import HubError
from contracts.statuses import DocumentStatus
from services.kernel.clock import Clock
from services.kernel.connection import Connection
from services.kernel.messaging.inbox import lock_subjects
from services.office.attachments.actions import Attachments, untied, with_sizes
from services.office.attachments.rules import Via
from services.office.attachments.store import Grant
from services.office.documents import edxml, reading, rules, store
from services.office.documents.course import ANSWERS, State
from services.office.documents.reading import View
from services.office.documents.rules import STATUS_CHANGED, NewDocument, NewStatus, Parties, Step
from services.office.documents.store import Held, Place, Wanted
from services.office.organs.actions import Organs
from services.office.organs.rules import Actor
from services.office.transfers.actions import NewFact, Transfers

RECIPIENTS_BYTES: Final = MAX_HEADER_BYTES - 4 * 1024
"""Recipients travel in one header; the other attributes of the envelope need the rest."""


class Documents:
    """The verbs, with what they need."""

    def __init__(self, transfers: Transfers, attachments: Attachments, organs: Organs, clock: Clock) -> None:
        self._transfers = transfers
        self._attachments = attachments
        self._organs = organs
        self._clock = clock

    def require_speaker(self, actor: Actor, written: str, pointer: str) -> None:
        """What a file says of its sender must mean the organ acted for."""
        if self._organs.canonical(written) != actor.organ:
            raise HubError("organ.forbidden", "the sender named is not the acting organ", pointer=pointer)

    async def issue(self, conn: Connection, actor: Actor, new: NewDocument) -> Held:
        """Stores the document with its fact. The same content under the same DocumentId gives the row that is there;
        raises `document.exists` for other content, `recipient.*` when no recipient is left."""
        transfer = self._clock.new_id()
        document_id, present = await self._claim(conn, actor.organ, new, transfer)
        value, digest = rules.issued_payload(new, document_id, actor.organ)
        if present is not None:
            if present.digest != digest:
                raise HubError("document.exists", pointer=new.pointer("/document/document_id"))
            return present
        written, reached = self.recipients(new.fields["to"], lambda place: new.pointer(f"/document/to{place}"))
        with pointing(new.pointer):
            fact = NewFact(
                id=transfer,
                type=new.type,
                subject=document_key(actor.organ, document_id),
                sender=actor.organ,
                value=value,
                recipients=written,
                system=actor.system,
                traceparent=actor.traceparent,
                priority=new.fields.get("priority", 0),
            )
        held = Held(
            holder=actor.organ,
            id=fact.subject,
            document_id=document_id,
            sender=actor.organ,
            code=rules.code_of(new.fields),
            promulgated_on=rules.day_of(new.fields),
            transfer=transfer,
            issued=value,
            digest=digest,
            recipients=reached,
            created_at=await self._transfers.open(conn, [fact]),
        )
        await store.put_own(conn, held)
        await store.add_replacements(conn, [(held, [each["id"] for each in new.replaces])])
        return held

    async def answer(
        self, conn: Connection, actor: Actor, document: str, new: NewStatus
    ) -> tuple[Held, tuple[str, ...]]:
        """Stores a status with its fact; gives its transfers, none when it repeats what stands already."""
        code = rules.status_code(new.code, new.pointer("/code"))
        place = Place(actor.organ, document)
        await self.held(conn, place)
        await lock_subjects(conn, [document])
        view = await self.view(conn, place)
        held = view.held
        require_sent(held)
        receivers = await reading.receivers(conn, held, view.changes) if code is DocumentStatus.TAKE_BACK else ()
        parties = Parties(holder=actor.organ, sender=held.sender, received=held.received, recipients=receivers)
        targets = self._targets(code, new, receivers)
        with pointing(new.pointer):
            addressees = rules.addressees(parties, view.steps, code, targets, asked=view.own.open)
        if not addressees:
            return held, ()
        _require_in_force(view, code)
        step = self._step(actor, code, new, addressees, view.own.open)
        with pointing(new.pointer):
            fact = NewFact(
                id=step.transfer,
                type=STATUS_CHANGED,
                subject=document,
                sender=actor.organ,
                value=rules.status_payload(step, new.staff, reference(held)),
                recipients=addressees,
                system=actor.system,
                traceparent=actor.traceparent,
            )
        await self._transfers.open(conn, [fact])
        await store.add_steps(conn, [(place, step)])
        return held, (step.transfer,)

    async def meant(self, conn: Connection, actor: Actor, message: Status) -> str:
        """The document a status message is about, by its DocumentId, else by number and notation when only one fits.

        Raises `document.unknown` when the organ holds no such document.
        """
        own = message.status_code == DocumentStatus.TAKE_BACK
        sender = actor.organ if own else self._organs.canonical(message.addressee)
        named = message.response_for
        if named.document_id is not None:
            found = await store.find(conn, [Place(actor.organ, document_key(sender, named.document_id))])
            fitting = list(found.values())
        else:
            code, day = rules.plain(named.code or ""), named.promulgation_date
            fitting = await store.find_by_code(conn, actor.organ, sender=sender, code=code, promulgated_on=day)
        if len(fitting) != 1:
            raise HubError("document.unknown", pointer=edxml.status_element("/document"))
        return fitting[0].id

    async def sent(self, conn: Connection, actor: Actor, names: Sequence[str], pointer: str) -> str:
        """The id of the organ's own document with the first of these DocumentIds it has sent.

        Raises `document.unknown` when it has sent none of them.
        """
        places = [Place(actor.organ, document_key(actor.organ, name)) for name in names]
        found = await store.find(conn, places)
        for place in places:
            if place in found:
                return place.id
        raise HubError("document.unknown", pointer=pointer)

    async def view(self, conn: Connection, place: Place) -> View:
        """Raises `request.not_found` for what the organ does not hold."""
        return (await reading.look(conn, [await self.held(conn, place)]))[0]

    async def page(self, conn: Connection, holder: str, wanted: Wanted, limit: int) -> list[View]:
        """Newest first, one more than `limit` when there are more."""
        return await reading.look(conn, await store.page(conn, holder, wanted, limit + 1))

    async def with_attachments(
        self, conn: Connection, actor: Actor, fields: Mapping[str, Any]
    ) -> tuple[dict[str, Any], list[Grant]]:
        """The fields with the sizes of their attachments, and what to `tie` once the document is stored; raises
        `attachment.missing` for what the system may not use."""
        given = fields.get("attachments", ())
        held = await self._attachments.held(conn, [(one["sha256"], actor.organ) for one in given])
        named = {**fields, "attachments": with_sizes(given, actor, held)}
        return named, untied(given, actor.organ, held, Via.DOCUMENT)

    async def tie(self, conn: Connection, grants: Sequence[Grant]) -> None:
        """Whoever reads documents of the organ may fetch what its own one names."""
        await self._attachments.tie(conn, grants)

    async def adopt(self, conn: Connection, actor: Actor, kept: Sequence[Mapping[str, Any]]) -> None:
        """The files that came in a message belong to the organ as if it had put each."""
        sizes = {one["sha256"]: one["size"] for one in kept}
        await self._attachments.adopt(conn, actor.organ, sizes)

    async def fetch(self, conn: Connection, holder: str, digests: Iterable[str]) -> list[AsyncIterator[bytes]]:
        """The bytes of attachments the organ holds, opened."""
        return [(await self._attachments.fetch(conn, holder, digest, ("document:read",)))[1] for digest in digests]

    async def _claim(self, conn: Connection, organ: str, new: NewDocument, transfer: str) -> tuple[str, Held | None]:
        """The DocumentId, its subject locked, with the row that uses it already.

        An issued id is nobody's yet: when the plain one is taken a fourth field makes it unique, behind the third,
        which some clients read as the code.
        """
        chosen = new.fields.get("document_id")
        if chosen is not None:
            return chosen, await self._using(conn, organ, chosen)
        day, code = rules.day_of(new.fields), rules.code_of(new.fields)
        if day is None or not code:
            raise HubError("request.invalid", "number or notation is needed", pointer=new.pointer("/document/number"))
        plain = issue_document_id(organ, day, code)
        if await self._using(conn, organ, plain) is None:
            return plain, None
        unique = f"{plain},{transfer[-12:]}"
        return unique, await self._using(conn, organ, unique)

    async def _using(self, conn: Connection, organ: str, document_id: str) -> Held | None:
        """A row the gateway refused uses it no longer."""
        place = Place(organ, document_key(organ, document_id))
        await lock_subjects(conn, [place.id])
        held = (await store.find(conn, [place])).get(place)
        return None if held is None or held.refused else held

    def recipients(
        self, codes: Sequence[str], pointer: Callable[[str], str], *, others: bool = False
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Recipients as written, each once, and those the directory knows; the gateway reports on every one.

        A closed organ with several successors is one of them: what is sent to it waits there until a person chooses.
        Raises `recipient.*` when none is known, unless there are `others`.
        """
        written: dict[str, str] = {}
        for code in codes:
            written.setdefault(organ_key(code), code)
        if len(",".join(written.values())) > RECIPIENTS_BYTES:
            raise HubError("size.too_large", "too many recipients", pointer=pointer(""))
        found = [self._organs.resolve(code) for code in written.values()]
        reached = dict.fromkeys(
            each.organ.code for each in found if each.organ is not None and each.problem in (None, UNDECIDED)
        )
        if not reached and not others:
            raise HubError(found[0].problem or "recipient.unknown", pointer=pointer("/0"))
        return tuple(written.values()), tuple(reached)

    def _targets(self, code: DocumentStatus, new: NewStatus, receivers: Sequence[str]) -> list[str] | None:
        """The chosen recipients by their own codes, None when nobody was chosen."""
        if new.targets is None:
            return None
        if code is not DocumentStatus.TAKE_BACK:
            raise HubError("request.invalid", "only 13 is sent to chosen recipients", pointer=new.pointer("/to"))
        return self.chosen(new.targets, receivers, lambda place: new.pointer(f"/to/{place}"))

    def chosen(self, names: Sequence[str], receivers: Sequence[str], pointer: Callable[[int], str]) -> list[str]:
        """These receivers by their own codes; raises `recipient.unknown` at the first that is none."""
        found = []
        for place, name in enumerate(names):
            meant = self.meaning(name, receivers)
            if meant is None:
                raise HubError("recipient.unknown", "not a recipient of this document", pointer=pointer(place))
            found.append(meant)
        return found

    def known(self, names: Sequence[str], receivers: Sequence[str]) -> list[str]:
        """The receivers among these names, by their own codes."""
        return [meant for name in names if (meant := self.meaning(name, receivers)) is not None]

    def meaning(self, name: str, receivers: Sequence[str]) -> str | None:
        """The receiver a code means today, by its own code."""
        found = self._organs.resolve(name).organ
        names = (self._organs.canonical(name), found.code if found else name)
        return next((each for each in names if each in receivers), None)

    def _step(
        self, actor: Actor, code: DocumentStatus, new: NewStatus, addressees: tuple[str, ...], asked: tuple[str, ...]
    ) -> Step:
        now = self._clock.hub_now()
        return Step(
            transfer=self._clock.new_id(),
            organ=actor.organ,
            code=code,
            at=min(new.at or now, now),
            description=new.description,
            targets=addressees if code is DocumentStatus.TAKE_BACK else (),
            answers=asked if code in ANSWERS else (),
        )

    async def held(self, conn: Connection, place: Place) -> Held:
        held = (await store.find(conn, [place])).get(place)
        if held is None:
            raise HubError("request.not_found")
        return held


def require_sent(held: Held) -> None:
    if held.refused:
        raise HubError("request.conflict", "the document was refused and went nowhere")


def _require_in_force(view: View, code: DocumentStatus) -> None:
    """What was given back or replaced is not handled any more; that it has arrived may be told late."""
    if code is DocumentStatus.TAKE_BACK:
        closed = view.state is not State.CURRENT
    else:
        gone = view.own.recalled or view.replaced_by is not None
        closed = gone and code is not DocumentStatus.ARRIVED and code not in ANSWERS
    if closed:
        raise HubError("document.closed", pointer="/code")


@contextmanager
def pointing(pointer: Callable[[str], str]) -> Iterator[None]:
    """Refusals inside point into the payload; outside they point into what the caller sent."""
    try:
        yield
    except HubError as error:
        error.pointer = pointer(error.pointer)
        raise


def reference(held: Held) -> dict[str, Any]:
    """The document as statuses name it."""
    fields = {
        "id": held.id,
        "document_id": held.document_id,
        "sender": orjson.loads(held.issued)["document"]["sender"],
        "code": held.code,
        "promulgated_on": held.promulgated_on,
    }
    return {name: value for name, value in fields.items() if value is not None}
