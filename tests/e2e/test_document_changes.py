"""Documents that are recalled, updated and replaced, between the offices and across the national axis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from deploy.client.answers import NewDocument
from deploy.client.hub import Hub
from deploy.client.retry import Timing
from deploy.client.waiting import WAIT_SECONDS, until
from deploy.stories import document
from deploy.stories.stage import Stage

Json = dict[str, Any]
CENTRAL = document.CENTRAL


def paper(*to: str, **fields: Any) -> NewDocument:
    made: Json = {
        "to": list(to),
        "number": uuid4().hex[:8],
        "notation": "STNMT",
        "promulgated_on": document.today().isoformat(),
        "type": 18,
        "type_name": "Công văn",
        "subject": "V/v rà soát thủ tục hành chính",
    }
    return made | fields  # type: ignore[return-value]


async def seen(party: Hub, id_: str, holds: Callable[[Json], bool]) -> Json:
    """The document as soon as it is so."""

    async def show() -> Json:
        return dict(await party.documents.show(id_))

    return await until(show, holds, f"the document {id_} as expected at {party.name}", Timing(), WAIT_SECONDS)


async def came(party: Hub, id_: str, kind: str) -> None:
    await party.inbox.wait_for(
        lambda item: item["subject"] == id_ and item["type"] == f"vn.lienthong.document.{kind}", ["document"]
    )


async def sent(sender: Hub, *to: str) -> str:
    """A document that is at all of its recipients."""
    answer = await sender.documents.send(paper(*to))
    await sender.transfers.wait_for(answer["transfers"][0], "handed_over")
    return answer["id"]


def answered(*codes: tuple[str, str]) -> Callable[[Json], bool]:
    """The newest change has these answers, and only these."""
    return lambda shown: {(each["organ"], each["code"]) for each in shown["changes"][-1]["answers"]} == set(codes)


def is_in(state: str) -> Callable[[Json], bool]:
    return lambda shown: bool(shown["state"] == state)


async def test_a_recall_is_agreed_to_by_one_and_declined_by_the_other(stage: Stage) -> None:
    sender, one, other = stage["department-a"], stage["commune-a"], stage["commune-b"]
    id_ = await sent(sender, one.organ, other.organ)

    told = await sender.documents.recall(id_, {"reason": "Gửi nhầm"})
    for party, code in ((one, "15"), (other, "16")):
        await came(party, id_, "recalled")
        await party.documents.answer(id_, code)  # type: ignore[arg-type]

    shown = await seen(sender, id_, answered((one.organ, "15"), (other.organ, "16")))
    assert shown["state"] == "current"
    assert (await seen(one, id_, is_in("recalled")))["changes"][0]["reason"] == "Gửi nhầm"
    assert (await seen(other, id_, is_in("current")))["changes"][0]["answer"]["code"] == "16"
    transfer = await sender.transfers.wait_for(told["transfers"][0], "handed_over")
    assert {each["organ"]: each["answers"][0]["code"] for each in transfer["deliveries"]} == {
        one.organ: "15",
        other.organ: "16",
    }


async def test_an_update_adds_a_third_and_one_is_removed(stage: Stage) -> None:
    sender, one, other, third = (stage[name] for name in ("department-a", "commune-a", "commune-b", "district-a"))
    id_ = await sent(sender, one.organ, other.organ)

    told = await sender.documents.update(
        id_, {"reason": "Đính chính", "subject": "V/v mới", "add": [third.organ], "remove": [other.organ]}
    )
    await came(third, id_, "updated")
    await came(one, id_, "updated")
    await came(other, id_, "recalled")
    await one.documents.answer(id_, "15")
    await other.documents.answer(id_, "15")
    await third.documents.answer(id_, "01")

    assert len(told["transfers"]) == 2
    for transfer in told["transfers"]:
        await sender.transfers.wait_for(transfer, "handed_over")
    for party in (sender, one, third):
        await seen(party, id_, lambda shown: bool(shown["subject"] == "V/v mới"))
    removed = await seen(other, id_, is_in("recalled"))
    assert removed["subject"] == "V/v rà soát thủ tục hành chính"
    transfer = await sender.transfers.until(
        told["transfers"][0],
        lambda shown: {a["code"] for d in shown["deliveries"] for a in d["answers"]} >= {"15", "01"},
        "the answers to the update",
    )
    assert {each["organ"] for each in transfer["deliveries"]} == {one.organ, third.organ}


async def test_a_replacement_follows_its_document_at_once(stage: Stage) -> None:
    """Nothing says which of the two the gateway reads first."""
    sender, one = stage["department-a"], stage["commune-a"]
    old = await sender.documents.send(paper(one.organ))
    new = await sender.documents.replace(old["id"], {**paper(one.organ), "reason": "Sai thể thức"})

    await came(one, new["id"], "replaced")
    await came(one, old["id"], "issued")
    for party in (sender, one):
        shown = await seen(party, old["id"], is_in("replaced"))
        assert shown["replaced_by"]["id"] == new["id"]
    assert (await sender.transfers.wait_for(new["transfers"][0], "handed_over"))["state"] == "handed_over"


async def test_the_central_organ_answers_a_recall_and_an_update(stage: Stage) -> None:
    sender = stage["commune-a"]
    id_ = await sent(sender, CENTRAL)

    updated = await sender.documents.update(id_, {"subject": "V/v mới"})
    shown = await sender.transfers.wait_for(updated["transfers"][0], "handed_over")
    assert shown["deliveries"][0]["via"] == "axis"
    await seen(sender, id_, answered((CENTRAL, "15")))

    await sender.documents.recall(id_, {"reason": "Gửi nhầm"})
    shown_ = await seen(sender, id_, is_in("recalled"))
    assert answered((CENTRAL, "15"))(shown_)


async def test_the_central_organ_replaces_updates_and_recalls(stage: Stage) -> None:
    party = stage["commune-a"]
    first, second = uuid4().hex[:8], uuid4().hex[:8]
    named = await order(stage, party, first)
    item = await party.inbox.wait_for(is_numbered(first), ["document"])
    id_ = item["subject"]

    business = {"kind": "update", "document_ids": [named], "reason": "Đính chính"}
    await order(stage, party, first, subject="V/v mới", business=business)
    await came(party, id_, "updated")
    given = await party.documents.answer(id_, "15")
    assert (await party.transfers.wait_for(given["transfers"][0], "handed_over"))["deliveries"][0]["via"] == "axis"
    assert (await party.documents.show(id_))["subject"] == "V/v mới"

    await order(stage, party, second, business={"kind": "replace", "document_ids": [named]})
    newer = await party.inbox.wait_for(is_numbered(second), ["document"])
    assert newer["type"] == "vn.lienthong.document.replaced"
    assert (await seen(party, id_, is_in("replaced")))["replaced_by"]["id"] == newer["subject"]

    newer_name = newer["data"]["document"]["document_id"]
    await order(stage, party, second, business={"kind": "recall", "document_ids": [newer_name], "reason": "Nhầm"})
    await came(party, newer["subject"], "recalled")
    await party.documents.answer(newer["subject"], "15")
    assert (await seen(party, newer["subject"], is_in("recalled")))["changes"][0]["reason"] == "Nhầm"


def is_numbered(number: str) -> Callable[[Any], bool]:
    return lambda item: bool(item["data"].get("document", {}).get("number") == number)


async def order(stage: Stage, party: Hub, number: str, *, subject: str = "V/v cải cách", **more: Any) -> str:
    """A document of the central organ; gives its DocumentId."""
    body = {"to": party.organ, "number": number, "notation": "VPCP", "subject": subject, **more}
    answer = await stage.http.post(f"{stage.axis_url}/_standin/documents", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["document_id"])
