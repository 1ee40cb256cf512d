"""The Kafka door of documents: what came for organs here, and what the gateway told about own facts."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from contracts.messages.document import Recalled, StatusChanged, Updated
from contracts.protocol import Stamp
from contracts.statuses import DocumentStatus
from services.kernel.bulk import Reads, Writes
from services.kernel.connection import Connection
from services.office.documents import rules, store
from services.office.documents.course import ANSWERS, Change, Kind, course
from services.office.documents.rules import ISSUED, RECALLED, REPLACED, STATUS_CHANGED, UPDATED, Step
from services.office.documents.store import Held, Place
from services.office.doors import About, Addressee, Answer, Answers, Fact, Told

_NEW: Final = (ISSUED, REPLACED)
_CHANGING: Final = (RECALLED, UPDATED)


class DocumentDoor:
    """Implements `services.office.doors.Door`."""

    types: Collection[str] = frozenset({*_NEW, *_CHANGING, STATUS_CHANGED})

    def kind(self, message_type: str) -> str:
        return "status" if message_type == STATUS_CHANGED else "document"

    def href(self, subject: str) -> str:
        return f"/v1/documents/{subject}"

    def digests(self, fact: Fact) -> Collection[str]:
        return () if fact.envelope.type == STATUS_CHANGED else rules.digests(fact.payload)

    def visit(self, reads: Reads, about: About, answers: Answers) -> "DocumentVisit":
        return DocumentVisit(answers)

    async def lacking(self, conn: Connection, facts: Sequence[Fact]) -> Mapping[Addressee, str]:
        places = {
            Addressee(fact.envelope.id, organ): Place(organ, fact.envelope.subject)
            for fact in facts
            for organ in fact.organs
        }
        held = await store.find(conn, set(places.values()))
        return {addressee: "document.unknown" for addressee, place in places.items() if place not in held}


class DocumentVisit:
    """Implements `services.office.doors.Visit`, by statements of its own."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    async def receive(self, conn: Connection, facts: Sequence[Fact], now: datetime) -> Mapping[Addressee, str]:
        """Rows of recipients, then what was told of them; who does not hold the document cannot take a step of it."""
        new = [(fact, _received(fact, organ, now)) for fact, organ in _for_each(facts, _NEW)]
        await store.put_received(conn, [held for _, held in new])
        await store.add_replacements(
            conn, [(held, [each["id"] for each in fact.payload["replaces"]]) for fact, held in new if _replaces(fact)]
        )
        later = _for_each(facts, (*_CHANGING, STATUS_CHANGED))
        held = await store.find(conn, {Place(organ, fact.envelope.subject) for fact, organ in later})
        held |= await self._join(conn, later, held, now)
        refusals: dict[Addressee, str] = {}
        changes: list[tuple[Place, Change]] = []
        told: list[tuple[Place, Fact]] = []
        for fact, organ in later:
            place = Place(organ, fact.envelope.subject)
            if place not in held:
                refusals[Addressee(fact.envelope.id, organ)] = "document.unknown"
            elif fact.envelope.type == STATUS_CHANGED:
                told.append((place, fact))
            elif held[place].transfer != fact.envelope.id:
                changes.append((place, _change(fact, organ)))
        await store.add_changes(conn, changes)
        await self._take_steps(conn, told, held)
        return refusals

    async def _join(
        self, conn: Connection, facts: Sequence[tuple[Fact, str]], held: Mapping[Place, Held], now: datetime
    ) -> dict[Place, Held]:
        """An updated document is a new one to whom it is added. That is whoever does not hold it: an organ that took
        over from the one named is meant too."""
        joining: dict[Place, Held] = {}
        again: list[Held] = []
        for fact, organ in facts:
            place = Place(organ, fact.envelope.subject)
            if fact.envelope.type != UPDATED:
                continue
            if place not in held and place not in joining:
                joining[place] = _received(fact, organ, now)
            elif place in held and organ in fact.payload.get("added", ()):
                again.append(replace(held[place], received=True))
        await store.put_received(conn, [*joining.values(), *again])
        return joining

    async def _take_steps(
        self, conn: Connection, told: Sequence[tuple[Place, Fact]], held: Mapping[Place, Held]
    ) -> None:
        """An answer that does not say what it answers is meant for all that is open."""
        places = {place for place, _ in told}
        changes = await store.changes_of(conn, places)
        present = await store.steps_of(conn, places)
        steps: list[tuple[Place, Step]] = []
        answers: list[Answer] = []
        for place, fact in told:
            step = _step(fact, place.holder)
            if step.code in ANSWERS and not step.answers:
                step = replace(step, answers=course(changes[place], present[place], step.organ).open)
            present[place].append(step)
            steps.append((place, step))
            if held[place].box == "out" and step.code is not DocumentStatus.TAKE_BACK:
                answers += [_answer(held[place], step, each) for each in _answered(held[place], changes[place], step)]
        await store.add_steps(conn, steps)
        self._answers(answers)

    def mirror(self, stamps: Mapping[str, Stamp]) -> None:
        """Documents have no stamp."""

    async def take_word(self, conn: Connection, told: Sequence[Told]) -> None:
        """A refused document frees its DocumentId, a refused recall, update or step is taken back; all else changes
        nothing here."""
        refused = [each for each in told if each.verdict is not None]
        await store.refuse_documents(conn, _named(refused, _NEW))
        await store.refuse_changes(conn, _named(refused, _CHANGING))
        await store.refuse_steps(conn, _named(refused, (STATUS_CHANGED,)))

    def write(self, writes: Writes) -> None:
        """All is written."""


def _for_each(facts: Sequence[Fact], types: Collection[str]) -> list[tuple[Fact, str]]:
    return [(fact, organ) for fact in facts if fact.envelope.type in types for organ in fact.organs]


def _named(told: Sequence[Told], types: Collection[str]) -> list[tuple[Place, str]]:
    return [(Place(each.holder, each.subject), each.transfer) for each in told if each.type in types]


def _replaces(fact: Fact) -> bool:
    return fact.envelope.type == REPLACED


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


def _change(fact: Fact, organ: str) -> Change:
    is_update = fact.envelope.type == UPDATED
    added = organ in fact.payload.get("added", ())
    return Change(
        transfer=fact.envelope.id,
        kind=Kind.UPDATE if is_update else Kind.RECALL,
        at=(Updated if is_update else Recalled).model_validate(fact.payload).at,
        organs=() if added else (organ,),
        added=(organ,) if added else (),
        value=fact.envelope.value,
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
        answers=tuple(told.answers),
    )


def _answered(held: Held, changes: Sequence[Change], step: Step) -> list[str]:
    """The own transfers a step answers: what brought the document to the organ, and the changes it speaks of."""
    brought = [each.transfer for each in changes if step.organ in each.added]
    return list(dict.fromkeys([brought[-1] if brought else held.transfer, *step.answers]))


def _answer(held: Held, step: Step, transfer: str) -> Answer:
    return Answer(
        transfer=transfer,
        holder=held.holder,
        organ=step.organ,
        answer=step.transfer,
        code=step.code.value,
        at=step.at,
        description=step.description,
    )
