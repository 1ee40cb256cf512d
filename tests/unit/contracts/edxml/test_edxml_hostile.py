"""Hostile and broken bytes: a refusal with a code, quickly, and never another error."""

import base64
import contextlib
import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.edxml.attachments import iterate_attachments
from contracts.edxml.errors import EdxmlError
from contracts.edxml.limits import Limits
from contracts.edxml.model import Document
from contracts.edxml.reader import read
from contracts.edxml.trace import append_trace

AT = datetime(2026, 11, 21, tzinfo=UTC)

LAUGHS = b"".join(b'<!ENTITY l%d "%s">' % (n + 1, b"&l%d;" % n * 10) for n in range(9))

TOKENS = (
    b"<!DOCTYPE x>",
    b"<!--",
    b"-->",
    b"<![CDATA[",
    b"]]>",
    b"<?xml",
    b"<?xml version='1.0' encoding='utf-7'?>",
    b"&#0;",
    b"&#xD;",
    b"&x;",
    b"<a",
    b"/>",
    b"</",
    b'"',
    b"\x00",
    b"\xff\xfe",
    b' xmlns=""',
    b' xmlns:edXML="urn:x"',
    b"<edXML:StatusCode>1</edXML:StatusCode>",
    b"UEsDBA",
    b"99999999999",
    b"0000/00/00",
)


def refused(data: bytes, **limits: int) -> str:
    with pytest.raises(EdxmlError) as caught:
        read(data, limits=Limits(**limits))
    return caught.value.code


def with_doctype(samples: dict[str, bytes], doctype: bytes, text: bytes) -> bytes:
    data = samples["status-01-arrived"]
    return data.replace(b"<edXML ", doctype + b"<edXML ", 1).replace(
        b"01</edXML:StatusCode>", text + b"</edXML:StatusCode>"
    )


@pytest.mark.parametrize(
    ("doctype", "text"),
    [
        (b"<!DOCTYPE edXML>", b"01"),
        (b'<!DOCTYPE edXML SYSTEM "file:///etc/passwd">', b"01"),
        (b'<!DOCTYPE edXML [<!ENTITY x SYSTEM "file:///etc/passwd">]>', b"&x;"),
        (b'<!DOCTYPE edXML [<!ENTITY l0 "ha">' + LAUGHS + b"]>", b"&l9;"),
        (b'<!DOCTYPE edXML [<!ENTITY % p SYSTEM "http://127.0.0.1:9/x.dtd">%p;]>', b"01"),
    ],
)
def test_refuses_document_types_and_entities(samples: dict[str, bytes], doctype: bytes, text: bytes) -> None:
    assert refused(with_doctype(samples, doctype, text)) == "edxml.dtd_refused"


def test_a_document_type_in_a_comment_is_a_comment(samples: dict[str, bytes]) -> None:
    assert read(with_doctype(samples, b"<!-- <!DOCTYPE edXML> -->", b"01")) == read(samples["status-01-arrived"])


def test_refuses_deep_trees(samples: dict[str, bytes]) -> None:
    deep = b"<a>" * 61 + b"</a>" * 61
    assert refused(
        samples["status-01-arrived"].replace(b"</edXML:MessageHeader>", deep + b"</edXML:MessageHeader>")
    ) == ("edxml.too_large")
    assert refused(b"<a>" * 1_000_000) == "edxml.too_large"


def test_refuses_many_elements(samples: dict[str, bytes]) -> None:
    many = b"<a/>" * 50_000
    data = samples["status-01-arrived"].replace(b"</edXML:MessageHeader>", many + b"</edXML:MessageHeader>")
    assert refused(data) == "edxml.too_large"


def test_refuses_large_messages_and_large_markup(samples: dict[str, bytes]) -> None:
    data = samples["status-01-arrived"]
    assert refused(data, message_bytes=len(data) - 1) == "edxml.too_large"
    assert refused(data, markup_bytes=len(data) - 1) == "edxml.too_large"
    assert read(data, limits=Limits(message_bytes=len(data), markup_bytes=len(data))) == read(data)


def test_a_large_text_that_is_no_base64_counts_as_markup(samples: dict[str, bytes]) -> None:
    data = samples["doc-minimal"].replace(b">UEsDBBQ", b">" + b"?" * 5_000_000)
    assert refused(data) == "edxml.too_large"


@pytest.mark.parametrize(
    "data",
    [
        b"<" * 3_000_000,
        b"<a " * 1_000_000,
        b'<a b="' * 500_000,
        b"<a b='" + b"c" * 3_000_000,
        b"<!--" * 500_000,
        b"<!---->" * 500_000,
        b"<?a?>" * 500_000,
        b"<![CDATA[]]>" * 300_000,
        b"<a>" + b"]]>" * 500_000,
        b"<edXML>" + b"<To>x</To>" * 19_000 + b"</edXML>",
        b"\x00" * 3_000_000,
        b"&" * 3_000_000,
    ],
)
def test_hostile_bytes_cost_little_time(data: bytes) -> None:
    """Quadratic work on these would take minutes; the bound is wide for slow machines."""
    started = time.process_time()
    with pytest.raises(EdxmlError):
        read(data)
    assert time.process_time() - started < 20


def test_many_recipients_and_references_cost_little_time() -> None:
    recipients = b"".join(b"<To><OrganId>H%d</OrganId></To>" % n for n in range(9_000))
    references = b"<Reference/>" * 1_000
    data = (
        b"<edXML><edXMLEnvelope><edXMLHeader><MessageHeader><From><OrganId>a</OrganId></From><DocumentId>b</DocumentId>"
        + recipients
        + b"</MessageHeader></edXMLHeader><edXMLBody><edXMLManifest>"
        + references
        + b"</edXMLManifest></edXMLBody></edXMLEnvelope></edXML>"
    )
    started = time.process_time()
    message = read(data)
    assert isinstance(message, Document)
    assert len(message.to) == 9_000
    assert time.process_time() - started < 20


@st.composite
def damages(draw: st.DrawFn) -> tuple[float, float, bytes]:
    """Where (as a share of the file), how much of it is lost, and what is there instead."""
    return (
        draw(st.floats(0, 1)),
        draw(st.sampled_from([0.0, 0.001, 0.01, 0.3])) * draw(st.floats(0, 1)),
        draw(st.sampled_from(TOKENS) | st.binary(max_size=8)),
    )


def damaged(data: bytes, changes: list[tuple[float, float, bytes]]) -> bytes:
    for place, lost, text in changes:
        at = int(place * len(data))
        data = data[:at] + text + data[at + int(lost * len(data)) :]
    return data


def check_whole_codec(data: bytes) -> None:
    with contextlib.suppress(EdxmlError):
        list(iterate_attachments(data))
    with contextlib.suppress(EdxmlError):
        append_trace(data, "H28.1", AT)
    try:
        message = read(data)
    except EdxmlError:
        return
    after = append_trace(data, "H28.1", AT)
    again = read(after)
    if isinstance(message, Document):
        assert isinstance(again, Document)
        assert len(again.trace_headers) == len(message.trace_headers) + 1
        assert replace(again, trace_headers=()) == replace(message, trace_headers=())
    else:
        assert again == message


@settings(derandomize=True, deadline=None, max_examples=150)
@given(changes=st.lists(damages(), min_size=1, max_size=4))
def test_damaged_samples_are_read_or_refused(
    samples: dict[str, bytes], sample_name: str, changes: list[tuple[float, float, bytes]]
) -> None:
    check_whole_codec(damaged(samples[sample_name], changes))


@settings(derandomize=True, deadline=None, max_examples=300)
@given(data=st.binary(max_size=300) | st.lists(st.sampled_from(TOKENS), max_size=20).map(b"".join))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    check_whole_codec(data)


@settings(derandomize=True, deadline=None, max_examples=500)
@given(changes=st.lists(damages(), min_size=1, max_size=3))
def test_damaged_archives_are_read_or_refused(
    samples: dict[str, bytes], changes: list[tuple[float, float, bytes]]
) -> None:
    data = samples["doc-minimal"]
    start = data.index(b"UEsDBBQ")
    end = data.index(b"<", start)
    content = damaged(base64.b64decode(data[start:end]), changes)
    with contextlib.suppress(EdxmlError):
        list(iterate_attachments(data[:start] + base64.b64encode(content) + data[end:]))
