"""Attachments: what is announced, what is wrapped, and what is refused."""

import base64
import hashlib
import io
import zipfile

import pytest

from contracts.edxml.attachments import Attachment, iterate_attachments
from contracts.edxml.errors import EdxmlError
from contracts.edxml.limits import Limits
from contracts.edxml.model import Document
from contracts.edxml.reader import read


def zipped(*entries: tuple[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", compression) as archive:
        for name, content in entries:
            archive.writestr(zipfile.ZipInfo(name), content, compression)  # dated 1980: no time in a test's name
    return target.getvalue()


def message(*files: tuple[str, str | bytes], references: str | None = None) -> bytes:
    """A document with these names and base64 texts, announced in the same order unless told otherwise."""
    texts = [content if isinstance(content, str) else base64.b64encode(content).decode() for _, content in files]
    if references is None:
        references = "".join(
            f"<Reference><ContentId>cid:{place}</ContentId><AttachmentName>{name}</AttachmentName></Reference>"
            for place, (name, _) in enumerate(files)
        )
    attached = "".join(
        f"<Attachment><ContentId>cid:{place}</ContentId><AttachmentName>{name}</AttachmentName>"
        f"<ContentTransferEncoded>{text}</ContentTransferEncoded></Attachment>"
        for place, ((name, _), text) in enumerate(zip(files, texts, strict=True))
    )
    return (
        '<edXML xmlns="http://www.mic.gov.vn/TBT/QCVN_102_2016"><edXMLEnvelope><edXMLHeader><MessageHeader>'
        "<From><OrganId>H28.1</OrganId></From><To><OrganId>G22</OrganId></To><DocumentId>a</DocumentId>"
        "</MessageHeader></edXMLHeader>"
        f"<edXMLBody><edXMLManifest>{references}</edXMLManifest></edXMLBody></edXMLEnvelope>"
        f"<AttachmentEncoded>{attached}</AttachmentEncoded></edXML>"
    ).encode()


def only(data: bytes, **limits: int) -> Attachment:
    [attachment] = iterate_attachments(data, limits=Limits(**limits))
    return attachment


def attachment_warnings(data: bytes) -> list[str]:
    return [oddity.code for oddity in read(data).warnings if oddity.code.startswith("attachment")]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("doc-2019-two-hops", [("GUIDE_INSTALL OPENVPN.SIGNED.PDF", "application/pdf", 17)]),
        ("doc-2025-zip-called-pdf", [("1761211722949_TestTrucLienThong.pdf", "application/pdf", 587)]),
        ("doc-2025-three-files-bussiness-first", [(f"local{each}.txt", "text/plain", 11) for each in "ABC"]),
        ("doc-minimal", [("clean.txt", "text/plain", 10)]),
        ("doc-update-type2", [("1896_QD-TTg_m_294779.doc", "application/msword", 84)]),
        ("doc-replacement-type3", [("1896_QD-TTg_m_294779.doc", "application/msword", 84)]),
    ],
)
def test_unwraps_the_files_of_the_samples(
    samples: dict[str, bytes], name: str, expected: list[tuple[str, str, int]]
) -> None:
    found = list(iterate_attachments(samples[name]))
    assert [(each.name, each.media_type, len(each.content)) for each in found] == expected
    assert all(each.sha256 == hashlib.sha256(each.content).hexdigest() for each in found)


def test_unwraps_a_zip_that_is_called_pdf(samples: dict[str, bytes]) -> None:
    [attachment] = iterate_attachments(samples["doc-2025-zip-called-pdf"])
    assert attachment.content.startswith(b"%PDF-1.4")


def test_refuses_a_placeholder_that_is_no_base64(samples: dict[str, bytes]) -> None:
    with pytest.raises(EdxmlError) as caught:
        list(iterate_attachments(samples["doc-sdk-template-unbound-prefix"]))
    assert caught.value.code == "edxml.attachment_unreadable"


@pytest.mark.parametrize(
    "text",
    ["SGVs\r\nbG8h\n", " S G V s b G 8 h ", "SGVs&#xD;\nbG8h&#13;\n", "<![CDATA[SGVsbG8h]]>", "SGVs<!-- x -->bG8h"],
)
def test_ignores_white_space_in_base64_however_it_is_written(text: str) -> None:
    assert only(message(("a.txt", text))).content == b"Hello!"


@pytest.mark.parametrize("text", ["SGVsbG8", "SGVsbG8=", "SGVsbG8=\n"])
def test_adds_missing_padding(text: str) -> None:
    assert only(message(("a.txt", text))).content == b"Hello"


@pytest.mark.parametrize("text", ["SGVsbG8hA", "SGV=bG8h", "SGV-bG8_", "SGVs&lt;", "Văn bản", "&#65;"])
def test_refuses_what_is_no_base64(text: str) -> None:
    with pytest.raises(EdxmlError) as caught:
        only(message(("a.txt", text)))
    assert caught.value.code == "edxml.attachment_unreadable"
    assert caught.value.path == "/edXML/AttachmentEncoded/Attachment/ContentTransferEncoded"


def test_an_empty_file_is_a_file() -> None:
    assert only(message(("a.txt", b""))).content == b""


def test_reads_a_file_larger_than_the_parser_would_take() -> None:
    content = bytes(range(256)) * 60_000
    attachment = only(message(("a.bin", content)))
    assert (len(attachment.content), attachment.content) == (15_360_000, content)


def test_gives_the_files_before_one_that_is_damaged() -> None:
    files = iterate_attachments(message(("a.txt", b"one"), ("b.txt", "?"), ("c.txt", b"three")))
    assert next(files).content == b"one"
    with pytest.raises(EdxmlError, match=r"Attachment\[2\]"):
        next(files)


@pytest.mark.parametrize(
    ("name", "entry"),
    [("a.pdf", "b.pdf"), ("a.doc", "x"), ("no extension", "x.bin"), ("a.xlsx", "b.xlsx"), ("a.ODT", "b.odt")],
)
def test_takes_off_the_wrap(name: str, entry: str) -> None:
    assert only(message((name, zipped((entry, b"inside"))))).content == b"inside"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.zip", zipped(("b.pdf", b"inside"))),
        ("a.ZIP", zipped(("b.pdf", b"inside"))),
        ("a.docx", zipped(("[Content_Types].xml", b"inside"))),
        ("a.docx", zipped(("[Content_Types].xml", b"1"), ("word/document.xml", b"2"))),
        ("a.pdf", zipped(("b.pdf", b"1"), ("c.pdf", b"2"))),
        ("a.pdf", zipped()),
        ("a.pdf", zipped(("folder/", b""))),
        ("a.pdf", b"PK\x03\x04 not an archive at all"),
        ("a.pdf", zipped(("b.pdf", b"inside"))[:-30]),
    ],
)
def test_leaves_alone_what_is_the_file_itself(name: str, content: bytes) -> None:
    assert only(message((name, content))).content == content


def test_refuses_a_bomb_before_unpacking_it() -> None:
    bomb = zipped(("b.txt", bytes(20_000_000)))
    assert len(bomb) < 40_000
    with pytest.raises(EdxmlError) as caught:
        only(message(("a.txt", bomb)))
    assert caught.value.code == "edxml.archive_refused"


def test_refuses_an_archive_that_unpacks_beyond_the_size_limit() -> None:
    with pytest.raises(EdxmlError) as caught:
        only(message(("a.txt", zipped(("b.txt", b"ab" * 1000)))), attachment_bytes=1999)
    assert caught.value.code == "edxml.archive_refused"


def test_takes_a_small_file_that_packs_well() -> None:
    content = bytes(900_000)
    assert only(message(("a.txt", zipped(("b.txt", content))))).content == content


def test_refuses_an_archive_that_lies_about_its_size() -> None:
    content = b"0123456789" * 10
    lying = zipped(("b.txt", content)).replace((100).to_bytes(4, "little"), (50).to_bytes(4, "little"))
    with pytest.raises(EdxmlError) as caught:
        only(message(("a.txt", lying)))
    assert caught.value.code == "edxml.attachment_unreadable"


def test_refuses_an_archive_with_a_wrong_checksum() -> None:
    packed = zipped(("b.txt", b"The content"), compression=zipfile.ZIP_STORED)
    with pytest.raises(EdxmlError) as caught:
        only(message(("a.txt", packed.replace(b"The content", b"Another one"))))
    assert caught.value.code == "edxml.attachment_unreadable"


def test_refuses_an_encrypted_archive() -> None:
    packed = bytearray(zipped(("b.txt", b"secret")))
    packed[6] |= 1
    packed[packed.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(EdxmlError) as caught:
        only(message(("a.txt", bytes(packed))))
    assert caught.value.code == "edxml.attachment_unreadable"


def test_does_not_read_the_directory_of_an_archive_that_hides_its_size() -> None:
    """The end record says one entry, the directory holds thousands: read as a plain file at once."""
    packed = bytearray(zipped(*((f"{place:04}.txt", b"") for place in range(3000))))
    end = packed.rindex(b"PK\x05\x06")
    packed[end + 8 : end + 12] = b"\x01\x00\x01\x00"
    assert only(message(("a.pdf", bytes(packed)))).content == packed


def test_refuses_an_attachment_beyond_the_size_limit() -> None:
    with pytest.raises(EdxmlError) as caught:
        only(message(("a.bin", bytes(1000))), attachment_bytes=900)
    assert caught.value.code == "edxml.too_large"


def test_pairs_by_content_id_whatever_the_order() -> None:
    references = (
        "<Reference><ContentId>1</ContentId><Description>second</Description></Reference>"
        "<Reference><ContentId>CID:cid:0</ContentId><Description>first</Description></Reference>"
    )
    data = message(("a.txt", b"1"), ("b.txt", b"2"), references=references)
    assert [(each.name, each.description) for each in iterate_attachments(data)] == [
        ("a.txt", "first"),
        ("b.txt", "second"),
    ]
    assert attachment_warnings(data) == []


def test_pairs_by_place_when_the_ids_do_not_meet() -> None:
    references = (
        "<Reference><ContentId>x</ContentId><Description>first</Description></Reference>"
        "<Reference><Description>second</Description></Reference>"
    )
    data = message(("a.txt", b"1"), ("b.txt", b"2"), references=references)
    assert [each.description for each in iterate_attachments(data)] == ["first", "second"]


def test_reports_what_is_announced_and_missing_and_the_other_way_round() -> None:
    document = read(message(("a.txt", b"1"), references=""))
    assert isinstance(document, Document)
    assert [each.name for each in document.attachments] == ["a.txt"]
    assert attachment_warnings(message(("a.txt", b"1"), references="")) == ["attachment_unannounced"]
    reference = "<Reference><ContentId>cid:{}</ContentId><AttachmentName>n{}</AttachmentName></Reference>"
    data = message(("a.txt", b"1"), references="".join(reference.format(each, each) for each in (0, 7)))
    document = read(data)
    assert isinstance(document, Document)
    assert [each.name for each in document.attachments] == ["a.txt", "n7"]
    assert attachment_warnings(data) == ["attachment_missing"]
    assert [each.name for each in iterate_attachments(data)] == ["a.txt"]


def test_two_attachments_of_one_id_are_two_files() -> None:
    data = message(("a.txt", b"1"), ("b.txt", b"2")).replace(b"cid:1<", b"cid:0<")
    assert [each.content for each in iterate_attachments(data)] == [b"1", b"2"]
    assert attachment_warnings(data) == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.pdf", "application/pdf"),
        ("A.PDF", "application/pdf"),
        ("Quyết định số 5.2026.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("a.html", "application/octet-stream"),
        ("no extension", "application/octet-stream"),
        ("a.tài liệu", "application/octet-stream"),
    ],
)
def test_guesses_the_media_type_from_the_name(name: str, expected: str) -> None:
    assert Attachment(name, b"").media_type == expected


def test_names_stay_as_written() -> None:
    name = "../Pho\u0300ng Nội vụ\\Tờ trình.pdf"
    assert only(message((name, b"%PDF"))).name == name
