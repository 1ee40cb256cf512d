"""What callers are shown of a dossier. Plain values."""

from typing import Any

import orjson

from contracts.directory import shown
from contracts.envelope import TYPE_PREFIX
from services.office.dossiers import rules
from services.office.dossiers.actions import Outcome
from services.office.dossiers.rules import Entry, View


def accepted(outcome: Outcome) -> dict[str, Any]:
    """The answer to a submission."""
    stamp = outcome.view.stamp
    return {
        "code": outcome.view.held.code,
        "status": stamp.status,
        "custodian": stamp.custodian or None,
        "transfers": list(outcome.transfers),
    }


def acted(view: View, transfers: tuple[str, ...]) -> dict[str, Any]:
    """The answer to an act."""
    return {
        "code": view.held.code,
        "status": view.stamp.status,
        "custodian": view.stamp.custodian or None,
        "custody": view.custody.value,
        "transfers": list(transfers),
    }


def listed(view: View) -> dict[str, Any]:
    """The dossier in a list: nothing about the applicant."""
    held = view.held
    return _known(view) | _standing(view) | {"created_at": shown(held.created_at), "href": f"/v1/dossiers/{held.code}"}


def shape(view: View) -> dict[str, Any]:
    """The whole dossier."""
    held, history = view.held, view.history
    submitted = orjson.loads(held.submitted)
    personal = {
        "channel": submitted.get("channel"),
        "applicant": submitted["applicant"],
        "note": submitted.get("note"),
        "result": rules.result(held, history),
    }
    return (
        _known(view)
        | {name: value for name, value in personal.items() if value is not None}
        | _standing(view)
        | {"attachments": rules.attachments(held, history), "history": [_step(each) for each in history]}
    )


def _known(view: View) -> dict[str, Any]:
    """What was submitted, short of the applicant."""
    held, offer = view.held, view.stamp.offer
    fields = {
        "code": held.code,
        "procedure": held.procedure,
        "receiving_organ": held.receiver,
        "deciding_organ": held.decider or None,
        "summary": held.summary,
        "due_at": shown(held.due_at),
        "offer": {"id": offer.id, "from": offer.giver, "to": offer.taker} if offer else None,
        "refused": held.refused or None,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _standing(view: View) -> dict[str, Any]:
    stamp = view.stamp
    return {
        "status": stamp.status,
        "custodian": stamp.custodian or None,
        "custody": view.custody.value,
        "epoch": stamp.epoch,
        "version": stamp.version,
    }


def _step(entry: Entry) -> dict[str, Any]:
    fields = {
        "transfer": entry.transfer,
        "type": TYPE_PREFIX + entry.type,
        "actor": entry.actor,
        "status": entry.status,
        "at": shown(entry.at),
        "reason": entry.reason,
        "refused": entry.refusal,
    }
    return {name: value for name, value in fields.items() if value is not None}
