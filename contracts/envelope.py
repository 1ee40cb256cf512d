"""The envelope: the only thing that travels between programs.

CloudEvents 1.0 in Kafka binary mode: attributes are `ce_*` headers (ASCII), the value is the JSON payload.
Reading is lenient in spelling (zero padding) and strict in kind: what cannot be read raises `UnreadableEnvelope`.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from contracts.protocol import Stamp, StampError

TYPE_PREFIX = "vn.lienthong."
SCHEMA_PREFIX = "https://lienthong.vn/contracts/"
CONTENT_TYPE = "application/json"
MAX_VALUE_BYTES = 256 * 1024
MAX_HEADER_BYTES = 16 * 1024
LONGEST_ATTRIBUTE = 500
"""Characters of any attribute but the recipients: our own stay far below, and a database can index it."""
SEQUENCE_DIGITS = 12

Headers = tuple[tuple[str, bytes], ...]


class UnreadableEnvelope(ValueError):
    """A record whose headers do not make an envelope; `header` names the first one at fault."""

    def __init__(self, header: str, detail: str) -> None:
        super().__init__(f"{header}: {detail}")
        self.header = header
        self.detail = detail


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """One message. `type` is without prefix (`dossier.submitted`); `sequence` exists on facts only.

    `sender` is the organ that speaks, `system` the client that spoke for it (the gateway checks the pair).
    """

    id: str
    source: str
    type: str
    subject: str
    time: datetime
    version: int = 1
    sender: str = ""
    system: str = ""
    recipients: tuple[str, ...] = ()
    sequence: int | None = None
    hopsequence: int | None = None
    epoch: int | None = None
    stamp: Stamp | None = None
    occurredat: datetime | None = None
    traceparent: str = ""
    priority: int = 0
    partitionkey: str = ""
    value: bytes = field(default=b"{}", repr=False)

    @property
    def full_type(self) -> str:
        return TYPE_PREFIX + self.type

    @property
    def contract(self) -> str:
        """Name and version of the contract, `dossier.submitted/v1`."""
        return f"{self.type}/v{self.version}"

    @property
    def key(self) -> str:
        return self.partitionkey or self.subject

    @property
    def emitter(self) -> str:
        """Who numbers: (source, sender organ). Sequences are gapless per (subject, emitter)."""
        return f"{self.source}|{self.sender}"

    def digest(self) -> bytes:
        """SHA-256 of the value: the same identity with another digest is `envelope.id_reused`."""
        return hashlib.sha256(self.value).digest()


def to_headers(envelope: Envelope) -> Headers:
    """The envelope's attributes as Kafka headers, in a fixed order; absent ones are left out."""
    pairs: list[tuple[str, str]] = [
        ("content-type", CONTENT_TYPE),
        ("ce_specversion", "1.0"),
        ("ce_id", envelope.id),
        ("ce_source", envelope.source),
        ("ce_type", envelope.full_type),
        ("ce_subject", envelope.subject),
        ("ce_time", rfc3339(envelope.time)),
        ("ce_datacontenttype", CONTENT_TYPE),
        ("ce_dataschema", SCHEMA_PREFIX + envelope.contract),
        ("ce_partitionkey", envelope.key),
    ]
    optional: list[tuple[str, str | None]] = [
        ("ce_sender", envelope.sender or None),
        ("ce_system", envelope.system or None),
        ("ce_recipients", ",".join(envelope.recipients) or None),
        ("ce_sequence", _padded(envelope.sequence)),
        ("ce_hopsequence", _padded(envelope.hopsequence)),
        ("ce_epoch", None if envelope.epoch is None else str(envelope.epoch)),
        ("ce_stamp", envelope.stamp.to_text() if envelope.stamp else None),
        ("ce_occurredat", rfc3339(envelope.occurredat) if envelope.occurredat else None),
        ("ce_traceparent", envelope.traceparent or None),
        ("ce_priority", str(envelope.priority) if envelope.priority else None),
    ]
    pairs += [(name, text) for name, text in optional if text is not None]
    return tuple((name, text.encode("ascii")) for name, text in pairs)


def from_record(headers: Iterable[tuple[str, bytes]], value: bytes | None) -> Envelope:
    """Reads headers and value back. The value is not looked into: it may be unreadable and still be refused by name.

    Raises `UnreadableEnvelope` for a missing or malformed attribute.
    """
    texts = _texts(headers)
    full_type = _required(texts, "ce_type")
    if not full_type.startswith(TYPE_PREFIX):
        raise UnreadableEnvelope("ce_type", "not one of ours")
    schema = _required(texts, "ce_dataschema")
    name = full_type.removeprefix(TYPE_PREFIX)
    recipients = texts.get("ce_recipients", "")
    return Envelope(
        id=_uuid(_required(texts, "ce_id")),
        source=_required(texts, "ce_source"),
        type=name,
        subject=_required(texts, "ce_subject"),
        time=_time("ce_time", _required(texts, "ce_time")),
        version=_version(schema, name),
        sender=texts.get("ce_sender", ""),
        system=texts.get("ce_system", ""),
        recipients=tuple(part for part in recipients.split(",") if part),
        sequence=_integer(texts, "ce_sequence"),
        hopsequence=_integer(texts, "ce_hopsequence"),
        epoch=_integer(texts, "ce_epoch"),
        stamp=_stamp(texts.get("ce_stamp")),
        occurredat=_time("ce_occurredat", texts["ce_occurredat"]) if "ce_occurredat" in texts else None,
        traceparent=texts.get("ce_traceparent", ""),
        priority=_integer(texts, "ce_priority") or 0,
        partitionkey=texts.get("ce_partitionkey", ""),
        value=value or b"",
    )


def rfc3339(moment: datetime) -> str:
    """UTC with milliseconds, `2026-11-21T08:00:00.000Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _texts(headers: Iterable[tuple[str, bytes]]) -> dict[str, str]:
    texts: dict[str, str] = {}
    for name, raw in headers:
        try:
            text = (raw or b"").decode("ascii")
        except UnicodeDecodeError:
            raise UnreadableEnvelope(name, "not ASCII") from None
        if not text.isprintable():
            raise UnreadableEnvelope(name, "control character")
        if len(text) > LONGEST_ATTRIBUTE and name.startswith("ce_") and name != "ce_recipients":
            raise UnreadableEnvelope(name, "too long")
        texts[name] = text
    return texts


def _required(texts: dict[str, str], name: str) -> str:
    text = texts.get(name, "")
    if not text:
        raise UnreadableEnvelope(name, "missing")
    return text


def _padded(number: int | None) -> str | None:
    return None if number is None else str(number).zfill(SEQUENCE_DIGITS)


def _integer(texts: dict[str, str], name: str) -> int | None:
    text = texts.get(name)
    if text is None:
        return None
    if not text.isdigit() or len(text) > 18:
        raise UnreadableEnvelope(name, "not a whole number")
    return int(text)


def _uuid(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise UnreadableEnvelope("ce_id", "not a UUID") from None


def _time(name: str, text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UnreadableEnvelope(name, "not an RFC 3339 time") from None
    if moment.tzinfo is None:
        raise UnreadableEnvelope(name, "time without zone")
    if not 1000 <= moment.year <= 2999:
        # near the ends of the calendar, moving to UTC overflows when the envelope is written on
        raise UnreadableEnvelope(name, "year out of range")
    return moment


def _version(schema: str, name: str) -> int:
    expected = f"{SCHEMA_PREFIX}{name}/v"
    number = schema.removeprefix(expected)
    if number == schema or not number.isdigit() or len(number) > 4:
        raise UnreadableEnvelope("ce_dataschema", "does not name a version of the type")
    return int(number)


def _stamp(text: str | None) -> Stamp | None:
    if text is None:
        return None
    try:
        return Stamp.from_text(text)
    except StampError:
        raise UnreadableEnvelope("ce_stamp", "not a stamp") from None
