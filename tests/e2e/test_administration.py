"""An administrator registers a system over HTTP; it works, is suspended everywhere, works again, keeps to its quota."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest

from deploy.local.hub import Hub
from deploy.stories import dossier

WITHIN_SECONDS = 2.0
PATIENCE_SECONDS = 20.0
POLL_SECONDS = 0.05


class Caller:
    """A system as any program would play it: its secret, a token, one address after another."""

    def __init__(self, http: httpx.AsyncClient, gateway: str, client_id: str, secret: str) -> None:
        self._http, self.gateway, self.client_id, self._secret = http, gateway, client_id, secret
        self._headers: dict[str, str] = {}

    async def token(self, secret: str | None = None) -> httpx.Response:
        answer = await self._http.post(
            f"{self.gateway}/oauth/token",
            data={"grant_type": "client_credentials"},
            auth=(self.client_id, secret or self._secret),
        )
        if answer.status_code == 200:
            self._headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        return answer

    async def call(self, method: str, url: str, **options: Any) -> httpx.Response:
        """At the gateway, unless the address is a whole one."""
        target = url if url.startswith("http") else self.gateway + url
        return await self._http.request(method, target, headers=self._headers, **options)


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
        yield client


@pytest.fixture
async def administrator(hub: Hub, http: httpx.AsyncClient) -> Caller:
    own = hub.credentials()["administrator"]
    caller = Caller(http, own["gateway_url"], own["client_id"], own["client_secret"])
    assert (await caller.token()).status_code == 200
    return caller


async def eventually(ask: Callable[[], Awaitable[httpx.Response]], status: int, seconds: float) -> httpx.Response:
    """The first answer with the status; fails when none comes in time."""
    end = time.monotonic() + seconds
    while True:
        answer = await ask()
        if answer.status_code == status:
            return answer
        assert time.monotonic() < end, f"still {answer.status_code}: {answer.text[:300]}"
        await asyncio.sleep(POLL_SECONDS)


async def test_a_system_from_its_registration_to_its_quota(
    hub: Hub, http: httpx.AsyncClient, administrator: Caller
) -> None:
    neighbour = hub.credentials()["commune-a"]
    office, name = neighbour["office_url"], f"vendor-{uuid4().hex[:8]}"
    answer = await administrator.call(
        "POST",
        "/v1/systems",
        json={
            "client_id": name,
            "name": "Phần mềm một cửa của nhà cung cấp",
            "level": "commune",
            "organs": neighbour["organs"],
            "scopes": ["dossier:write", "inbox:read"],
        },
    )
    assert answer.status_code == 201, answer.text
    path = f"/v1/systems/{name}"
    vendor = Caller(http, administrator.gateway, name, answer.json()["client_secret"])

    assert (await vendor.token()).status_code == 200
    assert (await vendor.call("GET", "/v1/systems/me")).json()["client_id"] == name

    async def post() -> httpx.Response:
        return await vendor.call("POST", f"{office}/v1/dossiers", json=dossier.body())

    async def read() -> httpx.Response:
        return await vendor.call("GET", f"{office}/v1/dossiers")

    code = (await eventually(post, 201, PATIENCE_SECONDS)).json()["code"]

    suspended = await administrator.call("POST", f"{path}:suspend", json={"reason": "Khóa bị lộ"})
    assert suspended.status_code == 200, suspended.text
    refused = await eventually(read, 403, WITHIN_SECONDS)
    assert refused.json()["code"] == "system.suspended"
    own = await vendor.call("GET", "/v1/systems/me")
    assert (own.status_code, own.json()["code"]) == (403, "system.suspended")
    assert (await vendor.token()).status_code == 403

    assert (await administrator.call("POST", f"{path}:resume", json={"reason": "Đã thay khóa"})).status_code == 200
    await eventually(lambda: vendor.call("GET", f"{office}/v1/dossiers/{code}"), 200, WITHIN_SECONDS)

    second = (await administrator.call("POST", f"{path}/secrets")).json()["client_secret"]
    assert (await vendor.token()).status_code == (await vendor.token(second)).status_code == 200
    assert (await read()).status_code == 200

    limited = await administrator.call("PATCH", path, json={"quota": {"requests_per_second": 1}})
    assert limited.status_code == 200, limited.text
    over = await eventually(read, 429, PATIENCE_SECONDS)
    assert over.json()["code"] == "quota.exceeded"
    assert int(over.headers["retry-after"]) >= 1

    marks = (await administrator.call("GET", "/v1/audit", params={"target": f"system:{name}"})).json()["items"]
    assert [mark["action"] for mark in reversed(marks)] == [
        "system.created", "system.suspended", "system.resumed", "system.secret-added", "system.changed",
    ]  # fmt: skip
    assert {mark["client_id"] for mark in marks} == {administrator.client_id}


async def test_an_organ_is_suspended_and_let_in_again(hub: Hub, http: httpx.AsyncClient, administrator: Caller) -> None:
    """Writing for a suspended organ is refused at its office."""
    own = hub.credentials()["stranger"]
    stranger = Caller(http, own["gateway_url"], own["client_id"], own["client_secret"])
    await stranger.token()
    path = f"/v1/organs/{own['organs'][0]}"

    async def post() -> httpx.Response:
        return await stranger.call("POST", f"{own['office_url']}/v1/dossiers", json=dossier.body())

    await administrator.call("PATCH", path, json={"suspended": True, "reason": "Chưa sẵn sàng"})
    try:
        assert (await eventually(post, 403, PATIENCE_SECONDS)).json()["code"] == "sender.suspended"
    finally:
        lifted = await administrator.call("PATCH", path, json={"suspended": False, "reason": "Đã sẵn sàng"})
    assert lifted.status_code == 200
    await eventually(post, 201, PATIENCE_SECONDS)
