"""The client of the national axis against recorded calls of the SDK and canned answers; no network."""

import base64
import hashlib
import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.national.client import (
    Agency,
    AxisAccount,
    AxisClient,
    AxisRefused,
    AxisUnavailable,
    ReceivedItem,
    hash_file,
    plain,
    sign,
    signed_headers,
    timestamp,
)

RECORDED = [
    json.loads(line)
    for line in (Path(__file__).parents[3] / "data" / "edxml" / "vxp-sdk-2.0.1-requests.jsonl").read_text().splitlines()
]
AT = datetime(2026, 11, 21, 12, 20, 51, 285_999, tzinfo=UTC)
ACCOUNT = AxisAccount("http://axis.test/vxp/", "H44.15", "khoa-mau-1")
GOOD = {"status": "OK", "ErrorCode": "0", "ErrorDesc": "Success"}

Answer = Callable[[httpx.Request], httpx.Response]


class Axis:
    """Answers every call the same way and keeps the requests."""

    def __init__(self, answer: Answer | dict[str, Any]) -> None:
        self.requests: list[httpx.Request] = []
        self._answer = answer

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if isinstance(self._answer, dict):
            return httpx.Response(200, json=self._answer)
        return self._answer(request)

    def client(self, **options: int) -> AxisClient:
        http = httpx.AsyncClient(transport=httpx.MockTransport(self))
        return AxisClient(http, ACCOUNT, clock=lambda: AT, **options)

    @property
    def parameters(self) -> dict[str, str]:
        return {
            name.removeprefix("XroadVnpt-"): value
            for name, value in json.loads(self.requests[-1].headers["XroadVnpt-sign-header"]).items()
        }


def recorded(verb: str, message_type: str | None = None) -> dict[str, Any]:
    for request in RECORDED:
        headers = dict(request["headers"])
        if request["path"].endswith("/" + verb) and message_type in (None, headers.get("XroadVnpt-messagetype")):
            return {"headers": headers, "body": base64.b64decode(request["body_base64"])}
    raise LookupError(verb)


def test_signs_like_the_published_vector() -> None:
    text = (
        '{"XroadVnpt-systemid":"000.00.15.H44","XroadVnpt-AgencyCode":"H44.99",'
        '"XroadVnpt-timestamp":"21112026T191927+0726","XroadVnpt-Content-Type":"application/json"}'
    )
    assert sign(text, "bi-mat-thu") == "5b22854ed32f0f1720f5fbbe7abfd1404aa785dc50e43d9af5ef971de7b01794"


def test_writes_the_time_with_milliseconds_behind_the_plus() -> None:
    assert timestamp(AT) == "21112026T192051+0285"
    assert timestamp(datetime(2026, 12, 31, 17, 0, 0, 7000, tzinfo=UTC)) == "01012027T000000+0007"


@pytest.mark.parametrize("message_type", ["edoc", "status"])
def test_hashes_the_file_like_the_sdk(message_type: str) -> None:
    call = recorded("sendEdoc", message_type)
    assert hash_file(call["body"].removesuffix(b"\r\n")) == call["headers"]["XroadVnpt-hash-file"]


def test_hash_leaves_out_the_leading_zero_of_each_byte() -> None:
    data = next(data for n in range(100) if b"\x05" in hashlib.sha256(data := b"%d" % n).digest())
    digest = hashlib.sha256(data).hexdigest()
    pairs = [digest[at : at + 2] for at in range(0, 64, 2)]
    assert hash_file(data) == "".join(pair.removeprefix("0") if pair != "00" else "0" for pair in pairs)
    assert len(hash_file(data)) < 64


@pytest.mark.parametrize("message_type", ["edoc", "status"])
async def test_sends_what_the_sdk_sends(message_type: Any) -> None:
    call = recorded("sendEdoc", message_type)
    axis = Axis(GOOD | {"DocId": "d1"})
    data = call["body"].removesuffix(b"\r\n")
    assert await axis.client().send_edoc(data, sender="H44.15", to=["H57.12", "G22"], message_type=message_type) == "d1"
    [request] = axis.requests
    assert (request.method, str(request.url)) == ("POST", "http://axis.test/vxp/sendEdoc")
    assert request.content == call["body"]
    same = {name for name in call["headers"] if name.startswith("XroadVnpt-")} | {"Content-Type", "User-Agent"}
    assert {name: request.headers[name] for name in same} == {name: call["headers"][name] for name in same}


async def test_lists_with_its_own_parameters_only() -> None:
    item = {"docId": "a1", "messageType": "status", "from": "G22", "to": "H44.15", "status": "initial"}
    axis = Axis(GOOD | {"data": [item | {"created_time": "2026/11/21 10:00:00", "new": 1}, {"from": "x"}, "odd"]})
    client = axis.client()
    found = await client.received("status", page_index=2, page_size=50, since=date(2026, 7, 1))
    assert found == [ReceivedItem("a1", "status", "G22", "H44.15", "initial", "2026/11/21 10:00:00")]
    assert axis.parameters == {
        "systemid": "H44.15",
        "servicetype": "eDoc",
        "messagetype": "status",
        "pageSize": "50",
        "pageIndex": "2",
        "fromDate": "2026/07/01",
        "timestamp": "21112026T192051+0285",
        "Content-Type": "application/json",
    }
    assert axis.requests[0].content == b""
    assert axis.requests[0].headers["Content-Length"] == "0"
    await client.received("edoc")
    expected = recorded("getReceivedEdocList", "edoc")["headers"]["XroadVnpt-sign-header-key"]
    assert ";".join(axis.parameters) == expected


async def test_fetches_the_bytes_untouched() -> None:
    data = bytes(range(256)) * 3
    axis = Axis(GOOD | {"data": base64.b64encode(data).decode()})
    assert await axis.client().get_edoc("a1") == data
    assert axis.parameters["docId"] == "a1"
    assert axis.requests[0].content == b"{}"


async def test_reports_the_transport_without_accents() -> None:
    axis = Axis(GOOD)
    await axis.client().update_status("d2", "fail", "Không đọc\r\nđược Tệp")
    assert axis.parameters["description"] == "Khong doc duoc Tep"
    assert (axis.parameters["docId"], axis.parameters["status"]) == ("d2", "fail")
    await axis.client().update_status("d2", "done")
    assert "description" not in axis.parameters


async def test_lists_agencies() -> None:
    axis = Axis(GOOD | {"data": [{"code": "G22", "name": "Văn phòng Chính phủ", "code102": "000.00.00.G22"}, {}]})
    assert await axis.client().agencies_qd20(1) == [Agency("G22", "Văn phòng Chính phủ", "000.00.00.G22")]
    assert axis.parameters["level"] == "1"


@pytest.mark.parametrize("http_status", [200, 400, 404])
@pytest.mark.parametrize("code", ["10", "15", "18", "19", "21", "22", "23", "77"])
async def test_a_refusal_is_final(code: str, http_status: int) -> None:
    bad = {"status": "FAIL", "ErrorCode": code, "ErrorDesc": "khong", "DocId": ""}
    axis = Axis(lambda _: httpx.Response(http_status, json=bad))
    with pytest.raises(AxisRefused) as caught:
        await axis.client().send_edoc(b"x", sender="H44.15", to=["G22"], message_type="edoc")
    assert (caught.value.code, caught.value.description) == (code, "khong")


def network_error(_: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused")


def slow(_: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("slow")


@pytest.mark.parametrize(
    "answer",
    [
        network_error,
        slow,
        lambda _: httpx.Response(500, json=GOOD | {"DocId": "d1"}),
        lambda _: httpx.Response(503, text="busy"),
        lambda _: httpx.Response(302, headers={"Location": "http://other.test/"}),
        lambda _: httpx.Response(404, text="<html>proxy</html>"),
        lambda _: httpx.Response(200, text=""),
        lambda _: httpx.Response(200, content=b"\xff\xfe"),
        lambda _: httpx.Response(200, text="[" * 100_000),
        lambda _: httpx.Response(200, json=[]),
        lambda _: httpx.Response(200, json={"DocId": "d1"}),
        lambda _: httpx.Response(200, json=GOOD),
        lambda _: httpx.Response(200, json=GOOD | {"DocId": None}),
        lambda _: httpx.Response(404, json=GOOD | {"DocId": "d1"}),
        lambda _: httpx.Response(200, json={"status": "FAIL", "ErrorCode": "20", "ErrorDesc": "loi he thong"}),
        lambda _: httpx.Response(200, json={"status": "FAIL", "ErrorCode": 20}),
        lambda _: httpx.Response(200, json={"status": "FAIL"}),
        lambda _: httpx.Response(200, headers={"Content-Encoding": "gzip"}, content=b"not gzip"),
    ],
)
async def test_what_is_no_word_of_the_axis_is_tried_again(answer: Answer) -> None:
    with pytest.raises(AxisUnavailable):
        await Axis(answer).client().send_edoc(b"x", sender="H44.15", to=["G22"], message_type="edoc")


@pytest.mark.parametrize("data", [None, "", 5, "!", "YQ"])
async def test_a_file_that_did_not_arrive_is_tried_again(data: Any) -> None:
    with pytest.raises(AxisUnavailable):
        await Axis(GOOD | {"data": data}).client().get_edoc("a1")


async def test_a_list_without_data_is_no_empty_list() -> None:
    with pytest.raises(AxisUnavailable):
        await Axis(GOOD).client().received("edoc")


async def test_does_not_swallow_endless_answers() -> None:
    axis = Axis(lambda _: httpx.Response(200, content=b" " * 2000))
    with pytest.raises(AxisRefused) as caught:
        await axis.client(answer_bytes=1000).get_edoc("a1")
    assert caught.value.code == "local"


@pytest.mark.parametrize("sender", ["H28\r\nX-Other: 1", "Hà Nội", "a\x00"])
async def test_refuses_parameters_a_header_cannot_carry(sender: str) -> None:
    axis = Axis(GOOD | {"DocId": "d1"})
    with pytest.raises(AxisRefused) as caught:
        await axis.client().send_edoc(b"x", sender=sender, to=["G22"], message_type="edoc")
    assert caught.value.code == "local"
    assert axis.requests == []


def test_every_signed_header_is_sent_with_the_value_that_was_signed() -> None:
    headers = signed_headers({"systemid": "a", "to": '["G22"]'}, secret="s", content_type="application/json", at=AT)
    sent = dict(headers)
    assert len(sent) == len(headers)
    signed = json.loads(sent["XroadVnpt-sign-header"])
    assert {name: sent[name] for name in signed} == signed
    assert list(signed) == ["XroadVnpt-" + name for name in sent["XroadVnpt-sign-header-key"].split(";")]
    assert sent["XroadVnpt-hash-header"] == sign(sent["XroadVnpt-sign-header"], "s")


def test_text_without_accents_stays_short() -> None:
    assert plain("Đã đến – văn thư") == "Da den van thu"
    assert len(plain("ă" * 1000)) == 200


def test_an_account_is_printed_without_its_secret() -> None:
    assert "khoa-mau-1" not in repr(ACCOUNT)
