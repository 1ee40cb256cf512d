"""One token for all calls, renewed once at half of its life, kept while the gateway is away, replaced when refused."""

from __future__ import annotations

import asyncio
import base64

import httpx
import pytest

from deploy.client.problems import Denied, Unreachable
from tests.unit.deploy.client.hubs import LIFE, Answer, Script, Time, broken, hub_of, ok, refusal

SHOWN = ok({"code": "X"})


def used(script: Script) -> list[str]:
    return [request.headers["Authorization"].removeprefix("Bearer token-") for request in script.requests]


async def test_many_calls_at_once_ask_for_one_token() -> None:
    script = Script([SHOWN])
    hub = hub_of(script)
    await asyncio.gather(*(hub.dossiers.show(str(number)) for number in range(20)))
    assert script.tokens == 1
    assert set(used(script)) == {"1"}


async def test_it_is_renewed_at_half_of_its_life_by_one_call() -> None:
    time, script = Time(), Script([SHOWN])
    hub = hub_of(script, time)
    await hub.dossiers.show("X")
    time.at += LIFE / 2 - 1
    await hub.dossiers.show("X")
    assert script.tokens == 1
    time.at += 2
    await asyncio.gather(*(hub.dossiers.show("X") for _ in range(10)))
    assert script.tokens == 2
    await hub.dossiers.show("X")
    assert used(script)[-1] == "2"


async def test_credentials_are_spelled_as_the_standard_says() -> None:
    asked: list[httpx.Request] = []

    def token(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return ok({"access_token": "t", "expires_in": 3600})

    await hub_of(Script([SHOWN], token_answers=[token])).dossiers.show("X")
    [request] = asked
    pair = base64.b64decode(request.headers["Authorization"].removeprefix("Basic ")).decode()
    assert pair == "mau:kh%C3%B3a+b%C3%AD%3Am%E1%BA%ADt"
    assert request.content == b"grant_type=client_credentials"


async def test_while_the_gateway_is_away_the_old_token_serves_to_its_end() -> None:
    away: list[Answer] = [broken] * 500
    time, script = Time(), Script([SHOWN])
    hub = hub_of(script, time)
    await hub.dossiers.show("X")
    script.token_answers = away
    time.at += LIFE / 2 + 1
    for _ in range(5):
        await hub.dossiers.show("X")
    assert script.tokens == 2, "it is tried once, then not again for a while"
    assert (time.pauses, set(used(script))) == ([], {"1"})
    time.at += LIFE / 2
    with pytest.raises(Unreachable):
        await hub.dossiers.show("X")


async def test_a_refused_token_is_replaced_and_the_call_repeated_once() -> None:
    script = Script([refusal(401, "auth.invalid"), ok({"code": "X"})])
    await hub_of(script).dossiers.show("X")
    assert used(script) == ["1", "2"]
    script = Script([refusal(401, "auth.invalid")])
    with pytest.raises(Denied):
        await hub_of(script).dossiers.show("X")
    assert used(script) == ["1", "2"]


async def test_a_post_keeps_its_key_over_a_new_token() -> None:
    script = Script([refusal(401, "auth.invalid"), ok({"transfers": []})])
    await hub_of(script).documents.answer("id", "03")
    first, second = script.headers("Idempotency-Key")
    assert first == second


@pytest.mark.parametrize("code", ["auth.missing", "auth.scope", "system.suspended"])
async def test_other_refusals_of_the_caller_are_final(code: str) -> None:
    script = Script([refusal(401 if code == "auth.missing" else 403, code)])
    with pytest.raises(Denied) as caught:
        await hub_of(script).dossiers.show("X")
    assert (caught.value.code, script.tokens) == (code, 1)


async def test_wrong_credentials_are_told_at_once() -> None:
    script = Script([SHOWN], token_answers=[refusal(401, "auth.invalid")])
    with pytest.raises(Denied) as caught:
        await hub_of(script).dossiers.show("X")
    assert (caught.value.code, script.tokens, script.requests) == ("auth.invalid", 1, [])


async def test_a_busy_token_endpoint_is_asked_again_within_the_calls_deadline() -> None:
    time = Time()
    script = Script([SHOWN], token_answers=[refusal(503, "system.overloaded", retry_after=3), broken])
    await hub_of(script, time).dossiers.show("X")
    assert (script.tokens, len(time.pauses)) == (3, 2)
