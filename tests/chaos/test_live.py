"""The reader at work notes what a hub must not do: a hub that errs is played to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx
import orjson
import pytest

from deploy.client.credentials import Credentials
from deploy.client.hub import Hub
from tests.chaos.client import Client, Log
from tests.chaos.live import Reader

ORGAN = "organ"
Json = dict[str, Any]


class Office:
    """An inbox in memory; `again` are ids it shows though they were acknowledged."""

    def __init__(self, *ids: str, again: frozenset[str] = frozenset(), doubled: bool = False) -> None:
        self.ids, self.again, self.doubled = list(ids), again, doubled
        self.lost_answers = 0
        self.pages = 0
        self._done: set[str] = set()

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        match request.url.path:
            case "/oauth/token":
                return httpx.Response(200, json={"access_token": "token", "expires_in": 3600})
            case "/v1/inbox":
                self.pages += 1
                shown = [each for each in self.ids if each not in self._done]
                shown += [each for each in self.again & self._done if self.pages == 2]
                return httpx.Response(200, json={"items": [_item(each) for each in shown * (1 + self.doubled)]})
        ids = orjson.loads(request.content)["ids"]
        self._done.update(ids)
        if self.lost_answers:
            self.lost_answers -= 1
            raise httpx.ReadError("lost")
        return httpx.Response(200, json={"acknowledged": ids, "unknown": []})


def _item(id_: str) -> Json:
    about = {"data": {"code": "01", "document": {"document_id": "named"}}, "to": ORGAN}
    return {"id": id_, "kind": "status", "type": "type", "subject": "subject", "from": "sender", **about}


async def _read(office: Office) -> Log:
    """All there is, twice over."""
    credentials = Credentials(
        client_id="id",
        client_secret="secret",
        office_url="http://office",
        gateway_url="http://gateway",
        organs=(ORGAN,),
    )
    log = Log()
    async with httpx.AsyncClient(transport=httpx.MockTransport(office)) as http:
        reader = Reader(Client(Hub(credentials, http=http), http, log, seed="live", paced=False, again=False))
        await reader.drain()
        await reader.drain()
    return log


def _shown(log: Log) -> Counter[str]:
    return Counter(item.id for item in log.evidence.inboxes[ORGAN])


async def test_every_item_is_noted_once_with_what_it_names() -> None:
    log = await _read(Office("a", "b"))
    assert _shown(log) == Counter("ab")
    assert {(each.document, each.code) for each in log.evidence.inboxes[ORGAN]} == {("named", "01")}


async def test_an_acknowledgement_without_an_answer_is_repeated() -> None:
    office = Office("a", "b")
    office.lost_answers = 1
    assert _shown(await _read(office)) == Counter("ab")


@pytest.mark.parametrize(
    ("make", "counts"),
    [
        pytest.param(lambda: Office("a", "b", again=frozenset("a")), Counter("aab"), id="after its acknowledgement"),
        pytest.param(lambda: Office("a", doubled=True), Counter("aa"), id="twice in a page"),
    ],
)
async def test_an_item_shown_twice_is_noted_twice(make: Callable[[], Office], counts: Counter[str]) -> None:
    assert _shown(await _read(make())) == counts
