"""Documents as tests post and deliver them."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import orjson

from contracts.edxml.attachments import Attachment
from contracts.edxml.model import Document, Organization, ResponseFor, Status
from contracts.edxml.writer import write_document, write_status
from contracts.envelope import Envelope
from contracts.identifiers import document_key
from services.kernel.vault import Vault
from tests.integration.office.stage import (
    COMMUNE_A,
    COMMUNE_B,
    COMMUNE_C,
    DEPARTMENT,
    PROVINCE,
    Journey,
    Json,
    Stage,
    moment,
    new_id,
    until,
)

SAMPLES = Path(__file__).parents[2] / "data" / "edxml"
EDXML = "application/edxml+xml"
HEADER = "/edXML/edXMLEnvelope/edXMLHeader/MessageHeader"


def fresh_id(organ: str = COMMUNE_A) -> str:
    return f"{organ},2024/06/03,{uuid4().hex[:8]}/UBND-VP"


def document(**changes: Any) -> Json:
    """The body of a post."""
    body: Json = {
        "document_id": fresh_id(),
        "to": [COMMUNE_B],
        "number": "12",
        "notation": "UBND-VP",
        "promulgated_on": "2024-06-03",
        "type": 18,
        "type_name": "Công văn",
        "subject": "Về việc kiểm tra thủ tục hành chính",
    }
    return {name: value for name, value in (body | changes).items() if value is not None}


async def issue(stage: Stage, system: str = "a", **changes: Any) -> Json:
    return await stage.post("/v1/documents", document(**changes), system, expect=202)


async def answer(stage: Stage, document_: str, code: str, system: str = "b", *, expect: int = 202, **more: Any) -> Json:
    return await stage.post(f"/v1/documents/{document_}/statuses", {"code": code, **more}, system, expect=expect)


def file(*files: Attachment, sender: str = COMMUNE_A, to: tuple[str, ...] = (COMMUNE_B,), **changes: Any) -> bytes:
    """An edXML file as the SDK writes it."""
    message = Document(
        sender=Organization(sender),
        to=tuple(Organization(each) for each in to),
        document_id=fresh_id(),
        code_number="12",
        code_notation="UBND-VP",
        subject="Về việc kiểm tra",
    )
    return write_document(replace(message, **changes), files)


def status_file(
    code: str, document_id: str | None, *, sender: str = COMMUNE_B, addressee: str = COMMUNE_A, **more: Any
) -> bytes:
    named = ResponseFor(organ_id=addressee, document_id=document_id, code=more.pop("number", "12/UBND-VP"))
    return write_status(Status(sender=Organization(sender), response_for=named, status_code=code, **more))


async def send(stage: Stage, content: bytes, system: str = "a", **headers: str) -> httpx.Response:
    """Posts a file."""
    given = {"Content-Type": EDXML, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return await stage.call("POST", "/v1/documents", system, content=content, headers=given)


async def fetch(stage: Stage, document_: str, system: str = "a") -> httpx.Response:
    """Gets a file."""
    return await stage.call("GET", f"/v1/documents/{document_}", system, headers={"Accept": EDXML})


async def await_document(stage: Stage, document_: str, system: str = "a", *, codes: list[str] | None = None) -> Json:
    """The document as soon as the organ holds it, with exactly these statuses."""

    async def reached() -> Json | None:
        found = await stage.call("GET", f"/v1/documents/{document_}", system)
        if found.status_code != 200:
            return None
        shown: Json = found.json()
        return shown if codes is None or [each["code"] for each in shown["statuses"]] == codes else None

    found = await until(reached, what=f"document with {codes}")
    assert found is not None
    return found


def hop(fact: Envelope, number: int, *organs: str) -> Envelope:
    """An own fact as the gateway delivers it to organs of the same office."""
    return replace(fact, hopsequence=number, recipients=organs)


async def arrive(stage: Stage, *organs: str, files: tuple[bytes, ...] = (), **changes: Any) -> tuple[Journey, Json]:
    """A document of the department that came for these organs; gives its payload."""
    document_id = changes.pop("document_id", fresh_id(DEPARTMENT))
    attachments = [await put(stage, content) for content in files]
    payload: Json = {
        "document": {
            "document_id": document_id,
            "sender": DEPARTMENT,
            "to": list(organs),
            "number": "45",
            "notation": "SKHĐT-VP",
            "promulgated_on": "2024-06-01",
            "subject": "Về việc báo cáo",
            "attachments": attachments,
        }
    }
    journey = Journey(stage, document_key(DEPARTMENT, document_id))
    original = changes.pop("original", None)
    if original is not None:
        payload["original"] = await put(stage, original, name="document.edxml", media_type=EDXML)
    await stage.deliver(journey.envelope("document.issued", payload, recipients=organs, **changes))
    return journey, payload


async def put(stage: Stage, content: bytes, **fields: Any) -> Json:
    """A file in the province's part of the store, as a payload names it."""
    sha256 = hashlib.sha256(content).hexdigest()

    async def chunks() -> AsyncIterator[bytes]:
        yield content

    await Vault.open(stage.settings.attachments_url).put("province", sha256, chunks())
    named: Json = {"sha256": sha256, "name": "phụ lục.pdf", "media_type": "application/pdf", "size": len(content)}
    return named | fields


def told(payload: Json, journey: Journey, code: str, **fields: Any) -> Json:
    """The payload of `document.status-changed` about a document that came."""
    named = payload["document"]
    reference = {"id": journey.subject, "document_id": named["document_id"], "sender": named["sender"]}
    return {"document": reference, "code": code, "at": moment(), **fields}


def status_of(fact: Envelope, code: str, organ: str, *, number: int, **fields: Any) -> Envelope:
    """A status another office's organ tells about an own document, on its way to the sender."""
    named = orjson.loads(fact.value)["document"]
    reference = {"id": fact.subject, "document_id": named["document_id"], "sender": named["sender"]}
    return Envelope(
        id=new_id(),
        source=PROVINCE,
        type="document.status-changed",
        subject=fact.subject,
        sender=organ,
        recipients=(fact.sender,),
        sequence=number,
        hopsequence=number,
        time=datetime.now(UTC),
        value=orjson.dumps({"document": reference, "code": code, "at": moment(), **fields}),
    )


async def change(stage: Stage, document_: str, verb: str, system: str = "a", *, expect: int = 202, **body: Any) -> Json:
    """A recall, update or replacement."""
    return await stage.post(f"/v1/documents/{document_}/{verb}", body, system, expect=expect)


async def spread(stage: Stage, *organs: str, **changes: Any) -> tuple[Json, Envelope]:
    """A document that reached these organs of the office under test; others are only told as reached."""
    made = await issue(stage, to=list(organs), **changes)
    fact = await stage.fact(made["id"], 1)
    await stage.route(fact, None, *organs)
    here = [organ for organ in organs if organ in (COMMUNE_A, COMMUNE_B, COMMUNE_C)]
    await stage.deliver(hop(fact, 1, *here))
    for organ in here:
        await await_document(stage, made["id"], {COMMUNE_A: "a", COMMUNE_B: "b"}.get(organ, "c"))
    # what came for the sender itself is handed over by that
    await stage.await_transfer(made["transfers"][0], "routed", "handed_over")
    return made, fact


async def shown(stage: Stage, document_: str, system: str = "a", **fields: Any) -> Json:
    """The document as soon as it has these fields."""

    async def reached() -> Json | None:
        found = await stage.call("GET", f"/v1/documents/{document_}", system)
        body: Json = found.json()
        return body if all(body.get(name) == value for name, value in fields.items()) else None

    found = await until(reached, what=f"document with {fields}")
    assert found is not None
    return found


async def changed(stage: Stage, document_: str, count: int, system: str = "a", *, answered: int = 0) -> Json:
    """The document as soon as it shows so many changes with so many answers."""

    async def reached() -> Json | None:
        found = await stage.call("GET", f"/v1/documents/{document_}", system)
        if found.status_code != 200:
            return None
        body: Json = found.json()
        told = [each for one in body["changes"] for each in one.get("answers", [])]
        return body if len(body["changes"]) == count and len(told) >= answered else None

    found = await until(reached, what=f"document with {count} changes, {answered} answers")
    assert found is not None
    return found
