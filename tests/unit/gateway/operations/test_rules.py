"""A list that many read shows codes only, whoever wrote the record; and each dead letter has one name."""

from datetime import UTC, datetime

from contracts.envelope import Envelope, to_headers
from contracts.protocol import Stamp
from gateway.operations.rules import NOT_SHOWN, dead_letter_id, shown_headers, shown_verdict

NOW = datetime(2024, 6, 3, 1, 0, tzinfo=UTC)


def test_every_header_of_an_envelope_is_shown_as_it_is() -> None:
    envelope = Envelope(
        id="0192f0c1-7a52-7c55-9d0a-3f1f6f2f8a11",
        source="urn:lienthong:h28:commune;g=2",
        type="dossier.submitted",
        subject="000.01.21.H28-20240603-0000001",
        time=NOW,
        sender="000.01.21.H28",
        system="commune-a",
        recipients=("000.00.03.H28", "H28.01"),
        sequence=3,
        hopsequence=2,
        epoch=1,
        stamp=Stamp(status=1, custodian="000.01.21.H28", epoch=1, version=1),
        occurredat=NOW,
        traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        priority=2,
    )

    assert shown_headers(to_headers(envelope)) == {name: raw.decode() for name, raw in to_headers(envelope)}


def test_what_strangers_write_into_headers_is_not_shown() -> None:
    headers = (
        ("ce_subject", "Nguyễn Thị Mẫu".encode()),
        ("ce_sender", b"Nguyen Thi Mau"),
        ("ce_id", b"\xff\xfe"),
        ("ce_type", b"vn.lienthong.dossier.submitted"),
        ("ce_type", b"the second of a name"),
        ("ce_source", b"x" * 201),
        ("0912345678", b"a name that says something"),
        ("ce_time", b""),
    )

    assert shown_headers(headers) == {
        "ce_subject": NOT_SHOWN,
        "ce_sender": NOT_SHOWN,
        "ce_id": NOT_SHOWN,
        "ce_type": "vn.lienthong.dossier.submitted",
        "ce_source": NOT_SHOWN,
        "ce_time": "",
    }


def test_a_verdict_keeps_words_of_ours() -> None:
    told = {
        "step": "contract",
        "code": "contract.invalid",
        "pointer": "/items/0/reason",
        "contract": "control.hop-stuck/v1",
        "detail": "Nguyễn",
        "number": 5,
    }
    assert shown_verdict(told) == {name: told[name] for name in ("step", "code", "pointer", "contract")}
    assert shown_verdict({"step": "headers", "code": 7, "pointer": "họ tên", "contract": ""}) == {"step": "headers"}


def test_one_row_has_one_name_and_a_restored_database_makes_others() -> None:
    name = dead_letter_id("commune", 7, NOW)
    assert name == dead_letter_id("commune", 7, NOW)
    others = {
        dead_letter_id("district", 7, NOW),
        dead_letter_id("commune", 8, NOW),
        dead_letter_id("commune", 7, NOW.replace(microsecond=1)),
    }
    assert len(others | {name}) == 4
