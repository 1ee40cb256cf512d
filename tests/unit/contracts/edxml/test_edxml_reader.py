"""Reading: every sample, the tolerances the field asks for, and what is refused."""

from datetime import date, datetime

import pytest

from contracts.edxml.errors import EdxmlError
from contracts.edxml.model import (
    VIETNAM,
    Document,
    DocumentChange,
    Receiver,
    ReplacementInfo,
    ResponseFor,
    Status,
    TraceHeader,
)
from contracts.edxml.reader import read

SMALLEST = (
    b'<edXML xmlns="http://www.mic.gov.vn/TBT/QCVN_102_2016"><edXMLEnvelope><edXMLHeader><MessageHeader>'
    b"<From><OrganId>H28.1</OrganId></From><To><OrganId>G22</OrganId></To><DocumentId>a</DocumentId>"
    b"<Code><CodeNumber>1</CodeNumber></Code><Subject>b</Subject><DocumentType><Type>1</Type></DocumentType>"
    b"<PromulgationInfo><PromulgationDate>2026/01/02</PromulgationDate></PromulgationInfo>"
    b"</MessageHeader></edXMLHeader></edXMLEnvelope></edXML>"
)


def document(data: bytes) -> Document:
    message = read(data)
    assert isinstance(message, Document)
    return message


def status(data: bytes) -> Status:
    message = read(data)
    assert isinstance(message, Status)
    return message


def codes(message: Document | Status) -> list[str]:
    return [oddity.code for oddity in message.warnings]


def refusal(data: bytes) -> EdxmlError:
    with pytest.raises(EdxmlError) as caught:
        read(data)
    return caught.value


def test_reads_every_document(samples: dict[str, bytes], document_name: str) -> None:
    message = document(samples[document_name])
    assert message.sender.organ_id
    assert all(recipient.organ_id for recipient in message.to)
    assert message.document_id
    assert len(message.attachments) in (1, 3)


def test_reads_every_status(samples: dict[str, bytes], status_name: str) -> None:
    message = status(samples[status_name])
    assert message.status_code == status_name.removeprefix("status-")[:2]
    assert message.response_for.document_id == "000.00.00.G22,2015/09/30,7816/VPCP-TTĐT"
    assert message.warnings == ()


def test_reads_the_fields_of_a_document(samples: dict[str, bytes]) -> None:
    message = document(samples["doc-update-type2"])
    assert message.sender.organ_id == "000.00.00.G22"
    assert message.sender.organization_in_charge == "Văn phòng Chính phủ"
    assert [each.organ_id for each in message.to] == ["000.00.00.H41", "000.00.00.H14", "000.00.00.G17"]
    assert message.code == "7816/VPCP-TTĐT"
    assert (message.place, message.promulgation_date) == ("Hà Nội", date(2018, 9, 28))
    assert (message.type, message.type_detail, message.type_name) == (1, 0, "Công văn")
    assert message.signer_info is not None
    assert message.signer_info.competence == "TL. BO TRUONG"
    assert message.other_info is not None
    assert (message.other_info.priority, message.other_info.page_amount, message.other_info.direction) == (0, 22, False)
    assert message.to_places == ("Cac bo va co quan ngang bo", "Uy ban nhan dan cac tinh, TP")
    assert message.signature_present
    assert message.warnings == ()


def test_reads_an_update_with_its_receivers(samples: dict[str, bytes]) -> None:
    business = document(samples["doc-update-type2"]).business
    assert business is not None
    assert (business.doc_type, business.document_id) == (2, "000.00.00.G22,2014/02/30,7806/VPCP-TTĐT")
    receivers = (Receiver("000.00.00.H41", 0), Receiver("000.00.00.H14", 1))
    assert business.document_changes == (DocumentChange(1, 1, receivers),)
    assert business.staff_info[0].department == "Văn thư văn phòng"


def test_reads_a_replacement_that_names_one_document_twice(samples: dict[str, bytes]) -> None:
    business = document(samples["doc-replacement-type3"]).business
    assert business is not None
    assert business.doc_type == 3
    named = ReplacementInfo("000.00.00.G22,2014/01/30,7806/VPCP-TTĐT", ("000.00.00.H41", "000.00.00.H14"))
    assert business.replacements == (named, named)


def test_reads_bussiness_before_the_hops(samples: dict[str, bytes]) -> None:
    message = document(samples["doc-2025-three-files-bussiness-first"])
    assert message.doc_type == 0
    assert message.trace_headers == (TraceHeader("vxp.saas.03", datetime(2025, 10, 17, 16, 1, 4, tzinfo=VIETNAM)),)
    assert codes(message) == ["text_long"]


def test_leaves_out_the_organ_called_null_and_keeps_the_hop_of_the_axis(samples: dict[str, bytes]) -> None:
    message = document(samples["doc-2025-zip-called-pdf"])
    assert [hop.organ_id for hop in message.trace_headers] == [None, None]
    assert [hop.timestamp for hop in message.trace_headers] == [
        datetime(2025, 10, 23, 16, 28, 42, tzinfo=VIETNAM),
        datetime(2025, 10, 23, 16, 28, 43, tzinfo=VIETNAM),
    ]
    assert codes(message) == ["value_unreadable"]


def test_reads_the_smallest_message_of_a_client_with_complaints(samples: dict[str, bytes]) -> None:
    message = document(samples["doc-minimal"])
    assert (message.document_id, message.code, message.promulgation_date) == ("test-doc", None, None)
    assert codes(message) == ["field_missing"] * 3


def test_tolerates_a_prefix_nobody_declared(samples: dict[str, bytes]) -> None:
    message = document(samples["doc-sdk-template-unbound-prefix"])
    assert message.response_for == ()
    assert message.attachments[0].content_id == "36b8a92e-f054-11e7-842b-005056b672fc"
    assert codes(message) == ["prefix_undeclared", "attachment_unreadable"]


def test_tolerates_an_undeclared_prefix_on_elements_too() -> None:
    data = SMALLEST.replace(b"<Subject>b</Subject>", b"<edXML:Subject>b</edXML:Subject>")
    message = document(data)
    assert message.subject == "b"
    assert codes(message) == ["prefix_undeclared"]


def test_refuses_what_is_malformed_beside_an_undeclared_prefix() -> None:
    data = SMALLEST.replace(b"<Subject>b</Subject>", b"<edXML:Subject>b &nothing;</edXML:Subject>")
    assert refusal(data).code == "edxml.malformed"


def test_status_elements_are_read_in_any_order(samples: dict[str, bytes]) -> None:
    message = status(samples["status-01-element-order-b"])
    assert message.response_for == ResponseFor(
        "000.00.00.G22", "7816/VPCP-TTĐT", "000.00.00.G22,2015/09/30,7816/VPCP-TTĐT", date(2018, 9, 28)
    )
    assert message.timestamp == datetime(2018, 9, 28, 17, 25, 11, tzinfo=VIETNAM)
    assert message.addressee == "000.00.00.G22"


def test_reads_a_status_in_the_element_of_the_other_parser(samples: dict[str, bytes]) -> None:
    data = samples["status-02-refused"].replace(b"edXML:MessageHeader", b"edXML:Status")
    assert read(data) == read(samples["status-02-refused"])


@pytest.mark.parametrize("before", [b"\xef\xbb\xbf", b"\xef\xbb\xbf\r\n", b"Content-Type: text/xml\r\n\r\n", b"  \n"])
def test_tolerates_text_before_the_declaration(samples: dict[str, bytes], before: bytes, sample_name: str) -> None:
    message = read(before + samples[sample_name])
    assert message == read(samples[sample_name])
    assert ("text_before_xml" in codes(message)) == (before != b"\xef\xbb\xbf")


def test_believes_the_bytes_and_not_a_declaration_of_another_encoding(samples: dict[str, bytes]) -> None:
    original = samples["status-01-arrived"]
    assert read(original.replace(b'encoding="UTF-8"', b'encoding="utf-16"')) == read(original)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1258"])
def test_refuses_bytes_that_are_not_utf8(samples: dict[str, bytes], encoding: str) -> None:
    text = samples["status-01-arrived"].decode().replace("Đã đến", "Đă")
    text = "".join(letter if letter.isascii() or letter == "Đ" else "" for letter in text)
    assert refusal(text.encode(encoding)).code == "edxml.malformed"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"2026/03/04", date(2026, 3, 4)),
        (b"04/03/2026", date(2026, 3, 4)),
        (b"4/3/2026", date(2026, 3, 4)),
        (b"2026-03-04", date(2026, 3, 4)),
        (b" 2026/03/04 00:00:00 ", date(2026, 3, 4)),
        (b"2026-03-03T17:00:00Z", date(2026, 3, 4)),
        (b"2026-03-04T00:30:00.5+07:00", date(2026, 3, 4)),
        (b"", None),
    ],
)
def test_reads_dates_in_both_orders(text: bytes, expected: date | None) -> None:
    message = document(SMALLEST.replace(b"<Subject>", b"<DueDate>" + text + b"</DueDate><Subject>"))
    assert message.due_date == expected
    assert codes(message) == []


@pytest.mark.parametrize(
    "text", [b"2014/02/30", b"30/02/2014", b"0000/01/01", b"26/03/04", b"mai", b"9999/12/31 23:00-09:00"]
)
def test_leaves_out_dates_no_calendar_has(text: bytes) -> None:
    message = document(SMALLEST.replace(b"<Subject>", b"<DueDate>" + text + b"</DueDate><Subject>"))
    assert message.due_date is None
    assert codes(message) == ["value_unreadable"]


def test_names_keep_their_unicode_form() -> None:
    composed, decomposed = "Phòng", "Pho\u0300ng"
    sender = f"<OrganId>H28.1</OrganId><OrganName>{composed}</OrganName><OrganAdd>{decomposed}</OrganAdd>"
    message = document(SMALLEST.replace(b"<OrganId>H28.1</OrganId>", sender.encode()))
    assert (message.sender.organ_name, message.sender.organ_add) == (composed, decomposed)


def test_reads_the_bare_envelope_of_another_namespace(samples: dict[str, bytes]) -> None:
    data = samples["status-03-accepted"].decode()
    inner = data[data.index("<edXML:edXMLHeader>") : data.index("</edXML:edXMLEnvelope>")].replace("edXML:", "")
    message = read(f'<EdXMLEnvelope xmlns="http://www.go.vn/eDoc">{inner}</EdXMLEnvelope>'.encode())
    assert message == read(samples["status-03-accepted"])
    assert codes(message) == ["root_unusual", "namespace_unusual"]


def test_fills_up_a_status_code_of_one_digit(samples: dict[str, bytes]) -> None:
    data = samples["status-03-accepted"].replace(b">03<", b">3<")
    assert status(data).status_code == "03"


@pytest.mark.parametrize(
    ("cut", "put", "code", "path"),
    [
        (b"<From><OrganId>H28.1</OrganId></From>", b"", "edxml.missing_field", "MessageHeader/From/OrganId"),
        (b"<OrganId>H28.1</OrganId>", b"<OrganId> </OrganId>", "edxml.missing_field", "MessageHeader/From/OrganId"),
        (b"<To><OrganId>G22</OrganId></To>", b"<To></To>", "edxml.missing_field", "MessageHeader/To/OrganId"),
        (b"</To>", b"</To><To><OrganName>x</OrganName></To>", "edxml.missing_field", "MessageHeader/To[2]/OrganId"),
        (b"<DocumentId>a</DocumentId>", b"", "edxml.missing_field", "MessageHeader/DocumentId"),
        (b"<MessageHeader>", b"<Other>", "edxml.malformed", ""),
        (b"<Subject>b", b"<StatusCode>x</StatusCode><Subject>b", "edxml.missing_field", "ResponseFor/OrganId"),
        (
            b"</MessageHeader>",
            b"</MessageHeader><TraceHeaderList><Bussiness><BussinessDocType>x</BussinessDocType></Bussiness>"
            b"</TraceHeaderList>",
            "edxml.bad_value",
            "Bussiness/BussinessDocType",
        ),
    ],
)
def test_refuses_what_a_hub_cannot_act_on(cut: bytes, put: bytes, code: str, path: str) -> None:
    assert cut in SMALLEST
    error = refusal(SMALLEST.replace(cut, put, 1))
    assert error.code == code
    assert error.path.endswith(path)


def test_notes_a_recipient_named_twice_in_another_case() -> None:
    data = SMALLEST.replace(b"</To>", b"</To><To><OrganId>g22</OrganId></To><To/>")
    message = document(data)
    assert [each.organ_id for each in message.to] == ["G22", "g22"]
    assert codes(message) == ["recipient_repeated", "recipient_empty"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not xml",
        b"<html/>",
        b"<edXML/>",
        b"<edXML><edXMLEnvelope/></edXML>",
        SMALLEST[:-1],
        SMALLEST + b"<more/>",
        SMALLEST.replace(b"<Subject>b", b"<Subject>b<"),
        SMALLEST.replace(b"<Subject>b", b"<Subject>\x00"),
        SMALLEST.replace(b"<Subject>b", b"<Subject>\xff"),
        SMALLEST.replace(b"<Subject>b", b"<!-- <Subject>b"),
    ],
)
def test_refuses_what_is_no_edxml(data: bytes) -> None:
    assert refusal(data).code in ("edxml.malformed", "edxml.not_edxml")


def test_errors_and_oddities_tell_no_content(samples: dict[str, bytes]) -> None:
    secret = "Nguyễn Thị Bí Mật"
    data = SMALLEST.replace(b"<Subject>b", f"<DueDate>{secret}</DueDate><Subject>b".encode())
    assert secret not in str(document(data).warnings)
    data = samples["status-03-accepted"].replace(b">03<", f">{secret}<".encode())
    assert secret not in str(refusal(data))
