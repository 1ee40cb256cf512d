"""Straight into and out of the topics, past every office: forged records, dead letters, what the gateway answers."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import uuid4

import orjson
import uuid_utils

from contracts.envelope import Envelope, Headers, to_headers
from services.kernel.messaging.cluster import Cluster
from services.kernel.messaging.kafka import Producer, Reader
from services.kernel.messaging.records import Ack, Outgoing, Record

WAIT_SECONDS = 30.0
POLL_SECONDS = 0.2
DAY = "20240603"

_numbers = count(int(time.time()) % 1_000_000)


def code_of(organ: str) -> str:
    """A dossier code no office issues: of a day long ago."""
    return f"{organ}-{DAY}-{next(_numbers):07d}"


def source_of(level: str) -> str:
    return f"urn:lienthong:h28:{level}"


def fact(
    kind: str, payload: Mapping[str, Any], *, subject: str, sender: str, system: str, **attributes: Any
) -> Envelope:
    """An envelope as the commune's office would write it; `sequence` is 1 and all else is as told."""
    level = attributes.pop("level", "commune")
    written: dict[str, Any] = {
        "id": str(uuid_utils.uuid7()),
        "source": source_of(level),
        "sequence": 1,
        "time": datetime.now(UTC),
        "value": orjson.dumps(payload),
    }
    return Envelope(type=kind, subject=subject, sender=sender, system=system, **written | attributes)


def submitted(organ: str, *, code: str | None = None, system: str = "commune-a", **fields: Any) -> Envelope:
    """A valid `dossier.submitted`; `fields` change its payload."""
    code = code or code_of(organ)
    payload = {
        "code": code,
        "procedure": "1.001612",
        "receiving_organ": organ,
        "channel": 1,
        "applicant": {"kind": "citizen", "name": "Nguyễn Thị Mẫu"},
        "attachments": [],
    }
    return fact("dossier.submitted", payload | fields, subject=code, sender=organ, system=system)


def acted(of: Envelope, kind: str, *, sequence: int, epoch: int | None = 1, **fields: Any) -> Envelope:
    """An act on the forged dossier by its receiving organ."""
    payload = {"code": of.subject, "at": "2024-06-03T01:00:00Z", **fields}
    return fact(kind, payload, subject=of.subject, sender=of.sender, system=of.system, sequence=sequence, epoch=epoch)


class Topics:
    """A producer and readers of one broker."""

    def __init__(self, bootstrap: str) -> None:
        self._cluster = Cluster(bootstrap, client_id="test")
        self._producer = Producer(self._cluster, send_seconds=60)

    async def put(self, *envelopes: Envelope, topic: str = "ingest.commune") -> None:
        """In this order; returns when the broker holds them."""
        await self._send([Outgoing(topic, each.key, each.value, to_headers(each)) for each in envelopes])

    async def put_raw(self, headers: Headers, value: bytes | None, *, topic: str = "ingest.commune") -> str:
        """Anything at all; returns the Kafka key."""
        key = str(uuid4())
        await self._send([Outgoing(topic, key, value, headers)])
        return key

    async def aclose(self) -> None:
        await self._producer.aclose()

    async def _send(self, messages: list[Outgoing]) -> None:
        results = await self._producer.send(messages)
        assert all(isinstance(result, Ack) for result in results), results

    @asynccontextmanager
    async def reading(self, *topics: str) -> AsyncIterator[Found]:
        """Everything in the topics, from the beginning and on as it comes."""
        reader = Reader(self._cluster, topics)
        try:
            await reader.start()
            yield Found(reader)
        finally:
            await reader.stop()


class Found:
    """What was read so far."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.records: list[Record] = []

    async def until(self, wanted: Callable[[Record], bool], *, times: int = 1, what: str = "record") -> list[Record]:
        """The records that are wanted, once there are so many."""
        end = time.monotonic() + WAIT_SECONDS
        while len(found := [record for record in self.records if wanted(record)]) < times:
            assert time.monotonic() < end, f"{what}: {len(found)} of {times} came, among {len(self.records)} records"
            self.records += await self._reader.poll(POLL_SECONDS)
        return found

    async def to_end(self) -> list[Record]:
        """All that was there when reading began."""
        end = time.monotonic() + WAIT_SECONDS
        while not self._reader.caught_up:
            assert time.monotonic() < end, f"the end was not reached, {len(self.records)} records came"
            self.records += await self._reader.poll(POLL_SECONDS)
        return self.records

    async def items(self, kind: str, transfer: str, *, times: int = 1) -> list[dict[str, Any]]:
        """The lines of receipts of that kind about a transfer."""

        def lines(records: Iterable[Record]) -> list[dict[str, Any]]:
            receipts = (record for record in records if kind_of(record) == kind)
            return [
                item for record in receipts for item in orjson.loads(record.value or b"{}")["items"]
                if item.get("id") == transfer
            ]  # fmt: skip

        end = time.monotonic() + WAIT_SECONDS
        while len(found := lines(self.records)) < times:
            assert time.monotonic() < end, f"{kind} about {transfer}: {len(found)} of {times} came"
            self.records += await self._reader.poll(POLL_SECONDS)
        return found


def header(record: Record, name: str) -> str:
    return dict(record.headers).get(name, b"").decode()


def kind_of(record: Record) -> str:
    return header(record, "ce_type").removeprefix("vn.lienthong.")
