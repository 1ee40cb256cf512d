"""Which calls are repeated, how long after, under which key and until when."""

from __future__ import annotations

import json
from uuid import UUID

import httpx
import pytest

from deploy.client.problems import Conflict, Invalid, QuotaExceeded, TimedOut, Unavailable, Unreachable
from deploy.client.retry import Retry
from tests.unit.deploy.client.hubs import CREDENTIALS, OFFICE, Script, Time, broken, hub_of, ok, refusal

DOSSIER = {"procedure": "1.001612", "applicant": {"kind": "citizen", "name": "Nguyễn Văn Mẫu"}}
DONE = {"code": "X-20240603-0000001", "status": 1, "custodian": "X", "transfers": []}


async def test_a_post_keeps_its_key_and_bytes_over_all_repeats() -> None:
    script = Script([broken, refusal(503, "system.overloaded", retry_after=2), ok(status=504), ok(DONE, 201)])
    answer = await hub_of(script).dossiers.submit(DOSSIER)  # type: ignore[arg-type]
    assert answer == DONE
    keys = script.headers("Idempotency-Key")
    assert len(keys) == 4
    assert len(set(keys)) == 1
    assert UUID(keys[0]).version == 4
    assert len(set(script.bodies)) == 1
    assert json.loads(script.bodies[0]) == DOSSIER


async def test_every_post_has_a_key_of_its_own_unless_the_caller_has_one() -> None:
    script = Script([ok(DONE, 201)])
    hub = hub_of(script)
    await hub.dossiers.submit(DOSSIER)  # type: ignore[arg-type]
    await hub.dossiers.submit(DOSSIER)  # type: ignore[arg-type]
    await hub.dossiers.submit(DOSSIER, idempotency_key="hồ sơ 7".encode().hex())  # type: ignore[arg-type]
    first, second, third = script.headers("Idempotency-Key")
    assert first != second
    assert third == "hồ sơ 7".encode().hex()


async def test_pauses_double_up_to_the_cap() -> None:
    time, script = Time(), Script([broken])
    hub = hub_of(script, time, retry=Retry(deadline_seconds=12, first_seconds=0.5, cap_seconds=4))
    with pytest.raises(Unreachable):
        await hub.dossiers.show("X")
    assert time.pauses == [0.5, 1.0, 2.0, 4.0, 4.0]


async def test_pauses_are_left_to_chance_by_half() -> None:
    retry = Retry(first_seconds=1)
    assert retry.pause(3, 0.0) == 2.0
    assert retry.pause(3, 1.0) == 4.0


@pytest.mark.parametrize(
    ("answer", "least"),
    [
        (refusal(429, "quota.exceeded", retry_after=7), 7.0),
        (refusal(507, "system.disk_full", retry_after=30), 30.0),
        (refusal(409, "custody.taking", retry_after=1), 1.0),
        (
            httpx.Response(
                503,
                headers={"Retry-After": "Mon, 03 Jun 2024 01:00:09 GMT", "Date": "Mon, 03 Jun 2024 01:00:00 GMT"},
            ),
            9.0,
        ),
    ],
)
async def test_retry_after_is_kept(answer: httpx.Response, least: float) -> None:
    time = Time()
    await hub_of(Script([answer, ok({"transfers": []})]), time).documents.answer("id", "03")
    [pause] = time.pauses
    assert least <= pause < least + 1


async def test_a_pause_that_goes_beyond_the_deadline_is_not_begun() -> None:
    time, script = Time(), Script([refusal(429, "quota.exceeded", retry_after=61)])
    with pytest.raises(QuotaExceeded):
        await hub_of(script, time).dossiers.show("X")
    assert (time.pauses, len(script.requests)) == ([], 1)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (refusal(409, "status.not_allowed"), Conflict),
        (refusal(422, "request.invalid"), Invalid),
        (refusal(412, "request.precondition_failed"), Conflict),
        (refusal(500, "system.failed"), Unavailable),
        (refusal(408, "request.timeout"), Invalid),
    ],
)
async def test_what_a_repeat_cannot_help_is_asked_once(answer: httpx.Response, error: type[Exception]) -> None:
    script = Script([answer])
    with pytest.raises(error):
        await hub_of(script).dossiers.act("X", "accept")
    assert len(script.requests) == 1


async def test_within_nothing_each_call_is_tried_once() -> None:
    script = Script([refusal(409, "custody.taking", retry_after=1)])
    with pytest.raises(Conflict):
        await hub_of(script).within(0).dossiers.act("X", "assign")
    assert len(script.requests) == 1


async def test_no_answer_in_time_is_told_apart_from_nobody_there() -> None:
    def silent(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("", request=request)

    with pytest.raises(TimedOut):
        await hub_of(Script([silent])).dossiers.show("X")
    with pytest.raises(Unreachable, match=OFFICE):
        await hub_of(Script([broken])).dossiers.show("X")


async def test_an_address_that_is_none_is_not_tried_again() -> None:
    def unsupported(request: httpx.Request) -> httpx.Response:
        raise httpx.UnsupportedProtocol("no scheme", request=request)

    script = Script([unsupported])
    with pytest.raises(Unreachable, match="no scheme"):
        await hub_of(script).dossiers.show("X")
    assert len(script.requests) == 1


async def test_what_is_not_json_is_no_hub() -> None:
    with pytest.raises(Unavailable, match="JSON"):
        await hub_of(Script([httpx.Response(200, text="<html>")])).dossiers.show("X")


async def test_path_and_headers_carry_what_they_are_given() -> None:
    script = Script([ok({"code": "X"})])
    hub = hub_of(script, organ="000.03.21.H28")
    await hub.dossiers.show("a/b c?d")
    await hub.acting_for("G22").dossiers.act("X", "accept", if_match=7)
    first, second = script.requests
    assert first.url.raw_path == b"/v1/dossiers/a%2Fb%20c%3Fd"
    assert [request.headers["X-Organ"] for request in script.requests] == ["000.03.21.H28", "G22"]
    assert second.headers["If-Match"] == '"7"'
    assert hub.credentials is CREDENTIALS
    assert (hub.organ, hub.acting_for("").organ) == ("000.03.21.H28", "000.01.22.H28")
