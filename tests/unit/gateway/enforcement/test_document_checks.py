"""Whom recalls and updates may reach when organs closed since the document was issued."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

import orjson

from contracts.directory import Directory
from contracts.envelope import Envelope
from contracts.identifiers import document_key
from contracts.levels import Level
from contracts.messages.registry import OrganChanged
from gateway.enforcement.checks import documents
from gateway.enforcement.rules import Case
from gateway.subjects.rules import DocumentState, SubjectState
from gateway.work import Registry

SENDER, CLOSED, HEIR, STRANGER = "000.01.21.H28", "000.02.21.H28", "H28.02", "H28.03"
NAME = "n,2024/06/03,1/UB"
SUBJECT = document_key(SENDER, NAME)
TODAY = date(2024, 6, 3)
DIRECTORY = Directory.from_organs(
    [
        *(OrganChanged(code=code, version=1, name=code, level=Level.COMMUNE) for code in (SENDER, HEIR, STRANGER)),
        OrganChanged(
            code=CLOSED,
            version=2,
            name=CLOSED,
            level=Level.COMMUNE,
            valid_to=date(2024, 1, 1),
            successors=[HEIR],
            default_successor=HEIR,
        ),
    ]
)


def verdict(kind: str, payload: dict[str, Any], *recipients: str) -> str | None:
    envelope = Envelope(
        id=str(uuid4()),
        source="urn:lienthong:h28:commune",
        type=kind,
        subject=SUBJECT,
        time=datetime(2024, 6, 3, tzinfo=UTC),
        sender=SENDER,
        recipients=recipients,
        value=orjson.dumps(payload),
    )
    issued = DocumentState(
        sender=SENDER, document_id=NAME, issued_source="s", issued_id="i", recipients=(CLOSED, "H28.09")
    )
    case = Case(
        envelope=envelope,
        level="commune",
        state=SubjectState(subject=SUBJECT, document=issued),
        registry=Registry(directory=DIRECTORY, systems={}, speakers={}, hub="h28", on=TODAY),
        payload=payload,
        sender=SENDER,
        recipients=tuple(HEIR if each == CLOSED else each for each in recipients),
    )
    found = documents.check(case)
    return found.code if found else None


def recalled(*to: str) -> str | None:
    return verdict("document.recalled", {"document": {"id": SUBJECT}}, *to)


def updated(*to: str, added: tuple[str, ...] = ()) -> str | None:
    document = {"document_id": NAME, "sender": SENDER}
    return verdict("document.updated", {"document": document, "added": list(added)}, *to)


def test_the_successor_of_a_recipient_is_reached() -> None:
    assert recalled(CLOSED) is None
    assert updated(CLOSED) is None


def test_who_never_had_the_document_is_not_asked_for_it() -> None:
    assert recalled(STRANGER) == "document.unknown"
    assert recalled(CLOSED, STRANGER) == "document.unknown"


def test_who_is_added_must_be_named() -> None:
    assert updated(CLOSED, STRANGER) == "contract.invalid"
    assert updated(CLOSED, STRANGER, added=(STRANGER.lower(),)) is None


def test_what_the_registry_does_not_know_is_the_other_checks_matter() -> None:
    assert recalled(CLOSED, "H99.99") is None
