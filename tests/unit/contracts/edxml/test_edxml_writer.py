"""Writing: the same bytes as the SDK's library, and nothing lost between writing and reading."""

import hashlib
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.edxml.attachments import Attachment, iterate_attachments
from contracts.edxml.document_id import issue_document_id
from contracts.edxml.errors import EdxmlError
from contracts.edxml.model import (
    VIETNAM,
    Business,
    Document,
    DocumentChange,
    Organization,
    OtherInfo,
    Receiver,
    ReplacementInfo,
    ResponseFor,
    SignerInfo,
    StaffInfo,
    Status,
    TraceHeader,
)
from contracts.edxml.reader import read
from contracts.edxml.writer import write_document, write_status

LETTER = Document(
    sender=Organization("H28.1", organ_name="Phòng"),
    to=(Organization("G22"),),
    document_id="H28.1,2026/11/21,1/UBND",
)

# What stays itself through XML and trimming.
texts = (
    st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"), min_size=1)
    .map(str.strip)
    .filter(bool)
)
numbers = st.integers(-1, 999_999_999)
days = st.dates(date(1900, 1, 1), date(2999, 12, 31))
moments = st.datetimes(datetime(1900, 1, 1), datetime(2999, 12, 31), timezones=st.just(VIETNAM)).map(
    lambda moment: moment.replace(microsecond=0)
)


def optional(strategy: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.none() | strategy


def filled(strategy: st.SearchStrategy[object], empty: object) -> st.SearchStrategy[object]:
    """An element of which nothing is set is not written, so it comes back as absent."""
    return strategy.filter(lambda value: value != empty)


organizations = st.builds(Organization, texts, *[optional(texts)] * 7)
responses = filled(
    st.builds(ResponseFor, optional(texts), optional(texts), optional(texts), optional(days)), ResponseFor()
)
staff = filled(st.builds(StaffInfo, *[optional(texts)] * 6), StaffInfo())
lists = st.lists(texts, max_size=3).map(tuple)
others = filled(
    st.builds(
        OtherInfo,
        optional(numbers),
        optional(texts),
        optional(texts),
        optional(numbers),
        optional(numbers),
        optional(texts),
        optional(st.booleans()),
        optional(texts),
        lists,
    ),
    OtherInfo(),
)
changes = filled(
    st.builds(
        DocumentChange,
        optional(numbers),
        optional(numbers),
        st.lists(st.builds(Receiver, texts, optional(numbers)), max_size=3).map(tuple),
    ),
    DocumentChange(),
)
businesses = st.builds(
    Business,
    doc_type=st.integers(0, 9),
    document_id=optional(texts),
    doc_reason=optional(texts),
    paper=optional(numbers),
    document_changes=st.lists(changes, max_size=2).map(tuple),
    replacements=st.lists(st.builds(ReplacementInfo, texts, lists), max_size=2).map(tuple),
    staff_info=st.lists(staff, max_size=2).map(tuple),
)
hops = st.builds(TraceHeader, texts.filter(lambda text: text.lower() != "null"), moments)
documents = st.builds(
    Document,
    sender=organizations,
    to=st.lists(organizations, min_size=1, max_size=3).map(tuple),
    document_id=texts,
    code_number=optional(texts),
    code_notation=optional(texts),
    place=optional(texts),
    promulgation_date=optional(days),
    type=optional(numbers),
    type_detail=optional(numbers),
    type_name=optional(texts),
    subject=optional(texts),
    content=optional(texts),
    signer_info=optional(filled(st.builds(SignerInfo, *[optional(texts)] * 3), SignerInfo())),
    due_date=optional(days),
    other_info=optional(others),
    response_for=st.lists(responses, max_size=2).map(tuple),
    steering_type=optional(numbers),
    response_for_task=lists,
    application_type=optional(texts),
    to_places=lists,
    trace_headers=st.lists(hops, max_size=2).map(tuple),
    business=optional(businesses),
)
statuses = st.builds(
    Status,
    sender=organizations,
    response_for=st.builds(ResponseFor, texts, optional(texts), texts, optional(days)),
    status_code=st.sampled_from(["01", "02", "03", "04", "05", "06", "13", "15", "16", "103"]),
    description=optional(texts),
    timestamp=optional(moments),
    staff_info=optional(staff),
)
files = st.lists(
    st.builds(
        Attachment,
        texts.filter(lambda name: not name.lower().endswith(".zip"))
        | st.sampled_from(["a.pdf", "a.docx", "a.xlsx", "a.txt", "a.zip", "a.png", "a.XLSX", "a"]),
        st.binary(max_size=200),
    ),
    max_size=3,
)


@settings(derandomize=True, deadline=None, max_examples=150)
@given(documents, files)
def test_what_is_written_reads_the_same(document: Document, attachments: list[Attachment]) -> None:
    data = write_document(document, attachments)
    found = read(data)
    assert isinstance(found, Document)
    assert replace(found, attachments=()) == document
    assert [each.name for each in found.attachments] == [each.name for each in attachments]
    contents = [(each.name, each.content) for each in iterate_attachments(data)]
    assert contents == [(each.name, each.content) for each in attachments]
    assert write_document(document, attachments) == data


@settings(derandomize=True, deadline=None, max_examples=100)
@given(statuses)
def test_a_status_that_is_written_reads_the_same(status: Status) -> None:
    assert read(write_status(status)) == status


def test_writes_the_bytes_the_library_of_the_sdk_writes(samples: dict[str, bytes], rewritten_name: str) -> None:
    original = samples[rewritten_name.removeprefix("rewritten-")]
    message = read(original)
    if isinstance(message, Status):
        assert write_status(message) == samples[rewritten_name]
    else:
        assert write_document(message, list(iterate_attachments(original))) == samples[rewritten_name]


@pytest.mark.parametrize("kind", ["pdf", "doc", "docx", "xsl", "xslx", "zip", "PDF"])
def test_sends_the_kinds_the_library_knows_bare(kind: str) -> None:
    data = write_document(LETTER, [Attachment(f"a.{kind}", b"12345")])
    assert b">MTIzNDU=<" in data
    assert data.count(f"<ContentType>application/{kind.lower()}</ContentType>".encode()) == 1


@pytest.mark.parametrize("name", ["a.xlsx", "a.txt", "a.png", "a", "a.tài liệu"])
def test_sends_other_kinds_in_an_archive_of_one(name: str) -> None:
    data = write_document(LETTER, [Attachment(name, b"12345")])
    document = read(data)
    assert isinstance(document, Document)
    assert document.attachments[0].content_type == "application/zip"
    assert [each.content for each in iterate_attachments(data)] == [b"12345"]


def test_written_bytes_do_not_change_between_releases() -> None:
    """A repeat of what a channel sends is byte-identical, also after an upgrade."""
    files = [Attachment("a.pdf", b"%PDF-1.4"), Attachment("Bảng tính.xlsx", b"12345", description="Phụ lục")]
    assert (
        hashlib.sha256(write_document(LETTER, files)).hexdigest()
        == "471d32da4e891d1d353b551f70c11fe0a64bc8b7fb3bc74c4c3d30c6bca37ef2"
    )


def test_two_equal_files_get_two_content_ids() -> None:
    document = read(write_document(LETTER, [Attachment("a.pdf", b"1"), Attachment("a.pdf", b"1")]))
    assert isinstance(document, Document)
    assert len({each.content_id for each in document.attachments}) == 2


def test_escapes_what_means_something_in_xml() -> None:
    letter = replace(LETTER, subject="a & b < c > d ]]> \r\n e", content="\"'\t")
    document = read(write_document(letter))
    assert isinstance(document, Document)
    assert document.subject == letter.subject


def test_names_keep_their_unicode_form() -> None:
    letter = replace(LETTER, sender=Organization("H28.1", organ_name="Pho\u0300ng", organ_add="Phòng"))
    data = write_document(letter, [Attachment("Phu\u0323 lu\u0323c.pdf", b"1")])
    assert "Pho\u0300ng".encode() in data
    assert "Phòng".encode() in data
    assert data.count("Phu\u0323 lu\u0323c.pdf".encode()) == 2


def test_times_are_written_for_vietnam() -> None:
    status = Status(
        sender=Organization("H28.1"),
        response_for=ResponseFor("G22", "1/UBND", "x"),
        status_code="01",
        timestamp=datetime(2026, 12, 31, 17, 0, 1, tzinfo=UTC),
    )
    assert b"<edXML:Timestamp>2027/01/01 00:00:01</edXML:Timestamp>" in write_status(status)
    with pytest.raises(ValueError, match="zone"):
        write_status(replace(status, timestamp=datetime(2026, 1, 1)))


@pytest.mark.parametrize("text", ["a\x00b", "a\x0bb", "a\ud800b", "a\uffffb"])
def test_refuses_characters_xml_cannot_carry(text: str) -> None:
    with pytest.raises(EdxmlError) as caught:
        write_document(replace(LETTER, subject=text))
    assert caught.value.code == "edxml.bad_value"
    assert caught.value.path.endswith("MessageHeader/Subject")
    assert text not in str(caught.value)


@pytest.mark.parametrize(
    "letter",
    [
        replace(LETTER, to=()),
        replace(LETTER, document_id=""),
        replace(LETTER, sender=Organization("")),
        replace(LETTER, to=(Organization(""),)),
    ],
)
def test_refuses_to_write_what_nobody_could_route(letter: Document) -> None:
    with pytest.raises(EdxmlError) as caught:
        write_document(letter)
    assert caught.value.code == "edxml.missing_field"


def test_issues_document_ids_in_the_comma_pattern() -> None:
    issued = issue_document_id("000.00.00.G22", date(2015, 9, 30), "7816/VPCP-TTĐT")
    assert issued == "000.00.00.G22,2015/09/30,7816/VPCP-TTĐT"
    assert issue_document_id("H28.1", date(826, 1, 2), "1,2/UB").split(",", 2)[1:] == ["0826/01/02", "1,2/UB"]
    for organ, code in (("a,b", "1"), ("", "1"), ("a", "")):
        with pytest.raises(ValueError, match="organ"):
            issue_document_id(organ, date(2026, 1, 1), code)
