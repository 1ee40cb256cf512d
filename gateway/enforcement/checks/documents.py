"""Rules of documents: the key is its sender's, an id is issued once, what follows refers to a document of the same
sender and an answer to what was addressed to it."""

from collections.abc import Callable, Mapping
from typing import Any

from contracts.identifiers import document_key
from contracts.protocol import Verdict
from contracts.statuses import DocumentStatus
from gateway.enforcement.rules import Case

STEP = "documents"


def check(case: Case) -> Verdict | None:
    rule = _RULES.get(case.envelope.type)
    return rule(case) if rule else None


def _issued(case: Case) -> Verdict | None:
    named = _named(case)
    if named is not None:
        return named
    return case.refuse(STEP, "document.exists", "/document/document_id") if case.state.document else None


def _replaced(case: Case) -> Verdict | None:
    """The key of a document is made from its sender: one that fits is a document of the same sender."""
    for place, earlier in enumerate(case.payload["replaces"]):
        known = case.documents.get(earlier["id"])
        if document_key(case.sender, earlier["document_id"]) != earlier["id"] or known is None:
            return case.refuse(STEP, "document.unknown", f"/replaces/{place}/id")
    return _issued(case)


def _recalled(case: Case) -> Verdict | None:
    document = case.state.document
    if document is None or document.sender != case.sender or _key(case) != case.envelope.subject:
        return case.refuse(STEP, "document.unknown", "/document/id")
    return None if _is_within(case, set(document.recipients)) else case.refuse(STEP, "document.unknown")


def _updated(case: Case) -> Verdict | None:
    """It may go to those added as well as to those who had it."""
    named = _named(case)
    if named is not None:
        return named
    document = case.state.document
    if document is None or document.sender != case.sender:
        return case.refuse(STEP, "document.unknown", "/document/document_id")
    resolved = (case.registry.directory.resolve(code, case.registry.on).organ for code in case.payload.get("added", ()))
    allowed = {*document.recipients, *(organ.code for organ in resolved if organ)}
    return None if _is_within(case, allowed) else case.refuse(STEP, "contract.invalid", "/added")


def _answered(case: Case) -> Verdict | None:
    """Answers go from a recipient to the sender; 13 (take back) goes the other way round."""
    document = case.state.document
    if document is None or _key(case) != case.envelope.subject:
        return case.refuse(STEP, "document.unknown", "/document/id")
    recipients = set(document.recipients)
    if case.payload["code"] == DocumentStatus.TAKE_BACK:
        right = case.sender == document.sender and _is_within(case, recipients)
    else:
        right = case.sender in recipients and _is_within(case, {document.sender})
    return None if right else case.refuse(STEP, "document.unknown", "/document/id")


def _named(case: Case) -> Verdict | None:
    """The whole document: its sender speaks, and the subject is its key."""
    document = case.payload["document"]
    sender = case.registry.directory.find(document["sender"], case.registry.on)
    if sender is None or sender.code != case.sender:
        return case.refuse(STEP, "organ.forbidden", "/document/sender")
    if document_key(case.sender, document["document_id"]) != case.envelope.subject:
        return case.refuse(STEP, "contract.invalid", "/document/document_id")
    return None


def _is_within(case: Case, allowed: set[str]) -> bool:
    """Whether every recipient had the document. An organ that closed meanwhile had it; its successor is reached."""
    directory, on = case.registry.directory, case.registry.on
    for written in case.envelope.recipients:
        found = (directory.find(written, on), directory.resolve(written, on).organ)
        names = {organ.code for organ in found if organ}
        if names and not names & allowed:
            return False
    return True


def _key(case: Case) -> str:
    key: str = case.payload["document"]["id"]
    return key


_RULES: Mapping[str, Callable[[Case], Any]] = {
    "document.issued": _issued,
    "document.recalled": _recalled,
    "document.updated": _updated,
    "document.replaced": _replaced,
    "document.status-changed": _answered,
}
