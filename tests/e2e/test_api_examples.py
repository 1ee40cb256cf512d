"""The first example of each operation works as it stands, with the first local system whose scopes fit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import quote

import httpx
import pytest

from deploy.local.hub import Hub
from deploy.openapi import FOLDER
from deploy.stories import samples
from deploy.stories.stage import Stage

Json = dict[str, Any]
METHODS = ("get", "put", "post", "patch", "delete")
UNTOLD = {
    "removeSystemSecret": "only the hub itself can tell the id of a secret",
    "redeliverDelivery": "in a hub at rest nothing is open",
    "closeDelivery": "in a hub at rest nothing is open",
    "closeDeadLetter": "in a hub at rest there is none",
    "decideSuccessor": "in a hub at rest nothing waits for a successor",
}


class Call(NamedTuple):
    """An operation as its first example calls it."""

    name: str
    method: str
    path: str
    scopes: tuple[str, ...] | None
    media_type: str | None
    body: Any


def calls(document: Json) -> Iterator[Call]:
    for path, item in document["paths"].items():
        for method, operation in ((name, item[name]) for name in METHODS if name in item):
            named = {
                each["name"]: quote(each["schema"]["examples"][0])
                for each in operation.get("parameters", ())
                if each["in"] == "path"
            }
            asked = [scope for each in operation["security"] for scope in each.get("oauth2", ())]
            wanted = tuple(asked) if {"bearer": []} in operation["security"] else None
            media_type, body = _first_body(operation.get("requestBody", {}).get("content", {}))
            yield Call(operation["operationId"], method, path.format(**named), wanted, media_type, body)


def _first_body(content: Json) -> tuple[str | None, Any]:
    for media_type, media in content.items():
        if "example" in media:
            return media_type, media["example"]
        for example in media.get("examples", {}).values():
            return media_type, example["value"]
    return None, None


def _document(name: str) -> Json:
    read: Json = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return read


def _ordered(found: list[Call]) -> list[Call]:
    """Reads first; whoever is suspended is resumed afterwards."""
    return sorted(found, key=lambda call: (call.method != "get", call.path.endswith(":resume"), call.path))


def _content(call: Call) -> bytes | None:
    if call.media_type is None:
        return None
    if call.media_type == "application/x-www-form-urlencoded":
        return str(httpx.QueryParams(call.body)).encode()
    return call.body.encode() if isinstance(call.body, str) else json.dumps(call.body, ensure_ascii=False).encode()


@pytest.mark.parametrize("name", ["office", "gateway"])
async def test_first_examples_work(hub: Hub, stage: Stage, name: str) -> None:
    await samples.play(stage)
    systems = list(hub.credentials().values())
    failed = []
    async with httpx.AsyncClient(trust_env=False, timeout=40) as http:
        for call in _ordered(list(calls(_document(name)))):
            if call.name in UNTOLD:
                continue
            system = next(each for each in systems if _fits(each, call))
            base = system["office_url"] if name == "office" else system["gateway_url"]
            headers = {"Content-Type": call.media_type} if call.media_type else {}
            if call.scopes is not None:
                headers["Authorization"] = f"Bearer {await _token(http, system)}"
            login = (system["client_id"], system["client_secret"]) if call.name == "issueToken" else None
            answer = await http.request(
                call.method, base + call.path, content=_content(call), headers=headers, auth=login
            )
            if not answer.is_success:
                failed.append(f"{call.name} as {system['name']}: {answer.status_code} {answer.text[:300]}")
    assert not failed, "\n" + "\n".join(failed)


def _fits(system: Json, call: Call) -> bool:
    held = {*system["scopes"], *(scope.replace(":write", ":read") for scope in system["scopes"])}
    return not call.scopes or bool(held & set(call.scopes))


async def _token(http: httpx.AsyncClient, system: Json) -> str:
    answer = await http.post(
        f"{system['gateway_url']}/oauth/token",
        data={"grant_type": "client_credentials"},
        auth=(system["client_id"], system["client_secret"]),
    )
    return str(answer.raise_for_status().json()["access_token"])
