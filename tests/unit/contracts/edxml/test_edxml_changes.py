"""Recalls, updates and replacements between payloads and files."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from contracts.edxml import changes
from contracts.edxml.model import Business, Document, Organization, ReplacementInfo
from contracts.edxml.reader import read
from contracts.edxml.writer import write_document
from contracts.messages import document as messages

AT = datetime(2024, 6, 3, 1, tzinfo=UTC)
DOCUMENT = messages.Document(
    document_id="H28,2024/06/03,12/UB-VP",
    sender="H28",
    to=["H28.01", "G22"],
    number="12",
    notation="UB-VP",
    promulgated_on=date(2024, 6, 3),
    subject="V/v báo cáo",
)
REFERENCE = messages.DocumentReference(
    id="7b0c6cf4-5c55-5df1-a9e5-0a9d1b8b8a11",
    document_id=DOCUMENT.document_id,
    sender="H28",
    code="12/UB-VP",
    promulgated_on=DOCUMENT.promulgated_on,
)
NAMES = {"G22": "Văn phòng Chính phủ"}


def written(document: Document) -> Document:
    message = read(write_document(document))
    assert isinstance(message, Document)
    return message


def plain(business: Business | None, document_id: str = "own") -> Document:
    return Document(sender=Organization("G22"), to=(Organization("H28"),), document_id=document_id, business=business)


@pytest.mark.parametrize("about", [DOCUMENT, None])
def test_a_recall_names_the_document_in_both_places(about: messages.Document | None) -> None:
    fields = messages.Recalled(document=REFERENCE, reason="Gửi nhầm", staff="Văn thư", at=AT)
    message = written(changes.edxml_recall(fields, to=["G22"], about=about, names=NAMES))
    assert (message.doc_type, changes.earlier_ids(message)) == (1, (DOCUMENT.document_id,))
    assert [each.organ_id for each in message.to] == ["G22"]
    assert (message.to[0].organ_name, message.code) == (NAMES["G22"], "12/UB-VP")
    assert (changes.reason(message), changes.staff(message)) == ("Gửi nhầm", "Văn thư")
    assert message.subject == (DOCUMENT.subject if about else None)
    assert message.promulgation_date == DOCUMENT.promulgated_on


def test_an_update_lists_who_comes_and_who_goes() -> None:
    fields = messages.Updated(document=DOCUMENT, reason="Đính chính", added=["G22"], removed=["H28.02"], at=AT)
    message = written(changes.edxml_update(fields, names=NAMES))
    assert (message.doc_type, message.subject) == (2, DOCUMENT.subject)
    assert changes.receivers(message) == changes.Receivers(("G22",), ("H28.02",))
    [change] = message.business.document_changes if message.business else ()
    assert (change.document_info, change.document_receiver) == (1, 1)


def test_a_replacement_names_what_it_replaces() -> None:
    earlier = messages.Earlier(document_id="H28,2024/06/01,9/UB", id=REFERENCE.id)
    message = written(changes.edxml_replacement(messages.Replaced(document=DOCUMENT, replaces=[earlier]), names=NAMES))
    assert (message.doc_type, message.document_id) == (3, DOCUMENT.document_id)
    assert changes.replaced_ids(message) == ("H28,2024/06/01,9/UB",)


@pytest.mark.parametrize(
    ("business", "ids"),
    [
        (None, ("own",)),
        (Business(doc_type=1), ("own",)),
        (Business(doc_type=1, document_id="own"), ("own",)),
        (Business(doc_type=2, document_id="earlier"), ("earlier", "own")),
    ],
)
def test_the_earlier_document_is_named_here_or_there(business: Business | None, ids: tuple[str, ...]) -> None:
    assert changes.earlier_ids(plain(business)) == ids


@pytest.mark.parametrize(
    ("business", "ids"),
    [
        (None, ()),
        (Business(doc_type=3), ()),
        (Business(doc_type=3, document_id="a"), ("a",)),
        (
            Business(doc_type=3, replacements=(ReplacementInfo("a"), ReplacementInfo("b"), ReplacementInfo("a"))),
            ("a", "b"),
        ),
    ],
)
def test_replaced_documents_count_once(business: Business | None, ids: tuple[str, ...]) -> None:
    assert changes.replaced_ids(plain(business)) == ids


def test_a_message_without_business_says_nothing_of_it() -> None:
    message = plain(None)
    assert (changes.reason(message), changes.staff(message), changes.receivers(message)) == (
        None,
        None,
        changes.Receivers(),
    )
