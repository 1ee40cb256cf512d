"""Forwarding: one hop more, every other byte as it came."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from contracts.edxml.attachments import iterate_attachments
from contracts.edxml.errors import EdxmlError
from contracts.edxml.model import VIETNAM, Document, TraceHeader
from contracts.edxml.reader import read
from contracts.edxml.trace import append_trace

AT = datetime(2026, 11, 21, 17, 30, 0, tzinfo=UTC)
HOP = TraceHeader("H28.1", datetime(2026, 11, 22, 0, 30, 0, tzinfo=VIETNAM))


def inserted(before: bytes, after: bytes) -> tuple[int, bytes]:
    """Where and what was put in; fails when anything else changed."""
    place = next((at for at, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), len(before))
    grown = len(after) - len(before)
    assert grown > 0
    assert before[:place] + after[place : place + grown] + before[place:] == after
    return place, after[place : place + grown]


def body(*children: str, message: str = "<MessageHeader>", end: str = "</MessageHeader>") -> bytes:
    return (
        '<edXML xmlns="http://www.mic.gov.vn/TBT/QCVN_102_2016"><edXMLEnvelope><edXMLHeader>'
        f"{message}<From><OrganId>H28.1</OrganId></From><To><OrganId>G22</OrganId></To><DocumentId>a</DocumentId>{end}"
        f"{''.join(children)}</edXMLHeader></edXMLEnvelope></edXML>"
    ).encode()


def hops(data: bytes) -> tuple[TraceHeader, ...]:
    message = read(data)
    assert isinstance(message, Document)
    return message.trace_headers


def test_adds_one_hop_to_every_document(samples: dict[str, bytes], document_name: str) -> None:
    before = samples[document_name]
    after = append_trace(before, "H28.1", AT)
    inserted(before, after)
    message = read(before)
    assert isinstance(message, Document)
    assert read(after) == replace(message, trace_headers=(*message.trace_headers, HOP))
    assert append_trace(before, "H28.1", AT) == after


def test_adds_a_list_to_every_status(samples: dict[str, bytes], status_name: str) -> None:
    before = samples[status_name]
    after = append_trace(before, "H28.1", AT)
    _, text = inserted(before, after)
    assert text.count(b"TraceHeaderList>") == 2
    assert read(after) == read(before)


def test_attachments_survive(samples: dict[str, bytes]) -> None:
    before = samples["doc-2025-three-files-bussiness-first"]
    assert list(iterate_attachments(append_trace(before, "H28.1", AT))) == list(iterate_attachments(before))


def test_stands_behind_the_last_hop_with_the_indentation_of_its_neighbours(samples: dict[str, bytes]) -> None:
    before = samples["doc-2019-two-hops"]
    after = append_trace(before, "H28.1", AT)
    inserted(before, after)
    assert (
        b"        </edXML:TraceHeader>\r\n"
        b"        <edXML:TraceHeader>\r\n"
        b"          <edXML:OrganId>H28.1</edXML:OrganId>\r\n"
        b"          <edXML:Timestamp>2026/11/22 00:30:00</edXML:Timestamp>\r\n"
        b"        </edXML:TraceHeader>\r\n"
        b"      </edXML:TraceHeaderList>\r\n"
    ) in after


def test_stands_behind_bussiness_when_there_is_no_hop(samples: dict[str, bytes]) -> None:
    data = body("<TraceHeaderList><Bussiness><BussinessDocType>1</BussinessDocType></Bussiness></TraceHeaderList>")
    after = append_trace(data, "H28.1", AT)
    assert b"</Bussiness><TraceHeader><OrganId>H28.1</OrganId>" in after
    assert hops(after) == (HOP,)


@pytest.mark.parametrize(
    "empty", ["<TraceHeaderList/>", '<TraceHeaderList id="1" version="1.0" />', "<TraceHeaderList></TraceHeaderList>"]
)
def test_fills_an_empty_list_and_keeps_its_attributes(empty: str) -> None:
    after = append_trace(body(empty), "H28.1", AT)
    assert hops(after) == (HOP,)
    assert after.count(b"TraceHeaderList") == 2
    assert (b'id="1" version="1.0"' in after) == ("id=" in empty)


def test_makes_a_list_when_there_is_none() -> None:
    before = body("<Signature/>")
    after = append_trace(before, "H28.1", AT)
    assert hops(after) == (HOP,)
    assert after == before.replace(
        b"<Signature/>",
        b"<TraceHeaderList><TraceHeader><OrganId>H28.1</OrganId><Timestamp>2026/11/22 00:30:00</Timestamp>"
        b"</TraceHeader></TraceHeaderList><Signature/>",
    )


@pytest.mark.parametrize(
    ("message", "end"),
    [
        ('<x:MessageHeader xmlns:x="http://www.mic.gov.vn/TBT/QCVN_102_2016">', "</x:MessageHeader>"),
        ('<MessageHeader xmlns = "urn:other">', "</MessageHeader>"),
    ],
)
def test_a_new_list_repeats_a_declaration_its_neighbour_keeps_to_itself(message: str, end: str) -> None:
    after = append_trace(body(message=message, end=end), "H28.1", AT)
    assert hops(after) == (HOP,)
    assert not [oddity for oddity in read(after).warnings if oddity.code == "prefix_undeclared"]


def test_is_not_led_astray_by_comments_and_quoted_text() -> None:
    decoy = "<!-- <TraceHeaderList><TraceHeader/></TraceHeaderList> --><![CDATA[</TraceHeaderList>]]>"
    listed = '<TraceHeaderList note="</TraceHeaderList>">'.replace("<", "&lt;", 2).replace("&lt;", "<", 1)
    data = body(f"{decoy}{listed}{decoy}<TraceHeader><OrganId>G22</OrganId></TraceHeader>{decoy}</TraceHeaderList>")
    assert hops(append_trace(data, "H28.1", AT)) == (TraceHeader("G22", None), HOP)


def test_text_before_the_declaration_stays() -> None:
    before = b"\xef\xbb\xbfsome text\r\n" + body("<TraceHeaderList/>")
    after = append_trace(before, "H28.1", AT)
    assert after.startswith(b"\xef\xbb\xbfsome text\r\n<edXML ")
    assert hops(after) == (HOP,)


def test_the_axis_adds_hops_without_organ() -> None:
    after = append_trace(body("<TraceHeaderList/>"), None, AT)
    assert hops(after) == (replace(HOP, organ_id=None),)


def test_escapes_the_organ() -> None:
    after = append_trace(body("<TraceHeaderList/>"), "a<b&c", AT)
    assert hops(after) == (replace(HOP, organ_id="a<b&c"),)


def test_refuses_what_cannot_be_read() -> None:
    for data, code in ((b"<edXML>", "edxml.malformed"), (b"<edXML/>", "edxml.not_edxml")):
        with pytest.raises(EdxmlError) as caught:
            append_trace(data, "H28.1", AT)
        assert caught.value.code == code
    with pytest.raises(ValueError, match="zone"):
        append_trace(body(), "H28.1", datetime(2026, 1, 1))
