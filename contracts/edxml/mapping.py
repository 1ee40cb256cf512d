"""Between edXML messages and the payloads of contracts/messages: the same fields under the names of each side. Pure.

What a payload has no place for stays in the original file, which travels beside it unchanged.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any, Final

from contracts.edxml import model
from contracts.edxml.errors import EdxmlError
from contracts.identifiers import ORGAN_PATTERN, organ_key
from contracts.messages import document as messages

HEADER: Final = "/edXML/edXMLEnvelope/edXMLHeader/MessageHeader"
TYPE_OF_THE_SDK: Final = 2
"""What EdXML102-0.0.3 reads where no type stands."""

_ORGAN: Final = re.compile(ORGAN_PATTERN)


def payload_fields(message: model.Document) -> dict[str, Any]:
    """Fields of `messages.document.Document` but for its attachments, organ codes as written.

    Dates and numbers outside the contract's range are left out, as the codec does with unreadable ones; they still
    stand in the original. Raises EdxmlError for an organ code that no payload can carry.
    """
    priority = message.other_info.priority if message.other_info else None
    fields = {
        "document_id": message.document_id,
        "sender": _organ(message.sender.organ_id, "From"),
        "to": _recipients(message.to),
        "number": message.code_number or "",
        "notation": message.code_notation or "",
        "promulgated_on": _day(message.promulgation_date),
        "place": message.place,
        "type": message.type if message.type is not None and 0 <= message.type <= 10_000 else TYPE_OF_THE_SDK,
        "type_name": message.type_name or "",
        "subject": message.subject or "",
        "content": message.content,
        "signer": _signer(message.signer_info),
        "priority": priority if priority in (0, 1, 2, 3, 4) else 0,
        "due_on": _day(message.due_date),
        "response_for": [each for each in map(_answered, message.response_for) if each],
    }
    return {name: value for name, value in fields.items() if value is not None}


def _organ(written: str, name: str) -> str:
    if _ORGAN.fullmatch(written) is None:
        raise EdxmlError("edxml.bad_value", f"{HEADER}/{name}/OrganId", "not an organ code")
    return written


def _recipients(to: Iterable[model.Organization]) -> list[str]:
    """As written; one named twice counts once."""
    found: dict[str, str] = {}
    for place, organization in enumerate(to, start=1):
        written = _organ(organization.organ_id, f"To[{place}]")
        found.setdefault(organ_key(written), written)
    return list(found.values())


def _day(day: date | None) -> str | None:
    return day.isoformat() if day is not None and 1000 <= day.year <= 2999 else None


def _signer(info: model.SignerInfo | None) -> dict[str, str] | None:
    if info is None:
        return None
    fields = {"competence": info.competence, "position": info.position, "name": info.full_name}
    return {name: text for name, text in fields.items() if text is not None} or None


def _answered(response: model.ResponseFor) -> dict[str, str] | None:
    """An answered document without an organ code cannot be named in the payload."""
    if response.organ_id is None or _ORGAN.fullmatch(response.organ_id) is None:
        return None
    fields = {
        "organ": response.organ_id,
        "code": response.code,
        "promulgated_on": _day(response.promulgation_date),
        "document_id": response.document_id,
    }
    return {name: text for name, text in fields.items() if text is not None}


def edxml_document(fields: messages.Document, *, names: Mapping[str, str] | None = None) -> model.Document:
    """An edXML document of a payload; `names` gives organ names by code. Attachments are the writer's argument."""
    names = names or {}
    signer = fields.signer
    return model.Document(
        sender=edxml_organization(fields.sender, names),
        to=tuple(edxml_organization(code, names) for code in fields.to),
        document_id=fields.document_id,
        code_number=fields.number or None,
        code_notation=fields.notation or None,
        place=fields.place,
        promulgation_date=fields.promulgated_on,
        type=fields.type,
        type_name=fields.type_name or None,
        subject=fields.subject or None,
        content=fields.content,
        signer_info=model.SignerInfo(signer.competence, signer.position, signer.name) if signer else None,
        due_date=fields.due_on,
        other_info=model.OtherInfo(priority=fields.priority) if fields.priority else None,
        response_for=tuple(
            model.ResponseFor(
                organ_id=answered.organ,
                code=answered.code,
                document_id=answered.document_id,
                promulgation_date=answered.promulgated_on,
            )
            for answered in fields.response_for
        ),
    )


def edxml_organization(code: str, names: Mapping[str, str]) -> model.Organization:
    return model.Organization(organ_id=code, organ_name=names.get(code))


def edxml_status(fields: messages.StatusChanged, *, sender: str, addressee: str, name: str | None) -> model.Status:
    """An edXML status of a payload: From = who answers, ResponseFor/OrganId = whom it is for."""
    about = fields.document
    return model.Status(
        sender=model.Organization(organ_id=sender, organ_name=name),
        response_for=model.ResponseFor(
            organ_id=addressee,
            code=about.code or None,
            document_id=about.document_id,
            promulgation_date=about.promulgated_on,
        ),
        status_code=fields.code.value,
        description=fields.description,
        timestamp=fields.at,
        staff_info=model.StaffInfo(staff=fields.staff) if fields.staff else None,
    )


def status_fields(
    status: model.Status, *, id_: str, document_id: str, sender: str, at: datetime, promulgated_on: date | None
) -> dict[str, Any]:
    """Fields of `messages.document.StatusChanged` for the document the hub found under the status's ResponseFor."""
    return {
        "document": {
            "id": id_,
            "document_id": document_id,
            "sender": sender,
            "code": status.response_for.code or "",
            "promulgated_on": status.response_for.promulgation_date or promulgated_on,
        },
        "code": status.status_code,
        "description": status.description,
        "staff": status.staff_info.staff if status.staff_info else None,
        "at": status.timestamp or at,
    }
