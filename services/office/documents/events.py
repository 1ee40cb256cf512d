"""The Kafka door of documents: what came for organs here, and what the gateway told about own facts."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.messages.document import StatusChanged
from contracts.statuses import DocumentStatus
from services.office.documents import rules, store
from services.office.documents.rules import ISSUED, STATUS_CHANGED, Step
from services.office.documents.store import Held, Place
from services.office.doors import Addressee, Fact, Told
from services.office.transfers.actions import Transfers
from services.office.transfers.rules import Answer


class DocumentDoor:
    """Implements `services.office.doors.Door`."""

    types: Collection[str] = frozenset({ISSUED, STATUS_CHANGED})

    def __init__(self, transfers: Transfers) -> None:
        self._transfers = transfers

    def kind(self, message_type: str) -> str:
        return "document" if message_type == ISSUED else "status"

    def href(self, subject: str) -> str:
        return f"/v1/documents/{subject}"

    def digests(self, fact: Fact) -> Collection[str]:
        return rules.digests(fact.payload) if fact.envelope.type == ISSUED else ()

    async def receive(self, conn: AsyncConnection, facts: Sequence[Fact], now: datetime) -> Mapping[Addressee, str]:
        """Rows of recipients and the steps told; who does not hold the document cannot take a step of it."""
        issued = [(fact, organ) for fact in facts if fact.envelope.type == ISSUED for organ in fact.organs]
        await store.put_received(conn, [_received(fact, organ, now) for fact, organ in issued])
        told = [(fact, organ) for fact in facts if fact.envelope.type == STATUS_CHANGED for organ in fact.organs]
        held = await store.find(conn, {Place(organ, fact.envelope.subject) for fact, organ in told})
        refusals: dict[Addressee, str] = {}
        steps: list[tuple[Place, Step]] = []
        answers: list[Answer] = []
        for fact, organ in told:
            place = Place(organ, fact.envelope.subject)
            if place not in held:
                refusals[Addressee(fact.envelope.id, organ)] = "document.unknown"
                continue
            step = _step(fact, organ)
            steps.append((place, step))
            if held[place].box == "out" and step.code is not DocumentStatus.TAKE_BACK:
                answers.append(_answer(held[place], step))
        await store.add_steps(conn, steps)
        await self._transfers.answer(conn, answers)
        return refusals

    async def take_word(self, conn: AsyncConnection, told: Sequence[Told]) -> None:
        """A refused document frees its DocumentId and a refused step is taken back; all else changes nothing here."""
        refused = [each for each in told if each.verdict is not None]
        await store.refuse_documents(conn, _named(refused, ISSUED))
        await store.refuse_steps(conn, _named(refused, STATUS_CHANGED))


def _named(told: Sequence[Told], message_type: str) -> list[tuple[Place, str]]:
    return [(Place(each.holder, each.subject), each.transfer) for each in told if each.type == message_type]


def _received(fact: Fact, organ: str, now: datetime) -> Held:
    fields = fact.payload["document"]
    return Held(
        holder=organ,
        id=fact.envelope.subject,
        document_id=fields["document_id"],
        sender=fact.envelope.sender,
        code=rules.code_of(fields),
        promulgated_on=rules.day_of(fields),
        transfer=fact.envelope.id,
        issued=fact.envelope.value,
        digest="",
        created_at=now,
        received=True,
    )


def _step(fact: Fact, organ: str) -> Step:
    told = StatusChanged.model_validate(fact.payload)
    return Step(
        transfer=fact.envelope.id,
        organ=fact.envelope.sender,
        code=told.code,
        at=told.at,
        description=told.description,
        targets=(organ,) if told.code is DocumentStatus.TAKE_BACK else (),
    )


def _answer(held: Held, step: Step) -> Answer:
    return Answer(
        transfer=held.transfer,
        holder=held.holder,
        organ=step.organ,
        answer=step.transfer,
        code=step.code.value,
        at=step.at,
        description=step.description,
    )
