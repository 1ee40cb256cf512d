"""An agency system as the stories play it: token, idempotent posts, attachments by digest, inbox with acknowledgement.

It speaks to the public interface alone, as any vendor's software would.
"""

import asyncio
import base64
import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

WAIT_SECONDS = 60.0
POLL_SECONDS = 0.1
RETRIED = (429, 502, 503, 504)

Json = dict[str, Any]


class Unexpected(Exception):
    """The hub answered otherwise than the story says."""


@dataclass(frozen=True, slots=True)
class Credentials:
    name: str
    client_id: str
    client_secret: str = field(repr=False)
    level: str
    organs: tuple[str, ...]
    office_url: str
    gateway_url: str

    @property
    def organ(self) -> str:
        return self.organs[0]


def read_credentials(home: Path) -> dict[str, Credentials]:
    """The local systems by name; raises `OSError` when the hub has never been started here."""
    entries = json.loads((home / "credentials.json").read_text(encoding="utf-8"))
    return {entry["name"]: _credentials(entry) for entry in entries}


def _credentials(entry: Json) -> Credentials:
    known = {name: entry[name] for name in Credentials.__dataclass_fields__}
    return Credentials(**known | {"organs": tuple(entry["organs"])})


class Agency:
    """One system. Every POST carries an Idempotency-Key and is repeated while the hub says 503."""

    def __init__(self, credentials: Credentials, http: httpx.AsyncClient) -> None:
        self.credentials, self._http = credentials, http
        self._token, self._renew_at = "", 0.0

    @property
    def organ(self) -> str:
        return self.credentials.organ

    @property
    def name(self) -> str:
        return self.credentials.name

    async def token(self) -> str:
        """A bearer token, renewed at half of its life."""
        if time.monotonic() < self._renew_at:
            return self._token
        basic = base64.b64encode(f"{self.credentials.client_id}:{self.credentials.client_secret}".encode()).decode()
        answer = await self._http.post(
            f"{self.credentials.gateway_url}/oauth/token",
            data={"grant_type": "client_credentials"},
            headers={"Authorization": f"Basic {basic}"},
        )
        body = self._expect(answer, 200).json()
        self._token, self._renew_at = body["access_token"], time.monotonic() + body["expires_in"] / 2
        return self._token

    async def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """One call with a token; `gateway=True` asks the gateway, `organ` sets X-Organ."""
        headers = {"Authorization": f"Bearer {await self.token()}", **options.pop("headers", {})}
        if organ := options.pop("organ", None):
            headers["X-Organ"] = organ
        base = self.credentials.gateway_url if options.pop("gateway", False) else self.credentials.office_url
        end = time.monotonic() + WAIT_SECONDS
        while True:
            try:
                answer = await self._http.request(method, base + path, headers=headers, **options)
                if answer.status_code not in RETRIED or time.monotonic() > end:
                    return answer
                pause = min(float(answer.headers.get("Retry-After", "1")), 5.0)
            except httpx.TransportError:
                if time.monotonic() > end:
                    raise
                pause = 0.5
            await asyncio.sleep(pause)

    async def get(self, path: str, **options: Any) -> Any:
        return self._expect(await self.request("GET", path, **options), 200).json()

    async def post(self, path: str, body: Json, *, expect: tuple[int, ...] = (200, 201, 202), **options: Any) -> Json:
        """Posts with a fresh key unless one is given; retryable conflicts are waited out with the same key."""
        headers = {"Idempotency-Key": str(uuid4()), **options.pop("headers", {})}
        end = time.monotonic() + WAIT_SECONDS
        while True:
            answer = await self.request("POST", path, json=body, headers=headers, **options)
            retry = answer.headers.get("Retry-After")
            if answer.status_code != 409 or 409 in expect or retry is None or time.monotonic() > end:
                break
            await asyncio.sleep(min(float(retry), 2.0))
        parsed: Json = self._expect(answer, *expect).json()
        return parsed

    async def post_edxml(self, data: bytes) -> Json:
        headers = {"Content-Type": "application/edxml+xml", "Idempotency-Key": str(uuid4())}
        parsed: Json = self._expect(
            await self.request("POST", "/v1/documents", content=data, headers=headers), 202
        ).json()
        return parsed

    async def attach(self, content: bytes, name: str, media_type: str) -> Json:
        """Puts bytes by their digest and returns the reference for a body."""
        sha256 = hashlib.sha256(content).hexdigest()
        self._expect(await self.request("PUT", f"/v1/attachments/{sha256}", content=content), 200, 201)
        return {"sha256": sha256, "name": name, "media_type": media_type}

    async def fetch(self, sha256: str) -> bytes:
        """The attachment's bytes, checked."""
        answer = self._expect(await self.request("GET", f"/v1/attachments/{sha256}"), 200)
        if hashlib.sha256(answer.content).hexdigest() != sha256:
            raise Unexpected(f"{self.name}: attachment {sha256[:12]} came with other bytes")
        return answer.content

    async def await_item(self, matches: Callable[[Json], bool], *, kind: str | None = None) -> Json:
        """The first inbox item that matches, acknowledged; others are left alone."""
        end = time.monotonic() + WAIT_SECONDS
        cursor: str | None = None
        while time.monotonic() < end:
            query = (
                {"wait": "1", "limit": "100"}
                | ({"kind": kind} if kind else {})
                | ({"cursor": cursor} if cursor else {})
            )
            page = await self.get("/v1/inbox", params=query)
            for item in page["items"]:
                if matches(item):
                    await self.post("/v1/inbox/ack", {"ids": [item["id"]]})
                    return dict(item)
            cursor = page.get("cursor") if page["items"] else cursor
        raise Unexpected(f"{self.name}: the expected inbox item did not come within {WAIT_SECONDS:.0f} s")

    async def await_transfer(self, id_: str, *states: str) -> Json:
        return await self.until(
            f"/v1/transfers/{id_}", lambda t: t["state"] in states, f"transfer {' or '.join(states)}"
        )

    async def until(self, path: str, holds: Callable[[Json], bool], what: str) -> Json:
        """Reads until it holds or the time is up."""
        end = time.monotonic() + WAIT_SECONDS
        while True:
            body: Json = await self.get(path)
            if holds(body):
                return body
            if time.monotonic() > end:
                raise Unexpected(f"{self.name}: {path} never came to: {what}; last: {json.dumps(body)[:600]}")
            await asyncio.sleep(POLL_SECONDS)

    def _expect(self, answer: httpx.Response, *statuses: int) -> httpx.Response:
        if answer.status_code not in statuses:
            asked = f"{self.name}: {answer.request.method} {answer.request.url.path}"
            raise Unexpected(f"{asked} answered {answer.status_code}: {told(answer)}")
        return answer


def told(answer: httpx.Response) -> str:
    """What an answer says, for a person: code, detail, places and remedy of a problem; else its first characters."""
    try:
        problem = answer.json()
        remedy = problem["remedy"]
        places = ", ".join(error["pointer"] for error in problem.get("errors", []) if error.get("pointer"))
        parts = [problem["code"], problem.get("detail", ""), places, f"{remedy['vi']} · {remedy['en']}"]
        return "; ".join(part for part in parts if part)
    except (ValueError, KeyError, TypeError):
        return answer.text[:300]
