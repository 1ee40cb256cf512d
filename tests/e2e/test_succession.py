"""A commune was divided: old software writes to its code, the document waits, an operator chooses, it arrives."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx

from deploy.local.hub import Hub
from deploy.stories.document import letter
from deploy.stories.stage import Stage
from tests.e2e.parts import sent_once_known

PATIENCE_SECONDS = 20.0
POLL_SECONDS = 0.1


async def caller(hub: Hub, http: httpx.AsyncClient, name: str) -> dict[str, str]:
    """The headers of one of the gateway's own systems."""
    own = hub.credentials()[name]
    answer = await http.post(
        f"{own['gateway_url']}/oauth/token",
        data={"grant_type": "client_credentials"},
        auth=(own["client_id"], own["client_secret"]),
    )
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


async def test_a_document_to_a_divided_commune_waits_for_the_operator(hub: Hub, stage: Stage) -> None:
    sender, heir, other = stage["commune-a"], stage["commune-b"], stage["stranger"]
    gateway, closed = hub.credentials()["operator"]["gateway_url"], f"X{uuid4().int % 10**6:06}.H28"
    entry: dict[str, Any] = {
        "name": "UBND xã đã chia",
        "level": "commune",
        "valid_to": "2021-01-01",
        "successors": [heir.organ, other.organ],
    }
    async with httpx.AsyncClient(base_url=gateway, timeout=30, trust_env=False) as http:
        administrator, operator = await caller(hub, http, "administrator"), await caller(hub, http, "operator")
        put = await http.put(f"/v1/organs/{closed}", json=entry, headers=administrator)
        assert put.status_code == 201, put.text

        sent = await sent_once_known(stage, closed)
        transfer = sent["transfers"][0]
        waiting = await sender.transfers.wait_for(transfer, "routed")
        assert [(each["organ"], each["state"]) for each in waiting["deliveries"]] == [(closed, "open")]
        listed = (await http.get("/v1/undecided", headers=operator)).json()["items"]
        [shown] = [item for item in listed if item["organ"] == closed]
        assert (shown["waiting"], shown["subjects"]) == (1, 1)
        assert {each["organ"] for each in shown["successors"]} == {heir.organ, other.organ}

        path, reason = f"/v1/undecided/{closed}:decide", "Theo nghị quyết sắp xếp"
        choice = {"successor": heir.organ, "reason": reason}
        tried = await http.post(path, json=choice | {"dry_run": True}, headers=operator)
        assert (tried.status_code, tried.json()["deliveries"]) == (200, 1), tried.text
        decided = await http.post(path, json=choice, headers=operator)
        assert (decided.status_code, decided.json()["deliveries"]) == (200, 1), decided.text

        item = await heir.inbox.wait_for(lambda item: item["id"] == transfer, ["document"])
        await heir.documents.answer(item["subject"], "03")
        told = await sender.transfers.until(
            transfer, lambda shown: any(each["answers"] for each in shown["deliveries"]), "answered"
        )
        [delivery] = told["deliveries"]
        assert (delivery["organ"], delivery["redirected_from"]) == (heir.organ, closed)
        assert (told["state"], delivery["state"]) == ("handed_over", "handed_over")
        assert [each["code"] for each in delivery["answers"]] == ["03"]

        later = await sender.documents.send(letter([closed]))
        await heir.inbox.wait_for(lambda item: item["id"] == later["transfers"][0], ["document"])
        refused = await http.post(path, json=choice | {"successor": other.organ}, headers=operator)
        assert (refused.status_code, refused.json()["code"]) == (409, "succession.decided")
