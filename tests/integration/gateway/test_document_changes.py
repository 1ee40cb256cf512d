"""Recalls, updates and replacements on their way through the gateway."""

from typing import Any
from uuid import uuid4

import orjson

from contracts.envelope import Envelope
from contracts.identifiers import document_key
from tests.integration.gateway.conftest import COMMUNE, DEPARTMENT, DISTRICT, NOW, OTHER, Bench

AT = "2024-06-03T01:00:00Z"


class Paper:
    """A document of an organ of the communes, and the facts about it in their numbers."""

    def __init__(self, sender: str = COMMUNE, system: str = "sys-commune") -> None:
        self.sender, self.system = sender, system
        self.document_id = f"{sender},2024/06/03,{uuid4().hex[:8]}/UBND"
        self.subject = document_key(sender, self.document_id)
        self.sequence = 0

    def fact(self, kind: str, payload: dict[str, Any], *recipients: str, **attributes: Any) -> Envelope:
        self.sequence += "sequence" not in attributes
        defaults: dict[str, Any] = {"sender": self.sender, "system": self.system, "sequence": self.sequence}
        return Envelope(
            id=str(uuid4()),
            source="urn:lienthong:h28:commune",
            type=kind,
            time=NOW,
            subject=self.subject,
            recipients=recipients,
            value=orjson.dumps(payload),
            **(defaults | attributes),
        )

    def document(self, *to: str, **fields: Any) -> dict[str, Any]:
        return {"document_id": self.document_id, "sender": self.sender, "to": list(to), **fields}

    def issued(self, *to: str) -> Envelope:
        return self.fact("document.issued", {"document": self.document(*to)}, *to)

    def reference(self) -> dict[str, Any]:
        return {"id": self.subject, "document_id": self.document_id, "sender": self.sender}

    def recalled(self, *to: str, **fields: Any) -> Envelope:
        return self.fact("document.recalled", {"document": self.reference(), "at": AT} | fields, *to)

    def updated(self, *to: str, added: tuple[str, ...] = (), **fields: Any) -> Envelope:
        payload = {"document": self.document(*to, **fields), "added": list(added), "at": AT}
        return self.fact("document.updated", payload, *to)

    def replaced(self, *to: str, replaces: "list[Paper] | tuple[Paper, ...]" = ()) -> Envelope:
        named = [{"id": each.subject, "document_id": each.document_id} for each in replaces]
        return self.fact("document.replaced", {"document": self.document(*to), "replaces": named}, *to)


async def told(bench: Bench, envelope: Envelope) -> tuple[str, Any]:
    """How the fact was answered: its kind, and the deliveries' organs or the step and code."""
    found = [(kind, item) for _, kind, item in await bench.answers() if item.get("id") == envelope.id]
    [(kind, item)] = found
    if kind == "receipt.routed":
        return kind, [each["organ"] for each in item["deliveries"]]
    return kind, (item["step"], item["code"], item["pointer"])


async def test_a_recall_goes_to_those_it_was_issued_to(bench: Bench) -> None:
    paper = Paper()
    await bench.take(paper.issued(DISTRICT, DEPARTMENT))
    await bench.answers()
    asked = paper.recalled(DEPARTMENT)
    await bench.take(asked)
    assert await told(bench, asked) == ("receipt.routed", [DEPARTMENT])
    beyond = paper.recalled(OTHER)
    await bench.take(beyond)
    assert await told(bench, beyond) == ("receipt.refused", ("documents", "document.unknown", ""))


async def test_only_the_sender_changes_a_document(bench: Bench) -> None:
    paper = Paper()
    await bench.take(paper.issued(DISTRICT))
    await bench.answers()
    foreign = {"sender": OTHER, "system": "sys-other", "sequence": 1}
    recalled = paper.fact("document.recalled", {"document": paper.reference(), "at": AT}, DISTRICT, **foreign)
    await bench.take(recalled)
    assert await told(bench, recalled) == ("receipt.refused", ("documents", "document.unknown", "/document/id"))
    payload = {"document": paper.document(DISTRICT), "at": AT}
    updated = paper.fact("document.updated", payload, DISTRICT, **foreign | {"sequence": 2})
    await bench.take(updated)
    assert await told(bench, updated) == ("receipt.refused", ("documents", "organ.forbidden", "/document/sender"))


async def test_what_was_never_issued_cannot_be_changed(bench: Bench) -> None:
    paper = Paper()
    for envelope, pointer in (
        (paper.recalled(DISTRICT), "/document/id"),
        (paper.updated(DISTRICT), "/document/document_id"),
    ):
        await bench.take(envelope)
        assert await told(bench, envelope) == ("receipt.refused", ("documents", "document.unknown", pointer))


async def test_an_update_reaches_those_it_adds_who_answer_like_the_others(bench: Bench) -> None:
    paper = Paper()
    await bench.take(paper.issued(DISTRICT))
    updated = paper.updated(DISTRICT, OTHER, "G22", added=(OTHER, "G22"))
    await bench.take(updated)
    [row] = await bench.rows(f"SELECT recipients FROM document WHERE subject = '{paper.subject}'")
    assert row["recipients"] == f"{DISTRICT},{OTHER},G22"
    await bench.answers()
    payload = {"document": paper.reference(), "code": "15", "at": AT, "answers": [updated.id]}
    answer = paper.fact(
        "document.status-changed", payload, COMMUNE, sender=OTHER, system="sys-other", sequence=1, version=2
    )
    await bench.take(answer)
    assert await told(bench, answer) == ("receipt.routed", [COMMUNE])
    hidden = paper.updated(DISTRICT, DEPARTMENT)
    await bench.take(hidden)
    assert await told(bench, hidden) == ("receipt.refused", ("documents", "contract.invalid", "/added"))


async def test_a_replacement_is_a_new_document_for_one_of_the_same_sender(bench: Bench) -> None:
    one, two, new = Paper(), Paper(), Paper()
    await bench.take(one.issued(DISTRICT))
    replaced = new.replaced(DISTRICT, replaces=[one, two])
    await bench.take(two.issued(DISTRICT), replaced)  # in one chunk
    assert await told(bench, replaced) == ("receipt.routed", [DISTRICT])
    assert len(await bench.rows(f"SELECT * FROM document WHERE subject = '{new.subject}'")) == 1
    again = new.replaced(DISTRICT, replaces=[one])
    await bench.take(again)
    assert await told(bench, again) == ("receipt.refused", ("documents", "document.exists", "/document/document_id"))
    foreign = Paper(OTHER, "sys-other")
    stolen = foreign.replaced(DISTRICT, replaces=[one])
    await bench.take(stolen)
    assert await told(bench, stolen) == ("receipt.refused", ("documents", "document.unknown", "/replaces/0/id"))


async def test_a_replacement_waits_a_while_for_what_it_replaces(bench: Bench) -> None:
    """The two have places of their own in the log; nothing says which is read first."""
    old, new, never = Paper(), Paper(), Paper()
    replaced = new.replaced(DISTRICT, replaces=[old])
    await bench.take(replaced)
    [(_, kind, item)] = await bench.answers()
    assert (kind, item["subject"], item["first"]) == ("control.resend-requested", new.subject, 1)
    await bench.take(old.issued(DISTRICT), replaced)
    assert await told(bench, replaced) == ("receipt.routed", [DISTRICT])

    lost = Paper()
    fact = lost.replaced(DISTRICT, replaces=[never])
    for _ in range(10):  # the clock moves on with every look
        await bench.take(fact)
        receipts = [item for _, kind, item in await bench.answers() if kind == "receipt.refused"]
        if receipts:
            break
    assert [(each["code"], each["pointer"]) for each in receipts] == [("document.unknown", "/replaces/0/id")]


async def test_events_tell_of_every_change(bench: Bench) -> None:
    paper, new = Paper(), Paper()
    await bench.take(paper.issued(DISTRICT), paper.updated(DISTRICT, subject="bí mật"), paper.recalled(DISTRICT))
    await bench.take(new.replaced(DISTRICT, replaces=[paper]))
    events = [orjson.loads(each.value or b"") for each in await bench.sent(bench.events)]
    assert [each["type"] for each in events] == [
        "document.issued",
        "document.updated",
        "document.recalled",
        "document.replaced",
    ]
    assert all(each["recipients"] == [DISTRICT] and each["sender"] == COMMUNE for each in events)
    assert "bí mật" not in str(events)
