"""A document as callers read it."""

from typing import Any

from contracts.messages.document import Document
from services.office.documents import rules
from services.office.documents.actions import View
from services.office.documents.rules import Step
from services.office.documents.store import Held
from services.office.transfers.rules import shown


def shape(view: View) -> dict[str, Any]:
    """The posted fields and what is known of the document's handling, statuses in the order of their times."""
    held = view.held
    document = Document.model_validate(view.issued["document"])
    counting = rules.current(view.steps)
    return document.model_dump(mode="json", exclude_none=True, exclude={"sender"}) | {
        "id": held.id,
        "from": held.sender,
        "box": held.box,
        "transfers": [held.transfer],
        "statuses": [_status(step, counting) for step in sorted(view.steps, key=lambda each: each.at)],
    }


def issued(held: Held, transfers: tuple[str, ...] | None = None) -> dict[str, Any]:
    """The answer to a post; `transfers` are those of a status, else the document's own."""
    told = [held.transfer] if transfers is None else list(transfers)
    return {"id": held.id, "document_id": held.document_id, "transfers": told}


def _status(step: Step, counting: set[str]) -> dict[str, Any]:
    fields = {"organ": step.organ, "code": step.code.value, "at": shown(step.at), "description": step.description}
    return {name: value for name, value in fields.items() if value is not None} | {"current": step.transfer in counting}
