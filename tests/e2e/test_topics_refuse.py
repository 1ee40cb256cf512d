"""Records put straight into `ingest.*`: the gateway refuses or buries each, and what stands behind them flows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import orjson
import pytest

from contracts.envelope import Envelope, to_headers
from deploy.client.answers import NewDossier
from deploy.client.hub import Hub
from deploy.stories import dossier
from deploy.stories.stage import Stage, refused
from services.kernel.messaging.records import Record
from tests.e2e.topics import Topics, acted, code_of, fact, header, kind_of, source_of, submitted

UNKNOWN = "000.99.99.H28"
SECRET = "Trần Văn Kín"
INGEST, DEAD, DELIVER = "ingest.commune", "ingest.commune.dead", "deliver.commune"


@dataclass(frozen=True, slots=True)
class Case:
    """What is put, and the verdict on the last of it."""

    name: str
    envelopes: tuple[Envelope, ...]
    step: str
    code: str
    pointer: str = ""
    topic: str = INGEST

    @property
    def answer_on(self) -> str:
        return self.topic.replace("ingest", "deliver")


def refused_cases(organ: str) -> list[Case]:
    from_district = source_of("district")
    moved, stale = submitted(organ), submitted(organ)
    done = acted(moved, "dossier.result-issued", sequence=2)
    late = acted(stale, "dossier.status-changed", sequence=2, epoch=7, action="accept", status=2)
    wrong = replace(submitted(organ), source=from_district)
    return [
        Case("schema", (submitted(organ, channel=9),), "contract", "contract.invalid", "/channel"),
        Case("unknown contract", (replace(submitted(organ), type="dossier.unheard"),), "contract", "contract.unknown"),
        Case("unknown version", (replace(submitted(organ), version=9),), "contract", "contract.unknown"),
        Case("unreadable bytes", (replace(submitted(organ), value=b"\xff{"),), "contract", "contract.invalid"),
        Case("too large", (submitted(organ, note="x" * 300_000),), "size", "size.too_large"),
        Case("wrong source", (wrong,), "level", "level.mismatch"),
        Case("wrong level", (replace(wrong, id=str(uuid4()), subject=code_of(organ)),), "contract", "contract.invalid",
             "/code", "ingest.district"),
        Case("another level's topic", (replace(submitted(organ), source=from_district),), "level", "level.mismatch",
             topic="ingest.district"),
        Case("another organ", (submitted(organ, system="stranger"),), "competence", "organ.forbidden"),
        Case("no such system", (submitted(organ, system="nobody"),), "competence", "organ.forbidden"),
        Case("unknown recipient", (submitted(organ, deciding_organ=UNKNOWN),), "recipients", "recipient.unknown",
             "/deciding_organ"),
        Case("forbidden move", (moved, done), "status", "status.not_allowed"),
        Case("stale epoch", (stale, late), "custody", "custody.stale", "/epoch"),
    ]  # fmt: skip


async def test_facts_are_refused_by_name_and_traffic_behind_flows(stage: Stage, topics: Topics) -> None:
    commune, operator = stage["commune-a"], stage["operator"]
    cases = refused_cases(commune.organ)
    async with topics.reading("deliver.commune", "deliver.district") as answers:
        for case in cases:
            await topics.put(*case.envelopes, topic=case.topic)
        await _flows(commune, stage["department-a"])
        for case in cases:
            last = case.envelopes[-1]
            [item] = await answers.items("receipt.refused", last.id)
            found = {name: item[name] for name in ("subject", "step", "code", "pointer")}
            wanted = {"subject": last.subject, "step": case.step, "code": case.code, "pointer": case.pointer}
            assert found == wanted, case.name
            assert item["remedy"]["vi"], case.name
            told = [record.topic for record in answers.records if last.id in (record.value or b"").decode()]
            assert set(told) == {case.answer_on}, case.name
            shown = await operator.operations.transfer(last.id)
            assert (shown["state"], shown["verdict"]["code"]) == ("refused", case.code), case.name
        for first in (case.envelopes[0] for case in cases if len(case.envelopes) == 2):
            assert (await operator.operations.transfer(first.id))["state"] == "handed_over"


async def test_what_is_no_fact_is_buried_with_headers_and_verdict_alone(stage: Stage, topics: Topics) -> None:
    commune = stage["commune-a"]
    buried: dict[str, tuple[str, str]] = {}

    async def bury(name: str, code: str, pointer: str = "", **changes: Any) -> None:
        envelope = submitted(commune.organ, note=SECRET, code=code_of(commune.organ))
        headers = {key: raw for key, raw in to_headers(envelope) if key != changes.get("without")}
        headers |= changes.get("headers", {}) | {"x-case": name.encode()}
        await topics.put_raw(tuple(headers.items()), changes.get("value", envelope.value))
        buried[name] = (code, pointer)

    async with topics.reading(DEAD) as dead:
        for name in ("ce_id", "ce_type", "ce_source", "ce_dataschema", "ce_subject", "ce_time"):
            await bury(f"no {name}", "envelope.unreadable", name, without=name)
        await bury("no sequence", "sequence.missing", without="ce_sequence")
        await bury("id", "envelope.unreadable", "ce_id", headers={"ce_id": b"not a uuid"})
        await bury("letters", "envelope.unreadable", "ce_sender", headers={"ce_sender": "Xã Mẫu".encode()})
        await bury("number", "envelope.unreadable", "ce_sequence", headers={"ce_sequence": b"-1"})
        await bury("headers", "size.too_large", headers={"x-long": b"x" * 20_000})
        await bury("value", "envelope.unreadable", "ce_type", without="ce_type", value=None)
        await topics.put_raw((("x-case", b"bare"),), SECRET.encode())
        buried["bare"] = ("envelope.unreadable", "ce_type")
        await _flows(commune, stage["department-a"])
        for name, (code, pointer) in buried.items():
            [record] = await dead.until(lambda found, wanted=name: header(found, "x-case") == wanted, what=name)
            verdict = orjson.loads(record.value or b"")
            assert (verdict["code"], verdict["pointer"]) == (code, pointer), name
        assert not any(SECRET in (record.value or b"").decode() for record in dead.records)


async def test_the_same_digest_again_is_answered_again_and_another_one_is_buried(stage: Stage, topics: Topics) -> None:
    commune, department, operator = stage["commune-a"], stage["department-a"], stage["operator"]
    accepted = submitted(commune.organ, deciding_organ=department.organ)
    unfit = submitted(commune.organ, channel=9)
    async with topics.reading(DELIVER, DEAD) as found:
        await topics.put(accepted, unfit)
        await department.inbox.wait_for(lambda item: item["id"] == accepted.id, ["dossier"])
        for times in (1, 2, 3):  # one by one: what comes twice in a chunk is answered once
            assert len(await found.items("receipt.refused", unfit.id, times=times)) == times
            await found.items("receipt.routed", accepted.id, times=times)
            if times < 3:
                await topics.put(accepted, unfit)
        routed = await found.items("receipt.routed", accepted.id, times=3)
        assert {(item["deliveries"][0]["organ"], item["stamp"]["version"]) for item in routed} == {
            (department.organ, 1)
        }
        await topics.put(replace(accepted, value=accepted.value + b" "))
        [record] = await found.until(lambda record: _buried(record, accepted), what="identity with another digest")
        assert orjson.loads(record.value or b"")["code"] == "envelope.id_reused"
    shown = await operator.operations.transfer(accepted.id)
    assert [each["state"] for each in shown["deliveries"]] == ["handed_over"]
    again = await department.inbox.read(limit=500)
    assert accepted.id not in {item["id"] for item in again["items"]}


async def test_a_gap_is_asked_for_and_nothing_of_it_is_kept(stage: Stage, topics: Topics) -> None:
    commune, operator = stage["commune-a"], stage["operator"]
    first = submitted(commune.organ)
    second = acted(first, "dossier.status-changed", sequence=2, action="accept", status=2)
    third = acted(first, "dossier.status-changed", sequence=3, action="assign", status=4)
    async with topics.reading(DELIVER) as found:
        await topics.put(third)
        [record] = await found.until(lambda record: _asks_for(record, first.subject), what="request to send again")
        asked = [item for item in orjson.loads(record.value or b"")["items"] if item["subject"] == first.subject]
        assert [(item["emitter"], item["first"]) for item in asked] == [(third.emitter, 1)]
        await refused(operator.operations.transfer(third.id), 404, "request.not_found")
        await topics.put(first, second, third)
        [item] = await found.items("receipt.routed", third.id)
        assert (item["stamp"]["status"], item["stamp"]["version"]) == (4, 3)


async def test_a_receipt_about_no_hop_is_buried(stage: Stage, topics: Topics) -> None:
    commune = stage["commune-a"]
    line = {
        "source": source_of("province"),
        "id": str(uuid4()),
        "subject": code_of(commune.organ),
        "hopsequence": 1,
        "deliveries": [{"organ": commune.organ, "state": "handed_over", "handed_over_at": "2024-06-03T01:00:05Z"}],
    }
    receipt = fact("receipt.handed-over", {"items": [line]}, subject="commune", sender="", system="", sequence=None)
    async with topics.reading(DEAD) as dead:
        await topics.put(receipt)
        [record] = await dead.until(lambda record: _buried(record, receipt), what="receipt")
        assert orjson.loads(record.value or b"")["code"] == "delivery.misaddressed"


@pytest.mark.parametrize("valid", [False, True], ids=["refused forgery", "accepted forgery"])
async def test_a_forged_next_number_makes_the_true_one_a_conflict_for_a_person(
    stage: Stage, topics: Topics, valid: bool
) -> None:
    commune, operator = stage["commune-a"], stage["operator"]
    posted = await commune.dossiers.submit(dossier.body())
    code = posted["code"]
    await commune.transfers.wait_for(posted["transfers"][0], "handed_over")
    status = 2 if valid else 77
    forged = acted(submitted(commune.organ, code=code), "dossier.status-changed", sequence=2, action="accept",
                   status=status)  # fmt: skip
    async with topics.reading(DELIVER, DEAD) as found:
        await topics.put(forged)
        await found.items("receipt.routed" if valid else "receipt.refused", forged.id)
        true = (await commune.dossiers.act(code, "accept"))["transfers"][0]
        shown = await commune.transfers.wait_for(true, "refused")
        assert shown["verdict"]["code"] == "sequence.conflict"
        [conflict] = await found.items("receipt.conflict", true)
        assert (conflict["subject"], conflict["sequence"]) == (code, 2)
        [dead] = await found.until(lambda record: record.topic == DEAD and header(record, "ce_id") == true)
        assert orjson.loads(dead.value or b"")["code"] == "sequence.conflict"
    await refused(operator.operations.transfer(true), 404, "request.not_found")
    item = await commune.inbox.wait_for(lambda each: each["subject"] == code, ["receipt"])
    assert item["data"]["id"] == true
    # the number is used up, so the subject goes on with the next one, and the mirror is right again
    after = await commune.dossiers.act(code, "withdraw")
    await commune.transfers.wait_for(after["transfers"][0], "handed_over")
    mirror = await commune.dossiers.show(code)
    assert (mirror["status"], mirror["version"], mirror["custodian"]) == (7, 3 if valid else 2, None)


async def _flows(sender: Hub, recipient: Hub) -> None:
    """A dossier posted as any other is handed over."""
    new: NewDossier = {**dossier.body(), "deciding_organ": recipient.organ}
    posted = await sender.dossiers.submit(new)
    shown = await sender.transfers.wait_for(posted["transfers"][0], "handed_over")
    assert [each["organ"] for each in shown["deliveries"]] == [recipient.organ]


def _buried(record: Record, envelope: Envelope) -> bool:
    return record.topic == DEAD and header(record, "ce_id") == envelope.id


def _asks_for(record: Record, subject: str) -> bool:
    return kind_of(record) == "control.resend-requested" and subject in (record.value or b"").decode()
