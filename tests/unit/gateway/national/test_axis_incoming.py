"""Documents from the national axis as facts: recalls, updates and replacements of central organs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from contracts import registry
from contracts.directory import Directory
from contracts.edxml.model import (
    RECEIVER_ADDED,
    RECEIVER_REMOVED,
    Business,
    Document,
    DocumentChange,
    Organization,
    Receiver,
    ReplacementInfo,
    TraceHeader,
)
from contracts.edxml.writer import write_document
from contracts.envelope import Envelope
from contracts.identifiers import document_key
from contracts.levels import Level
from contracts.messages.base import Attachment
from contracts.messages.registry import OrganChanged
from gateway.national.incoming import Arrived, facts, mentioned
from gateway.national.rules import Unfit
from gateway.subjects.rules import DocumentState

AT = datetime(2024, 6, 3, 1, tzinfo=UTC)
ONE, OTHER, THIRD = "000.01.21.H28", "000.02.21.H28", "000.03.21.H28"
EARLIER = "G22,2024/06/01,7/VPCP"
KEY = document_key("G22", EARLIER)
STATE = DocumentState(
    sender="G22", document_id=EARLIER, issued_source="s", issued_id="i", recipients=(ONE, OTHER), code="7/VPCP"
)
DIRECTORY = Directory.from_organs(
    [
        *(OrganChanged(code=code, version=1, name=code, level=Level.COMMUNE) for code in (ONE, OTHER, THIRD)),
        *(OrganChanged(code=code, version=1, name=code, level=Level.CENTRAL, home="axis") for code in ("G22", "G09")),
    ]
)
ORIGINAL = Attachment(sha256="a" * 64, name="van-ban.edxml", media_type="application/edxml+xml", size=1)


def message(*to: str, business: Business | None = None, **changes: Any) -> Document:
    made = Document(
        sender=Organization("G22"),
        to=tuple(Organization(each) for each in to),
        document_id="G22,2024/06/03,9/VPCP",
        subject="V/v mới",
        business=business,
        trace_headers=(TraceHeader("G22", AT),),
    )
    return replace(made, **changes)


def taken(document: Document, *, known: bool = True, data: bytes | None = None) -> list[Envelope]:
    arrived = Arrived(
        message=document,
        data=data or write_document(document),
        source="urn:lienthong:h28:gateway",
        directory=DIRECTORY,
        at=AT,
        attachments=[],
        original=ORIGINAL,
        known={KEY: STATE} if known else {},
    )
    found = facts(arrived)
    for envelope in found:
        assert registry.validate(envelope.contract, envelope.value) is None
    return found


def payload(envelope: Envelope) -> dict[str, Any]:
    read: dict[str, Any] = orjson.loads(envelope.value)
    return read


def test_a_new_document_goes_to_our_organs_only() -> None:
    [fact] = taken(message(ONE, "G09", "H99", OTHER))
    assert (fact.type, fact.recipients) == ("document.issued", (ONE, OTHER))
    assert fact.subject == document_key("G22", "G22,2024/06/03,9/VPCP")


@pytest.mark.parametrize("named_in", ["header", "business"])
def test_a_recall_asks_those_who_have_the_document(named_in: str) -> None:
    business = Business(doc_type=1, doc_reason="Nhầm", document_id=EARLIER if named_in == "business" else None)
    changes = {} if named_in == "business" else {"document_id": EARLIER}
    [fact] = taken(message(ONE, THIRD, business=business, **changes))
    assert (fact.type, fact.subject, fact.recipients) == ("document.recalled", KEY, (ONE,))
    told = payload(fact)
    assert (told["reason"], told["document"]["document_id"], told["original"]["name"]) == (
        "Nhầm",
        EARLIER,
        "van-ban.edxml",
    )


def test_a_recall_of_what_never_came_is_refused() -> None:
    with pytest.raises(Unfit, match=r"document\.unknown"):
        taken(message(ONE, business=Business(doc_type=1, document_id=EARLIER)), known=False)
    with pytest.raises(Unfit):
        taken(message(THIRD, business=Business(doc_type=1, document_id=EARLIER)))


def test_an_update_adds_whom_it_names_and_recalls_from_whom_it_removes() -> None:
    listed = (Receiver(THIRD, RECEIVER_ADDED), Receiver(OTHER, RECEIVER_REMOVED))
    business = Business(doc_type=2, document_id=EARLIER, document_changes=(DocumentChange(1, 1, listed),))
    updated, recalled = taken(message(ONE, OTHER, business=business))
    assert (updated.type, updated.subject, updated.recipients) == ("document.updated", KEY, (ONE, THIRD))
    told = payload(updated)
    assert (told["added"], told["removed"]) == ([THIRD], [OTHER])
    assert (told["document"]["document_id"], told["document"]["subject"]) == (EARLIER, "V/v mới")
    assert (recalled.type, recalled.recipients) == ("document.recalled", (OTHER,))
    assert "original" not in payload(recalled)
    assert updated.id != recalled.id


def test_who_stands_in_to_for_the_first_time_is_added() -> None:
    [fact] = taken(message(ONE, THIRD, business=Business(doc_type=2, document_id=EARLIER)))
    assert payload(fact)["added"] == [THIRD]


def test_an_update_or_replacement_of_what_never_came_is_a_new_document() -> None:
    for business in (
        Business(doc_type=2, document_id=EARLIER),
        Business(doc_type=3, replacements=(ReplacementInfo(EARLIER),)),
    ):
        [fact] = taken(message(ONE, business=business), known=False)
        assert fact.type == "document.issued"


def test_a_replacement_names_what_is_known_of_what_it_replaces() -> None:
    business = Business(doc_type=3, doc_reason="Sai", replacements=(ReplacementInfo("lost"), ReplacementInfo(EARLIER)))
    [fact] = taken(message(ONE, business=business))
    assert (fact.type, fact.subject) == ("document.replaced", document_key("G22", "G22,2024/06/03,9/VPCP"))
    assert payload(fact)["replaces"] == [{"document_id": EARLIER, "id": KEY}]


def test_a_copy_with_another_hop_is_the_same_change_and_a_later_one_is_not() -> None:
    recall = message(ONE, business=Business(doc_type=1, document_id=EARLIER))
    copy = replace(recall, trace_headers=(*recall.trace_headers, TraceHeader(None, AT)))
    later = replace(recall, trace_headers=(TraceHeader("G22", AT.replace(hour=2)),))
    [one], [two], [three] = taken(recall), taken(copy), taken(later)
    assert one.id == two.id != three.id


def test_an_unknown_action_is_refused() -> None:
    with pytest.raises(Unfit):
        taken(message(ONE, business=Business(doc_type=4)))


def test_only_changes_mention_earlier_documents() -> None:
    assert mentioned(message(ONE), "G22") == set()
    assert KEY in mentioned(message(ONE, business=Business(doc_type=1, document_id=EARLIER)), "G22")
    assert KEY in mentioned(
        message(ONE, business=Business(doc_type=3, replacements=(ReplacementInfo(EARLIER),))), "G22"
    )
