"""The axis client and the stand-in over a real server: documents up, statuses home, documents down, faults."""

import asyncio
import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from contracts.edxml.attachments import Attachment, iterate_attachments
from contracts.edxml.changes import earlier_ids, replaced_ids
from contracts.edxml.model import (
    RECEIVER_ADDED,
    Business,
    Document,
    DocumentChange,
    Organization,
    Receiver,
    ResponseFor,
    Status,
)
from contracts.edxml.reader import read
from contracts.edxml.writer import write_document, write_status
from deploy.local.axis import AxisSettings, build
from deploy.local.errors import LocalError
from gateway.national.client import AxisClient, AxisRefused, AxisUnavailable, ReceivedItem
from tests.integration.national.conftest import StandIn, until

Connect = Callable[..., AxisClient]

RECORDED = Path(__file__).parents[2] / "data" / "edxml" / "vxp-sdk-2.0.1-requests.jsonl"
SEED = Path(__file__).parents[3] / "deploy" / "seed" / "samples" / "doc-2025-three-files-bussiness-first.edxml"

LETTER = Document(
    sender=Organization("H28.1", organ_name="Ủy ban nhân dân xã Mẫu"),
    to=(Organization("G22"),),
    document_id="H28.1,2026/11/21,7/UBND-VP",
    code_number="7",
    code_notation="UBND-VP",
    promulgation_date=date(2026, 11, 21),
    subject="Báo cáo tháng 11",
)


def letter(to: str = "G22", number: str = "7", **changes: Any) -> bytes:
    document = replace(
        LETTER,
        to=(Organization(to),),
        code_number=number,
        document_id=f"H28.1,2026/11/21,{number}/UBND-VP",
        **changes,
    )
    return write_document(document, [Attachment("Báo cáo.pdf", b"%PDF-1.4 mau")])


async def send(client: AxisClient, data: bytes, *, to: str = "G22") -> str:
    return await client.send_edoc(data, sender="H28.1", to=[to], message_type="edoc")


async def statuses_home(client: AxisClient, count: int) -> list[tuple[ReceivedItem, Status]]:
    """The statuses waiting, once there are so many, in the order of the list."""
    items = await until(lambda: client.received("status"), lambda found: len(found) >= count)
    found = []
    for item in items:
        message = read(await client.get_edoc(item.doc_id))
        assert isinstance(message, Status)
        found.append((item, message))
    return found


async def received(axis: StandIn, http: httpx.AsyncClient) -> list[dict[str, Any]]:
    answer = await http.get(f"{axis.url}/_standin/received")
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def order_fault(axis: StandIn, http: httpx.AsyncClient, verb: str, kind: str, count: int = 1) -> None:
    answer = await http.post(f"{axis.url}/_standin/faults", json={"verb": verb, "kind": kind, "count": count})
    assert answer.status_code == 200


@pytest.mark.parametrize("code", ["G22", "000.00.00.G22"])
async def test_a_document_goes_up_and_its_statuses_come_home(
    axis: StandIn, connect: Connect, http: httpx.AsyncClient, code: str
) -> None:
    client, data = connect(), letter(code)
    doc_id = await send(client, data, to=code)
    [held] = await received(axis, http)
    assert held["doc_id"] == doc_id
    assert held["sha256"] == hashlib.sha256(data).hexdigest()
    assert (held["sender"], held["document_id"]) == ("H28.1", "H28.1,2026/11/21,7/UBND-VP")
    assert held["organs"] == [code]

    home = await statuses_home(client, 3)
    assert [status.status_code for _, status in home] == ["01", "03", "06"]
    assert len({item.doc_id for item, _ in home} | {doc_id}) == 4
    for item, status in home:
        assert status.sender.organ_id == code
        assert status.response_for == ResponseFor(
            "H28.1", "7/UBND-VP", "H28.1,2026/11/21,7/UBND-VP", date(2026, 11, 21)
        )
        assert status.timestamp is not None
        assert (item.to, item.status, item.message_type) == ("H28.1", "initial", "status")
        await client.update_status(item.doc_id, "done")
    assert await client.received("status") == []
    assert await client.received("edoc") == []


async def test_the_same_bytes_again_are_the_same_document(
    axis: StandIn, connect: Connect, http: httpx.AsyncClient
) -> None:
    client, data = connect(), letter()
    first = await send(client, data)
    home = await statuses_home(client, 3)
    assert await send(client, data) == first
    assert await send(client, letter(number="8")) != first
    home_now = await statuses_home(client, 6)
    assert [item for item, _ in home_now][:3] == [item for item, _ in home]
    assert len(home_now) == 6
    assert len(await received(axis, http)) == 2


@pytest.mark.parametrize("doc_type", [1, 2])
async def test_a_recall_and_an_update_are_agreed_to(connect: Connect, doc_type: int) -> None:
    client = connect()
    await send(client, letter(business=Business(doc_type=doc_type)))
    [(_, status)] = await statuses_home(client, 1)
    assert status.status_code == "15"


async def test_an_update_that_adds_the_central_organ_is_a_new_document_to_it(connect: Connect) -> None:
    client = connect()
    change = DocumentChange(document_info=1, document_receiver=1, receivers=(Receiver("G22", RECEIVER_ADDED),))
    await send(client, letter(business=Business(doc_type=2, document_changes=(change,))))
    home = await statuses_home(client, 3)
    assert {status.status_code for _, status in home} == {"01", "03", "06"}


async def test_an_answer_names_the_document_that_is_recalled(connect: Connect) -> None:
    client = connect()
    earlier = "H28.1,2026/11/20,6/UBND-VP"
    await send(client, letter(business=Business(doc_type=1, document_id=earlier)))
    [(_, status)] = await statuses_home(client, 1)
    assert status.response_for.document_id == earlier


async def test_the_central_organ_recalls_updates_and_replaces(
    axis: StandIn, connect: Connect, http: httpx.AsyncClient
) -> None:
    client, earlier = connect(), "G22,2026/11/20,1/VPCP"
    for kind in ("recall", "update", "replace"):
        business = {"kind": kind, "document_ids": [earlier], "reason": "Đính chính"}
        order = {"to": "H28.1", "number": kind, "notation": "VPCP", "subject": "x", "business": business}
        assert (await http.post(f"{axis.url}/_standin/documents", json=order)).status_code == 201
    messages = [read(await client.get_edoc(item.doc_id)) for item in await client.received("edoc")]
    documents = [each for each in messages if isinstance(each, Document)]
    assert [each.doc_type for each in documents] == [1, 2, 3]
    assert [earlier_ids(each)[0] for each in documents[:2]] == [earlier, earlier]
    assert replaced_ids(documents[2]) == (earlier,)


async def test_a_take_back_is_agreed_to_and_other_statuses_are_taken(connect: Connect) -> None:
    client = connect()
    answered = ResponseFor("G22", "7/UBND-VP", "H28.1,2026/11/21,7/UBND-VP", date(2026, 11, 21))
    for code in ("01", "13"):
        status = Status(
            sender=Organization("H28.1"), response_for=answered, status_code=code, timestamp=datetime.now(UTC)
        )
        # whom a status is for stands in the file; `to` may be stale
        await client.send_edoc(write_status(status), sender="H28.1", to=["H57.12"], message_type="status")
    [(item, status)] = await statuses_home(client, 1)
    assert (status.status_code, status.addressee, item.to) == ("15", "H28.1", "H28.1")
    assert status.response_for == replace(answered, organ_id="H28.1")


async def test_a_document_comes_down(axis: StandIn, connect: Connect, http: httpx.AsyncClient) -> None:
    client, content = connect(), b"\x89PNG scan"
    answer = await http.post(
        f"{axis.url}/_standin/documents",
        json={
            "to": "000.00.15.H28",
            "number": "7816",
            "notation": "VPCP-TTĐT",
            "subject": "V/v kết nối, liên thông",
            "attachments": [{"name": "Bản quét.png", "content": base64.b64encode(content).decode()}],
        },
    )
    assert answer.status_code == 201
    [item] = await client.received("edoc")
    assert (item.sender, item.to, item.status) == ("G22", "000.00.15.H28", "initial")
    data = await client.get_edoc(item.doc_id)
    assert await client.get_edoc(item.doc_id) == data
    document = read(data)
    assert isinstance(document, Document)
    assert document.document_id == answer.json()["document_id"]
    assert document.document_id.split(",")[::2] == ["G22", "7816/VPCP-TTĐT"]
    assert [hop.organ_id for hop in document.trace_headers] == ["G22", None]
    assert document.warnings == ()
    assert [(each.name, each.content) for each in iterate_attachments(data)] == [("Bản quét.png", content)]

    await client.update_status(item.doc_id, "processing")
    assert [each.status for each in await client.received("edoc")] == ["processing"]
    await client.update_status(item.doc_id, "fail", "Không đọc được")
    assert [each.status for each in await client.received("edoc")] == ["fail"]
    await client.update_status(item.doc_id, "done")
    await client.update_status(item.doc_id, "fail")
    assert await client.received("edoc") == []
    assert await client.received("status") == []


async def test_lists_are_paged(axis: StandIn, connect: Connect, http: httpx.AsyncClient) -> None:
    client = connect()
    for number in range(5):
        new = {"to": ["H28.1"], "number": str(number), "notation": "VPCP", "subject": "x"}
        assert (await http.post(f"{axis.url}/_standin/documents", json=new)).status_code == 201
    everything = await client.received("edoc")
    pages = [await client.received("edoc", page_index=page, page_size=2) for page in (1, 2, 3, 4)]
    assert [len(page) for page in pages] == [2, 2, 1, 0]
    assert [item for page in pages for item in page] == everything


async def test_an_organ_of_another_system_is_told_nothing(
    axis: StandIn, connect: Connect, http: httpx.AsyncClient
) -> None:
    new = {"to": "H28.1", "number": "1", "notation": "VPCP", "subject": "x"}
    await http.post(f"{axis.url}/_standin/documents", json=new)
    [item] = await connect().received("edoc")
    for secret in ("khoa-mau-1", "khoa-sau"):
        stranger = connect("H44.15", secret)
        assert await stranger.received("edoc") == []
        with pytest.raises(AxisRefused):
            await stranger.get_edoc(item.doc_id)
        with pytest.raises(AxisRefused):
            await stranger.update_status(item.doc_id, "done")
    assert len(await connect().received("edoc")) == 1


async def test_agencies_have_both_forms_of_their_code(connect: Connect) -> None:
    agencies = await connect().agencies_qd20(1)
    assert ("G22", "Văn phòng Chính phủ", "000.00.00.G22") in [
        (each.code, each.name, each.code102) for each in agencies
    ]
    assert await connect().agencies_qd20(2) == []


async def test_refusals_carry_the_code_of_the_axis(connect: Connect) -> None:
    client = connect()

    async def code(data: bytes, *, sender: str = "H28.1", to: str = "G22", by: AxisClient = client) -> str:
        with pytest.raises(AxisRefused) as caught:
            await by.send_edoc(data, sender=sender, to=[to], message_type="edoc")
        return caught.value.code

    assert await code(letter(), by=connect(secret="sai")) == "15"
    assert await code(letter(), by=connect("H99")) == "15"
    assert await code(letter("H99.1"), to="H99.1") == "18"
    assert await code(letter(), sender="H44.1") == "19"
    assert await code(b"<edXML>") == "22"
    status = Status(sender=Organization("H28.1"), response_for=ResponseFor("G22", "1", "2"), status_code="01")
    assert await code(write_status(status)) == "22"


async def test_unknown_receivers_do_not_hold_up_the_known(
    axis: StandIn, connect: Connect, http: httpx.AsyncClient
) -> None:
    document = replace(LETTER, to=tuple(Organization(organ) for organ in ("H99", "G12", "G22")))
    await connect().send_edoc(write_document(document), sender="H28.1", to=["H99", "G12", "G22"], message_type="edoc")
    [held] = await received(axis, http)
    assert held["organs"] == ["G12", "G22"]


async def test_a_server_error_and_silence_change_nothing(
    axis: StandIn, connect: Connect, http: httpx.AsyncClient
) -> None:
    client = connect()
    await order_fault(axis, http, "sendEdoc", "500", 2)
    for _ in range(2):
        with pytest.raises(AxisUnavailable):
            await send(client, letter())
    await order_fault(axis, http, "sendEdoc", "hang")
    with pytest.raises(AxisUnavailable):
        await send(connect(timeout_seconds=0.3), letter())
    assert await received(axis, http) == []
    await send(client, letter())
    assert len(await received(axis, http)) == 1


async def test_a_lost_answer_is_healed_by_sending_again(
    axis: StandIn, connect: Connect, http: httpx.AsyncClient
) -> None:
    client = connect()
    await order_fault(axis, http, "sendEdoc", "lose_answer")
    with pytest.raises(AxisUnavailable):
        await send(client, letter())
    [held] = await received(axis, http)
    assert await send(client, letter()) == held["doc_id"]
    assert len(await received(axis, http)) == 1
    assert [status.status_code for _, status in await statuses_home(client, 3)] == ["01", "03", "06"]


async def test_a_lost_update_is_healed_by_updating_again(
    axis: StandIn, connect: Connect, http: httpx.AsyncClient
) -> None:
    client = connect()
    new = {"to": "H28.1", "number": "1", "notation": "VPCP", "subject": "x"}
    await http.post(f"{axis.url}/_standin/documents", json=new)
    [item] = await client.received("edoc")
    await order_fault(axis, http, "updateStatus", "lose_answer")
    with pytest.raises(AxisUnavailable):
        await client.update_status(item.doc_id, "done")
    await client.update_status(item.doc_id, "done")
    assert await client.received("edoc") == []


async def test_a_document_can_arrive_twice(axis: StandIn, connect: Connect, http: httpx.AsyncClient) -> None:
    client = connect()
    await order_fault(axis, http, "sendEdoc", "twice")
    await send(client, letter())
    home = await statuses_home(client, 6)
    assert sorted(status.status_code for _, status in home) == ["01", "01", "03", "03", "06", "06"]
    assert len({item.doc_id for item, _ in home}) == 6
    await order_fault(axis, http, "getReceivedEdocList", "twice")
    assert len(await client.received("status")) == 12
    assert len(await client.received("status")) == 6


async def test_faults_can_be_cancelled_and_are_checked(axis: StandIn, http: httpx.AsyncClient) -> None:
    await order_fault(axis, http, "sendEdoc", "500", 5)
    answer = await http.post(f"{axis.url}/_standin/faults", json={"verb": "sendEdoc", "kind": "500", "count": 0})
    assert answer.json() == {"pending": {}}
    for wrong in (
        {"verb": "updateStatus", "kind": "twice"},
        {"verb": "other", "kind": "500"},
        {"verb": "sendEdoc", "kind": "500", "count": -1},
    ):
        assert (await http.post(f"{axis.url}/_standin/faults", json=wrong)).status_code == 422


@pytest.mark.parametrize(
    "change", [{"to": "H99.1"}, {"to": []}, {"to": ["H28.1", "H99"]}, {"to": "G22"}, {"subject": "a\x00"}, {"other": 1}]
)
async def test_documents_nobody_could_take_are_refused(
    axis: StandIn, connect: Connect, http: httpx.AsyncClient, change: dict[str, Any]
) -> None:
    new = {"to": "H28.1", "number": "1", "notation": "VPCP", "subject": "x"} | change
    assert (await http.post(f"{axis.url}/_standin/documents", json=new)).status_code == 422
    assert await connect().received("edoc") == []


async def test_nothing_is_lost_by_killing_it(axis: StandIn, connect: Connect, http: httpx.AsyncClient) -> None:
    client = connect()
    first = await send(client, letter())
    new = {"to": "H28.1", "number": "1", "notation": "VPCP", "subject": "x"}
    await http.post(f"{axis.url}/_standin/documents", json=new)
    [down] = await client.received("edoc")
    file = await client.get_edoc(down.doc_id)
    # killed at any point of the three answers
    await asyncio.to_thread(axis.kill)
    with pytest.raises(AxisUnavailable):
        await client.received("edoc")
    await asyncio.to_thread(axis.start)

    assert await send(client, letter()) == first
    assert [each["doc_id"] for each in await received(axis, http)] == [first]
    assert [item.doc_id for item in await client.received("edoc")] == [down.doc_id]
    assert await client.get_edoc(down.doc_id) == file
    home = await statuses_home(client, 3)
    assert [status.status_code for _, status in home] == ["01", "03", "06"]
    for item, _ in home:
        await client.update_status(item.doc_id, "done")
    await asyncio.to_thread(axis.kill)
    await asyncio.to_thread(axis.start)
    assert await client.received("status") == []


async def test_recorded_calls_of_the_sdk_are_answered(axis: StandIn, http: httpx.AsyncClient) -> None:
    """All but those for verbs the stand-in does not have, and the one whose text the wire has damaged."""
    answers = {}
    for line in RECORDED.read_text().splitlines():
        call = json.loads(line)
        verb = call["path"].rpartition("/")[2]
        headers = [(name, value) for name, value in call["headers"] if name not in ("Host", "Content-Length", "Expect")]
        if any(ord(letter) < 32 for _, value in headers for letter in value):
            continue
        answer = await http.request(
            call["method"],
            axis.url + call["path"],
            headers=[(name.encode(), value.encode("latin-1")) for name, value in headers],
            content=base64.b64decode(call["body_base64"]),
        )
        assert answer.status_code == 200
        body = answer.json()
        assert None not in body.values()
        answers.setdefault(verb, []).append((body["status"], body["ErrorCode"]))
    assert answers["getAgenciesListQD20"] == [("OK", "0")]
    assert answers["getReceivedEdocList"] == [("OK", "0")] * 2
    # these DocIds are of another axis
    strangers = answers["getEdoc"] + answers["updateStatus"] + answers["downloadEdoc"]
    assert answers["sendEdoc"] == [("OK", "0"), ("OK", "0")]
    assert set(strangers) == {("FAIL", "10")}


async def test_a_header_that_differs_from_the_signed_one_is_refused(axis: StandIn, http: httpx.AsyncClient) -> None:
    call = json.loads(RECORDED.read_text().splitlines()[1])
    headers = dict(call["headers"]) | {"XroadVnpt-level": "2"}
    headers.pop("Content-Length")
    answer = await http.post(axis.url + call["path"], headers=headers)
    assert answer.json()["ErrorCode"] == "15"


async def test_answers_to_a_file_of_another_sender_go_back_to_who_sent_it(connect: Connect) -> None:
    """The file of a real client names an organ no system registered."""
    client = connect()
    await send(client, SEED.read_bytes())
    home = await statuses_home(client, 3)
    assert [status.status_code for _, status in home] == ["01", "03", "06"]
    assert {item.to for item, _ in home} == {"vxp.saas.03"}
    assert await connect("H44.15", "khoa-sau").received("status") == []


def test_refuses_to_work_outside_local_mode(tmp_path: Path) -> None:
    settings = AxisSettings(home=tmp_path, axis_secret="x", local=False)
    with pytest.raises(LocalError, match="local mode only"):
        build(settings)
    assert list(tmp_path.iterdir()) == []
