"""From edXML to the payload and back."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import orjson
import pytest

from contracts import registry
from contracts.edxml.attachments import Attachment, iterate_attachments
from contracts.edxml.errors import EdxmlError
from contracts.edxml.model import (
    VIETNAM,
    AttachmentInfo,
    Business,
    Document,
    Organization,
    OtherInfo,
    ResponseFor,
    Status,
)
from contracts.edxml.reader import read
from contracts.messages import document as payloads
from contracts.problems import HubError
from services.office.documents import edxml

FILES = Path(__file__).parents[4] / "data" / "edxml"
SENDER, RECIPIENT = Organization("000.00.00.H28"), Organization("H28.01")
PLAIN = Document(sender=SENDER, to=(RECIPIENT,), document_id="id")


def documents() -> list[str]:
    return sorted(path.name for path in FILES.glob("doc-*.edxml"))


@pytest.mark.parametrize("name", documents())
def test_what_is_really_sent_fits_the_contract(name: str) -> None:
    message = read((FILES / name).read_bytes())
    assert isinstance(message, Document)
    fields = edxml.read_fields(message)
    assert registry.validate("document.issued/v1", orjson.dumps({"document": fields})) is None
    assert fields["document_id"] == message.document_id
    assert fields["to"]


def test_maps_dates_numbers_and_texts() -> None:
    fields = edxml.read_fields(read_document("doc-2019-two-hops.edxml"))
    message = read_document("doc-2019-two-hops.edxml")
    assert fields["promulgated_on"] == (message.promulgation_date or date.min).isoformat()
    assert fields["number"] == message.code_number
    assert fields["notation"] == message.code_notation
    assert fields["type"] == message.type
    assert fields["subject"] == message.subject


def test_leaves_out_what_the_contract_has_no_room_for() -> None:
    odd = replace(
        PLAIN,
        type=-1,
        promulgation_date=date(202, 1, 1),
        due_date=date(3000, 1, 1),
        other_info=OtherInfo(priority=9),
        response_for=(ResponseFor(organ_id=None, code="1/A"), ResponseFor(organ_id="Bộ Y tế"), ResponseFor("G18")),
    )
    fields = edxml.read_fields(odd)
    assert "promulgated_on" not in fields
    assert "due_on" not in fields
    assert (fields["type"], fields["priority"], fields["response_for"]) == (2, 0, [{"organ": "G18"}])


def test_a_recipient_named_twice_counts_once() -> None:
    twice = replace(PLAIN, to=(Organization("h28.01"), Organization("H28.02"), Organization("H28.01")))
    assert edxml.read_fields(twice)["to"] == ["h28.01", "H28.02"]


@pytest.mark.parametrize(
    ("message", "pointer"),
    [
        (replace(PLAIN, sender=Organization("Sở Y tế")), "From/OrganId"),
        (replace(PLAIN, to=(RECIPIENT, Organization("a,b"))), "To[2]/OrganId"),
    ],
)
def test_refuses_what_is_no_organ_code_and_names_the_element(message: Document, pointer: str) -> None:
    with pytest.raises(HubError) as caught:
        edxml.read_fields(message)
    assert caught.value.code == "edxml.invalid"
    assert caught.value.pointer.endswith(f"/MessageHeader/{pointer}")


def test_a_document_posted_as_json_is_written_and_read_back() -> None:
    fields = {
        "document_id": "H28,2024/06/03,12/UBND-VP",
        "sender": "H28",
        "to": ["H28.01", "H28.02"],
        "number": "12",
        "notation": "UBND-VP",
        "promulgated_on": "2024-06-03",
        "place": "Hòa Bình",
        "type": 18,
        "type_name": "Công văn",
        "subject": "Về việc <thử> & nghiệm",
        "content": "tóm tắt",
        "signer": {"competence": "KT. CHỦ TỊCH", "position": "PHÓ CHỦ TỊCH", "name": "Nguyễn Văn A"},
        "priority": 1,
        "due_on": "2024-06-30",
        "response_for": [{"organ": "G18", "code": "5/BYT", "promulgated_on": "2024-05-01", "document_id": "x"}],
    }
    document = payloads.Document.model_validate(fields)
    files = [Attachment("công văn.pdf", b"%PDF-1.7"), Attachment("bảng.xlsx", b"PK cells")]
    written = edxml.write(document, files)
    message = read(written)
    assert isinstance(message, Document)
    assert edxml.read_fields(message) == fields
    assert [(each.name, each.content) for each in iterate_attachments(written)] == [
        (each.name, each.content) for each in files
    ]
    assert edxml.write(document, files) == written


def test_the_smallest_document_is_written_and_read_back() -> None:
    document = payloads.Document.model_validate({"document_id": "x", "sender": "H28", "to": ["H28.01"]})
    message = read(edxml.write(document, []))
    assert isinstance(message, Document)
    assert payloads.Document.model_validate(edxml.read_fields(message)) == document


@pytest.mark.parametrize(
    ("pointer", "element"),
    [
        ("/document/subject", "/MessageHeader/Subject"),
        ("/document/response_for/0/code", "/MessageHeader/ResponseFor"),
        ("/document/attachments/3/name", "/AttachmentEncoded/Attachment"),
        ("/elsewhere", "/MessageHeader"),
    ],
)
def test_a_pointer_names_its_element(pointer: str, element: str) -> None:
    assert edxml.element(pointer).endswith(element)


def test_the_codecs_words_become_problems() -> None:
    small = edxml.refusal(EdxmlError("edxml.dtd_refused", "/", "no"))
    large = edxml.refusal(EdxmlError("edxml.too_large", "/", "no"))
    assert (small.code, small.detail, large.code) == ("edxml.invalid", "edxml.dtd_refused: no", "size.too_large")


def read_document(name: str) -> Document:
    message = read((FILES / name).read_bytes())
    assert isinstance(message, Document)
    return message


@pytest.mark.parametrize("name", documents())
def test_takes_every_business_action_that_is_really_sent(name: str) -> None:
    edxml.require_known(read_document(name))


def test_refuses_a_business_action_nobody_knows() -> None:
    with pytest.raises(HubError) as caught:
        edxml.require_known(replace(PLAIN, business=Business(doc_type=4)))
    assert (caught.value.code, caught.value.pointer) == ("request.invalid", f"{edxml.BUSINESS}/BussinessDocType")


def test_refuses_more_files_than_a_fact_can_name() -> None:
    with pytest.raises(HubError) as caught:
        edxml.require_known(replace(PLAIN, attachments=(AttachmentInfo("1", "a.pdf"),) * 101))
    assert caught.value.pointer == "/edXML/AttachmentEncoded/Attachment"


def read_status(name: str) -> Status:
    message = read((FILES / name).read_bytes())
    assert isinstance(message, Status)
    return message


def test_reads_a_status_of_a_recipient() -> None:
    new = edxml.read_status(read_status("status-03-accepted.edxml"))
    assert (new.code, new.staff, new.targets) == ("03", "Nguyen thi mau", None)
    assert new.at == datetime(2015, 9, 20, 11, 8, 36, tzinfo=VIETNAM)
    assert new.description


def test_a_take_back_names_whom_it_asks() -> None:
    new = edxml.read_status(read_status("status-13-take-back.edxml"))
    assert (new.code, new.targets) == ("13", ("000.00.00.H41",))


def test_a_time_of_nobodys_clock_is_left_out() -> None:
    message = replace(read_status("status-03-accepted.edxml"), timestamp=datetime(1, 1, 1, tzinfo=VIETNAM))
    assert edxml.read_status(message).at is None


@pytest.mark.parametrize(
    ("pointer", "element"),
    [
        ("/description", "Description"),
        ("/staff", "StaffInfo/Staff"),
        ("/to/0", "ResponseFor/OrganId"),
        ("/document/id", "ResponseFor/DocumentId"),
        ("/code", "StatusCode"),
        ("", "StatusCode"),
    ],
)
def test_a_pointer_into_a_status_names_its_element(pointer: str, element: str) -> None:
    assert edxml.status_element(pointer) == f"{edxml.HEADER}/{element}"


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        (None, False),
        ("*/*", False),
        ("application/json", False),
        ("application/edxml+xml", True),
        ("Application/edXML+xml; q=0.9", True),
        ("application/edxml+xml, application/json;q=0.5, */*;q=0.1", True),
        ("application/edxml+xml, application/json", False),
        ("application/edxml+xml;q=0.2, */*", False),
        ("application/edxml+xml;q=0", False),
        ("application/edxml+xml;q=nan", False),
        ("text/html,application/xml;q=0.9,*/*;q=0.8", False),
        (",;;,", False),
    ],
)
def test_the_file_must_be_asked_for(accept: str | None, wanted: bool) -> None:
    assert edxml.is_wanted(accept) is wanted
