"""Rules of documents: the key is its sender's, an id is issued once, an answer refers to what was addressed to it."""

from contracts.identifiers import document_key
from contracts.protocol import Verdict
from contracts.statuses import DocumentStatus
from gateway.enforcement.rules import Case

STEP = "documents"


def check(case: Case) -> Verdict | None:
    if case.envelope.type == "document.issued":
        return _issued(case)
    return _answered(case) if case.envelope.type == "document.status-changed" else None


def _issued(case: Case) -> Verdict | None:
    document = case.payload["document"]
    sender = case.registry.directory.find(document["sender"], case.registry.on)
    if sender is None or sender.code != case.sender:
        return case.refuse(STEP, "organ.forbidden", "/document/sender")
    if document_key(case.sender, document["document_id"]) != case.envelope.subject:
        return case.refuse(STEP, "contract.invalid", "/document/document_id")
    return case.refuse(STEP, "document.exists", "/document/document_id") if case.state.document else None


def _answered(case: Case) -> Verdict | None:
    """Answers go from a recipient to the sender; 13 (take back) goes the other way round."""
    document = case.state.document
    if document is None or case.payload["document"]["id"] != case.envelope.subject:
        return case.refuse(STEP, "document.unknown", "/document/id")
    recipients = set(document.recipients)
    if case.payload["code"] == DocumentStatus.TAKE_BACK:
        right = case.sender == document.sender and set(case.recipients) <= recipients
    else:
        right = case.sender in recipients and set(case.recipients) == {document.sender}
    return None if right else case.refuse(STEP, "document.unknown", "/document/id")
