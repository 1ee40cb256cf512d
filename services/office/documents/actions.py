"""One function per verb on documents: issue, answer, look at. Nothing here commits."""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import orjson
from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.edxml.document_id import issue_document_id
from contracts.edxml.model import Status
from contracts.envelope import MAX_HEADER_BYTES
from contracts.identifiers import document_key, organ_key
from contracts.problems import HubError
from contracts.protocol import DeliveryState
from contracts.statuses import DocumentStatus
from services.kernel.clock import Clock
from services.kernel.messaging.inbox import lock_subjects
from services.office.attachments.actions import Attachments, with_sizes
from services.office.documents import edxml, rules, store
from services.office.documents.rules import ISSUED, STATUS_CHANGED, NewDocument, NewStatus, Parties, Step
from services.office.documents.store import Held, Place
from services.office.organs.actions import Organs
from services.office.organs.rules import Actor
from services.office.transfers import store as transfers_store
from services.office.transfers.actions import NewFact, Transfers

RECIPIENTS_BYTES: Final = MAX_HEADER_BYTES - 4 * 1024
"""Recipients travel in one header; the other attributes of the envelope need the rest."""
_LOST: Final = (DeliveryState.REFUSED, DeliveryState.CLOSED)


@dataclass(frozen=True, slots=True)
class View:
    """A document as its holder sees it."""

    held: Held
    issued: Mapping[str, Any]
    steps: Sequence[Step]


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

    async def issue(self, conn: AsyncConnection, actor: Actor, new: NewDocument) -> Held:
        """Stores the document with its fact. The same content under the same DocumentId gives the row that is there.

        Raises `document.exists` for other content, `recipient.*` when no recipient is left.
        """
        transfer = self._clock.new_id()
        document_id, present = await self._claim(conn, actor.organ, new, transfer)
        value, digest = rules.issued_payload(new, document_id, actor.organ)
        if present is not None:
            if present.digest != digest:
                raise HubError("document.exists", pointer=new.pointer("/document/document_id"))
            return present
        written, reached = self._recipients(new)
        with _pointing(new.pointer):
            fact = NewFact(
                id=transfer,
                type=ISSUED,
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
        return held

    async def answer(
        self, conn: AsyncConnection, actor: Actor, document: str, new: NewStatus
    ) -> tuple[Held, tuple[str, ...]]:
        """Stores a status with its fact; gives its transfers, none when it repeats what stands already."""
        code = rules.status_code(new.code, new.pointer("/code"))
        place = Place(actor.organ, document)
        await self._held(conn, place)
        await lock_subjects(conn, [document])
        held = await self._held(conn, place)
        if held.refused:
            raise HubError("request.conflict", "the document was refused and went nowhere")
        receivers = await self._receivers(conn, held) if code is DocumentStatus.TAKE_BACK else ()
        parties = Parties(holder=actor.organ, sender=held.sender, received=held.received, recipients=receivers)
        asked = self._asked(code, new, receivers)
        with _pointing(new.pointer):
            addressees = rules.addressees(parties, await store.steps(conn, place), code, asked)
        if not addressees:
            return held, ()
        step = self._step(actor, code, new, addressees)
        with _pointing(new.pointer):
            fact = NewFact(
                id=step.transfer,
                type=STATUS_CHANGED,
                subject=document,
                sender=actor.organ,
                value=rules.status_payload(step, new.staff, _reference(held)),
                recipients=addressees,
                system=actor.system,
                traceparent=actor.traceparent,
            )
        await self._transfers.open(conn, [fact])
        await store.add_steps(conn, [(place, step)])
        return held, (step.transfer,)

    async def meant(self, conn: AsyncConnection, actor: Actor, message: Status) -> str:
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

    async def view(self, conn: AsyncConnection, place: Place) -> View:
        """Raises `request.not_found` for what the organ does not hold."""
        held = await self._held(conn, place)
        return View(held, orjson.loads(held.issued), await store.steps(conn, place))

    async def with_attachments(self, conn: AsyncConnection, actor: Actor, fields: Mapping[str, Any]) -> dict[str, Any]:
        """The fields with the sizes of their attachments; raises `attachment.missing` for what was not put before."""
        given = fields.get("attachments", ())
        sizes = await self._attachments.sizes(conn, [(one["sha256"], actor.organ) for one in given])
        return {**fields, "attachments": with_sizes(given, actor.organ, sizes)}

    async def adopt(self, conn: AsyncConnection, actor: Actor, kept: Sequence[Mapping[str, Any]]) -> None:
        """The files that came in a message belong to the organ as if it had put each."""
        sizes = {one["sha256"]: one["size"] for one in kept}
        await self._attachments.share(conn, sizes, [(digest, actor.organ) for digest in sizes])

    async def fetch(self, conn: AsyncConnection, holder: str, digests: Iterable[str]) -> list[AsyncIterator[bytes]]:
        """The bytes of attachments the organ holds, opened."""
        return [(await self._attachments.fetch(conn, holder, digest))[1] for digest in digests]

    async def _claim(
        self, conn: AsyncConnection, organ: str, new: NewDocument, transfer: str
    ) -> tuple[str, Held | None]:
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

    async def _using(self, conn: AsyncConnection, organ: str, document_id: str) -> Held | None:
        """A row the gateway refused uses it no longer."""
        place = Place(organ, document_key(organ, document_id))
        await lock_subjects(conn, [place.id])
        held = (await store.find(conn, [place])).get(place)
        return None if held is None or held.refused else held

    def _recipients(self, new: NewDocument) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Recipients as written, each once, and those the directory knows; the gateway reports on every one."""
        written: dict[str, str] = {}
        for code in new.fields["to"]:
            written.setdefault(organ_key(code), code)
        if len(",".join(written.values())) > RECIPIENTS_BYTES:
            raise HubError("size.too_large", "too many recipients", pointer=new.pointer("/document/to"))
        found = [self._organs.resolve(code) for code in written.values()]
        reached = dict.fromkeys(each.organ.code for each in found if each.organ is not None and not each.problem)
        if not reached:
            raise HubError(found[0].problem or "recipient.unknown", pointer=new.pointer("/document/to/0"))
        return tuple(written.values()), tuple(reached)

    async def _receivers(self, conn: AsyncConnection, held: Held) -> tuple[str, ...]:
        """Whom the document went to as far as the gateway has told, else whom this office resolved."""
        transfer = await transfers_store.one(conn, transfers_store.Key(held.transfer, held.holder))
        told = transfer.deliveries if transfer else ()
        return tuple(each.organ for each in told if each.state not in _LOST) if told else held.recipients

    def _asked(self, code: DocumentStatus, new: NewStatus, receivers: Sequence[str]) -> list[str] | None:
        """The chosen recipients by their own codes, None when nobody was chosen."""
        if new.targets is None:
            return None
        if code is not DocumentStatus.TAKE_BACK:
            raise HubError("request.invalid", "only 13 is sent to chosen recipients", pointer=new.pointer("/to"))
        asked = []
        for place, name in enumerate(new.targets):
            found = self._organs.resolve(name).organ
            names = (self._organs.canonical(name), found.code if found else name)
            meant = next((each for each in names if each in receivers), None)
            if meant is None:
                pointer = new.pointer(f"/to/{place}")
                raise HubError("recipient.unknown", "not a recipient of this document", pointer=pointer)
            asked.append(meant)
        return asked

    def _step(self, actor: Actor, code: DocumentStatus, new: NewStatus, addressees: tuple[str, ...]) -> Step:
        now = self._clock.hub_now()
        return Step(
            transfer=self._clock.new_id(),
            organ=actor.organ,
            code=code,
            at=min(new.at or now, now),
            description=new.description,
            targets=addressees if code is DocumentStatus.TAKE_BACK else (),
        )

    async def _held(self, conn: AsyncConnection, place: Place) -> Held:
        held = (await store.find(conn, [place])).get(place)
        if held is None:
            raise HubError("request.not_found")
        return held


@contextmanager
def _pointing(pointer: Callable[[str], str]) -> Iterator[None]:
    """Refusals inside point into the payload; outside they point into what the caller sent."""
    try:
        yield
    except HubError as error:
        error.pointer = pointer(error.pointer)
        raise


def _reference(held: Held) -> dict[str, Any]:
    """The document as statuses name it."""
    fields = {
        "id": held.id,
        "document_id": held.document_id,
        "sender": orjson.loads(held.issued)["document"]["sender"],
        "code": held.code,
        "promulgated_on": held.promulgated_on,
    }
    return {name: value for name, value in fields.items() if value is not None}
