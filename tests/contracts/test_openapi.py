"""The OpenAPI documents: what the programs serve is what is kept, and a vendor can work from it alone."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from contracts import samples
from contracts.edxml.model import Document
from contracts.edxml.reader import read
from contracts.edxml.trace import append_trace
from contracts.identifiers import document_key
from contracts.words import SCHEMAS, WORDS
from deploy import openapi
from deploy.local.axis_central import CODE, document_of
from gateway.national.rules import fact_id
from services.kernel.openapi_document import operations
from tests.contracts.openapi_rules import complaints, is_in_both_languages

Json = dict[str, Any]

LEADS_TO = {
    "submitDossier": {"showDossier", "actOnDossier", "transferDossier", "showTransfer"},
    "transferDossier": {"showDossier", "showTransfer"},
    "sendDocument": {"showDocument", "tellDocumentStatus", "showTransfer"},
    "readInbox": {"showDossier", "showDocument", "showTransfer", "acknowledgeItems"},
    "listTransfers": {"showTransfer"},
}


@pytest.fixture(scope="module")
def documents() -> dict[str, Json]:
    return openapi.documents()


@pytest.mark.parametrize("name", ["office", "gateway"])
def test_each_operation_tells_all_a_vendor_needs(documents: dict[str, Json], name: str) -> None:
    found = complaints(documents[name])
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize("name", ["office", "gateway"])
def test_the_kept_document_is_what_the_program_serves(documents: dict[str, Json], name: str) -> None:
    kept = (openapi.FOLDER / f"{name}.json").read_text(encoding="utf-8")
    assert kept == openapi.text_of(documents[name]), "run make contracts"


def test_answers_lead_on_to_what_can_be_done_next(documents: dict[str, Json]) -> None:
    found: dict[str, set[str]] = {}
    for document in documents.values():
        for operation in (each for path in document["paths"].values() for each in path.values()):
            given = [answer.get("links", {}) for answer in operation["responses"].values()]
            leads = {link["operationId"] for links in given for link in links.values()}
            found.setdefault(operation["operationId"], set()).update(leads)
    missing = {name: wanted - found.get(name, set()) for name, wanted in LEADS_TO.items()}
    assert not {name: left for name, left in missing.items() if left}


def test_every_word_is_some_members(documents: dict[str, Json]) -> None:
    """And each says it in both languages."""
    schemas = [each for document in documents.values() for each in document["components"]["schemas"].items()]
    members = {
        word for name, body in schemas for each in body.get("properties", {}) for word in (each, f"{name}.{each}")
    }
    assert WORDS.keys() <= members
    assert {name for name, _ in schemas} >= SCHEMAS.keys()
    assert [word for word, text in (WORDS | SCHEMAS).items() if not is_in_both_languages(text)] == []


def _operation(document: Json) -> Json:
    operation: Json = document["paths"]["/v1/inbox"]["get"]
    return operation


FAULTS: dict[str, tuple[Callable[[Json], object], str]] = {
    "no id": (lambda d: _operation(d).pop("operationId"), "operation_id is not camelCase"),
    "one language": (lambda d: _operation(d).update(description="English only"), "English, a blank line, Vietnamese"),
    "lost reference": (lambda d: d["components"]["schemas"].pop("Item"), "leads nowhere"),
    "lost link": (
        lambda d: _operation(d)["responses"]["200"]["links"]["dossier"].update(operationId="readMinds"),
        "leads to no operation",
    ),
    "misfit": (lambda d: _example(d).update(items="none"), "is not of type 'array'"),
    "unknown member": (lambda d: _example(d).update(extra=1), "extra"),
    "other status": (lambda d: d["components"]["examples"]["quota.exceeded"]["value"].update(status=400), "status 400"),
    "undescribed": (lambda d: _operation(d)["parameters"][0].pop("description"), "is not described"),
}


def _example(document: Json) -> Json:
    value: Json = _operation(document)["responses"]["200"]["content"]["application/json"]["examples"]["answer"]["value"]
    return value


@pytest.mark.parametrize("fault", FAULTS)
def test_the_rules_find_what_is_wrong(documents: dict[str, Json], fault: str) -> None:
    plant, told = FAULTS[fault]
    broken = copy.deepcopy(documents["office"])
    plant(broken)
    found = set(complaints(broken)) - set(complaints(documents["office"]))
    assert any(told in sentence for sentence in found), found


def test_the_file_that_is_shown_is_a_document_of_the_samples(documents: dict[str, Json]) -> None:
    body = documents["office"]["paths"]["/v1/documents"]["post"]["requestBody"]["content"]
    message = read(body["application/edxml+xml"]["examples"]["file"]["value"].encode())
    assert isinstance(message, Document)
    assert (message.sender.organ_id, message.to[0].organ_id) == (samples.ORGAN, samples.NEIGHBOUR)
    assert (message.code, message.warnings) == ("14/UBND-VP", ())


def test_every_list_leads_to_its_next_page(documents: dict[str, Json]) -> None:
    for operation in (each for document in documents.values() for each in operations(document)):
        if any(each["name"] == "cursor" for each in operation.get("parameters", ())):
            assert operation["responses"]["200"]["links"]["next"]["operationId"] == operation["operationId"]


def test_what_takes_no_key_or_no_version_is_refused_for_none(documents: dict[str, Json]) -> None:
    """And what takes a body says how bodies are refused."""
    for operation in (each for document in documents.values() for each in operations(document)):
        taken = {each["name"] for each in operation.get("parameters", ())}
        told = {name for each in operation["responses"].values() for name in _codes(each)}
        assert ("Idempotency-Key" in taken) == ("idempotency.reused" in told), operation["operationId"]
        assert "If-Match" in taken or "request.precondition_failed" not in told, operation["operationId"]
        if "requestBody" in operation:
            assert operation["responses"].keys() >= {"408", "413", "415"}, operation["operationId"]


def test_members_of_a_problem_are_told_each_for_itself(documents: dict[str, Json]) -> None:
    members = documents["gateway"]["components"]["schemas"]["Problem"]["properties"]
    places = members["errors"]["items"]["properties"]
    told = [
        each["description"] for each in (*members.values(), *places.values(), *members["remedy"]["properties"].values())
    ]
    assert len(told) == len({*told})


def _codes(response: Json) -> Json:
    codes: Json = response.get("content", {}).get("application/problem+json", {}).get("examples", {})
    return codes


def test_the_examples_name_what_the_sample_traffic_posts() -> None:
    """The file the axis hands out for the order of the samples decides the ids of its document and transfer."""
    order = samples.RECEIVED_ORDER
    at = datetime.fromisoformat(order["at"])
    sent = document_of([order["to"]], order["number"], order["notation"], order["subject"], attachments=(), at=at)
    fetched = append_trace(sent, None, at)
    message = read(fetched)
    assert isinstance(message, Document)
    assert document_key(CODE, str(message.document_id)) == samples.RECEIVED
    assert fact_id(fetched) == samples.TRANSFER
    assert {act: document_key(samples.ORGAN, id_) for act, id_ in samples.SENT_DOCUMENT_IDS.items()} == samples.SENT
