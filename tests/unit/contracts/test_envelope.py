"""The envelope: what is written is read back; what cannot be read is refused by the name of the header."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.envelope import Envelope, UnreadableEnvelope, from_record, rfc3339, to_headers
from contracts.protocol import Offer, Stamp

HANOI = timezone(timedelta(hours=7))
FULL = Envelope(
    id="018fdb2a-7c10-7f3e-9d2e-5b8f0c3a1e77",
    source="lienthong/commune",
    type="dossier.transferred",
    subject="000.03.21.H28-20240603-0000012",
    time=datetime(2024, 6, 3, 1, 5, tzinfo=UTC),
    version=1,
    sender="000.03.21.H28",
    recipients=("000.00.21.H28", "G22"),
    sequence=7,
    hopsequence=3,
    epoch=2,
    stamp=Stamp(
        status=4, custodian="000.03.21.H28", epoch=2, version=9, offer=Offer("o-1", "000.03.21.H28", "000.00.21.H28")
    ),
    occurredat=datetime(2024, 6, 3, 1, 4, 59, 120000, tzinfo=UTC),
    traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    priority=3,
    partitionkey="000.03.21.H28-20240603-0000012",
    value='{"tên":"Bùi"}'.encode(),
)
LEAST = Envelope(
    id=FULL.id, source="lienthong/gateway", type="receipt.routed", subject="commune", time=FULL.time, value=b"{}"
)


def headers_with(name: str, text: bytes | None) -> list[tuple[str, bytes]]:
    kept = [(key, value) for key, value in to_headers(FULL) if key != name]
    return kept if text is None else [*kept, (name, text)]


@pytest.mark.parametrize("envelope", [FULL, LEAST], ids=["full", "least"])
def test_what_is_written_is_read_back(envelope: Envelope) -> None:
    read = from_record(to_headers(envelope), envelope.value)
    assert read == replace(envelope, partitionkey=envelope.key)


def test_absent_attributes_are_left_out() -> None:
    names = {name for name, _ in to_headers(LEAST)}
    assert names == {
        "content-type", "ce_specversion", "ce_id", "ce_source", "ce_type", "ce_subject", "ce_time",
        "ce_datacontenttype", "ce_dataschema", "ce_partitionkey",
    }  # fmt: skip


def test_headers_are_cloud_events_in_binary_mode() -> None:
    headers = dict(to_headers(FULL))
    assert headers["ce_specversion"] == b"1.0"
    assert headers["content-type"] == b"application/json"
    assert headers["ce_type"] == b"vn.lienthong.dossier.transferred"
    assert headers["ce_dataschema"] == b"https://lienthong.vn/contracts/dossier.transferred/v1"
    assert headers["ce_time"] == b"2024-06-03T01:05:00.000Z"
    assert headers["ce_sequence"] == b"000000000007"
    assert headers["ce_stamp"] == b"4;000.03.21.H28;2;9;o-1,000.03.21.H28,000.00.21.H28"


def test_sequences_compare_as_text() -> None:
    written = [dict(to_headers(replace(FULL, sequence=number)))["ce_sequence"] for number in (9, 10, 99, 100, 10**11)]
    assert written == sorted(written)


def test_headers_are_in_a_fixed_order() -> None:
    assert to_headers(FULL) == to_headers(replace(FULL))
    assert [name for name, _ in to_headers(LEAST)] == [
        name for name, _ in to_headers(FULL) if name in dict(to_headers(LEAST))
    ]


@pytest.mark.parametrize("text", [b"7", b"07", b"000000000007", b"000000000000000007"])
def test_padding_of_a_number_does_not_matter(text: bytes) -> None:
    assert from_record(headers_with("ce_sequence", text), b"{}").sequence == 7


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("ce_id", None), ("ce_id", b""), ("ce_id", b"7"), ("ce_source", None), ("ce_subject", None),
        ("ce_type", None), ("ce_type", b"org.example.dossier.submitted"),
        ("ce_time", None), ("ce_time", b"yesterday"), ("ce_time", b"2024-06-03T08:00:00"),
        ("ce_time", b"0001-01-01T00:00:00+07:00"), ("ce_occurredat", b"9999-12-31T23:59:59-07:00"),
        ("ce_dataschema", None), ("ce_dataschema", b"https://lienthong.vn/contracts/dossier.paid/v1"),
        ("ce_dataschema", b"https://lienthong.vn/contracts/dossier.transferred/v"),
        ("ce_dataschema", b"https://lienthong.vn/contracts/dossier.transferred/v10000"),
        ("ce_dataschema", b"https://elsewhere.example/dossier.transferred/v1"),
        ("ce_sequence", b"-1"), ("ce_sequence", b"7.0"), ("ce_sequence", b""), ("ce_sequence", b"1" * 19),
        ("ce_epoch", b"two"), ("ce_priority", b"high"), ("ce_stamp", b"4;H28;2"), ("ce_stamp", b"4;H28;x;9;"),
        ("ce_stamp", b"4;H28;2;9;only-an-id"), ("ce_occurredat", b"2024-06-03"),
        ("ce_sender", "Sở Nội vụ".encode()), ("ce_sender", b"H28\n"), ("ce_traceparent", b"\x00"),
        ("ce_subject", b"s" * 501), ("ce_source", b"s" * 501), ("ce_traceparent", b"0" * 501),
    ],
)  # fmt: skip
def test_names_the_header_at_fault(name: str, text: bytes | None) -> None:
    with pytest.raises(UnreadableEnvelope) as caught:
        from_record(headers_with(name, text), b"{}")
    assert caught.value.header == name


def test_message_of_the_refusal_never_holds_the_value() -> None:
    with pytest.raises(UnreadableEnvelope) as caught:
        from_record(headers_with("ce_id", b"Bui Thi Man"), b"{}")
    assert "Bui" not in str(caught.value)


@given(st.lists(st.tuples(st.sampled_from([name for name, _ in to_headers(FULL)]), st.binary(max_size=40))))
def test_any_headers_are_read_or_refused(changes: list[tuple[str, bytes]]) -> None:
    headers = {**dict(to_headers(FULL)), **dict(changes)}
    try:
        envelope = from_record(headers.items(), None)
    except UnreadableEnvelope:
        return
    assert from_record(to_headers(envelope), b"") == replace(envelope, partitionkey=envelope.key)


@pytest.mark.parametrize("text", ["a\nb", "a\x7fb", "ấ", "a\x00"])
def test_refuses_to_write_a_header_nobody_could_read(text: str) -> None:
    with pytest.raises((UnreadableEnvelope, UnicodeEncodeError)):
        from_record(to_headers(replace(FULL, source=text)), b"{}")


def test_missing_value_is_empty_bytes() -> None:
    assert from_record(to_headers(FULL), None).value == b""


def test_identity_of_content_is_its_digest() -> None:
    assert FULL.digest() == replace(FULL, id=LEAST.id, sequence=8).digest()
    assert FULL.digest() != replace(FULL, value=FULL.value + b" ").digest()


def test_emitter_is_source_and_sender() -> None:
    assert FULL.emitter == "lienthong/commune|000.03.21.H28"


def test_payload_is_not_printed() -> None:
    assert "Bùi" not in repr(FULL)


def test_times_are_written_in_utc() -> None:
    assert rfc3339(datetime(2024, 6, 3, 8, 5, tzinfo=HANOI)) == "2024-06-03T01:05:00.000Z"
