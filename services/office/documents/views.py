"""A document as callers read it."""

from typing import Any, Final

from contracts.directory import shown
from contracts.messages.document import Document
from services.office.documents import rules
from services.office.documents.course import Change, Kind
from services.office.documents.reading import View
from services.office.documents.rules import Step
from services.office.documents.store import Held, Other

_LISTED: Final = ("to", "number", "notation", "promulgated_on", "type", "type_name", "subject", "priority", "due_on")


def shape(view: View) -> dict[str, Any]:
    """The fields in force and what is known of the document's handling, statuses in the order of their times."""
    counting = rules.current(view.steps)
    return _fields(view.issued["document"]) | _named(view) | {
        "transfers": [view.held.transfer],
        "statuses": [_status(step, counting) for step in sorted(view.steps, key=lambda each: each.at)],
        "changes": [_change(view, change) for change in view.changes],
    } | _replacing(view)  # fmt: skip


def item(view: View) -> dict[str, Any]:
    """One line of a list; of statuses only the last of each organ, of a received document that of the holder."""
    fields = _fields(view.issued["document"])
    counting = rules.current(view.steps)
    told = [step for step in view.steps if step.transfer in counting and not step.targets]
    last = {step.organ: step for step in sorted(told, key=lambda each: each.at)}
    if view.held.box == "in":
        last = {organ: step for organ, step in last.items() if organ == view.held.holder}
    return {name: fields[name] for name in _LISTED if name in fields} | _named(view) | {
        "href": f"/v1/documents/{view.held.id}",
        "statuses": [
            {"organ": organ, "code": step.code.value, "at": shown(step.at)} for organ, step in sorted(last.items())
        ],
    }  # fmt: skip


def issued(held: Held, transfers: tuple[str, ...] | None = None) -> dict[str, Any]:
    """The answer to a post; `transfers` are those of a status, else the document's own."""
    told = [held.transfer] if transfers is None else list(transfers)
    return {"id": held.id, "document_id": held.document_id, "transfers": told}


def _fields(fields: Any) -> dict[str, Any]:
    return Document.model_validate(fields).model_dump(mode="json", exclude_none=True, exclude={"sender"})


def _named(view: View) -> dict[str, Any]:
    held = view.held
    return {
        "id": held.id,
        "document_id": held.document_id,
        "from": held.sender,
        "box": held.box,
        "state": view.state.value,
        "created_at": shown(held.created_at),
    }


def _replacing(view: View) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if view.replaced_by is not None:
        found["replaced_by"] = _other(view.replaced_by)
    replaces = view.issued.get("replaces") or view.first.get("replaces")
    if replaces:
        found["replaces"] = replaces
    return found


def _other(other: Other) -> dict[str, str]:
    return {"id": other.id, "document_id": other.document_id}


def _status(step: Step, counting: set[str]) -> dict[str, Any]:
    return _told(step) | {"current": step.transfer in counting}


def _told(step: Step) -> dict[str, Any]:
    fields = {"organ": step.organ, "code": step.code.value, "at": shown(step.at), "description": step.description}
    return {name: value for name, value in fields.items() if value is not None}


def _change(view: View, change: Change) -> dict[str, Any]:
    """With the fields of an update that are not those in force: open, declined, or updated again."""
    payload = change.payload
    fields = {
        "kind": change.kind.value,
        "transfer": change.transfer,
        "at": shown(change.at),
        "reason": payload.get("reason"),
        "added": payload.get("added") or None,
        "removed": payload.get("removed") or None,
    }
    found = {name: value for name, value in fields.items() if value is not None}
    if view.held.received and change.transfer in view.own.answers:
        found["answer"] = _told(view.own.answers[change.transfer])
    if view.held.box == "out":
        found["answers"] = [_told(step) for step in view.steps if change.transfer in step.answers]
    if change.kind is Kind.UPDATE and change != view.version:
        found["document"] = _fields(payload["document"])
    return found
