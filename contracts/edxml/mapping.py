"""Between edXML messages and the payloads of contracts/messages: the same fields under the names of each side. Pure."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from contracts.edxml import model
from contracts.messages import document as messages

ADMINISTRATIVE_TYPE = 2
"""What the SDK library reads where Type is missing."""


def payload_fields(document: model.Document, *, sender: str, to: list[str]) -> dict[str, Any]:
    """Fields of `messages.document.Document` but for its attachments; codes are the caller's, texts as written."""
    other = document.other_info
    return {
        "document_id": document.document_id,
        "sender": sender,
        "to": to,
        "number": document.code_number or "",
        "notation": document.code_notation or "",
        "promulgated_on": document.promulgation_date,
        "place": document.place,
        "type": document.type if document.type is not None and document.type >= 0 else ADMINISTRATIVE_TYPE,
        "type_name": document.type_name or "",
        "subject": document.subject or "",
        "content": document.content,
        "signer": _signer(document.signer_info),
        "priority": other.priority if other and other.priority in (0, 1, 2, 3, 4) else 0,
        "due_on": document.due_date,
        "response_for": [_response(answered) for answered in document.response_for if answered.organ_id],
    }


def _signer(signer: model.SignerInfo | None) -> dict[str, Any] | None:
    if signer is None:
        return None
    return {"competence": signer.competence, "position": signer.position, "name": signer.full_name}


def _response(answered: model.ResponseFor) -> dict[str, Any]:
    return {
        "organ": answered.organ_id,
        "code": answered.code,
        "promulgated_on": answered.promulgation_date,
        "document_id": answered.document_id,
    }


def edxml_document(fields: messages.Document, *, names: Mapping[str, str]) -> model.Document:
    """An edXML document of a payload; `names` gives organ names by code. Attachments are the writer's argument."""
    signer = fields.signer
    return model.Document(
        sender=_organization(fields.sender, names),
        to=tuple(_organization(code, names) for code in fields.to),
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
        other_info=model.OtherInfo(priority=fields.priority),
        response_for=tuple(
            model.ResponseFor(
                organ_id=answered.organ,
                code=answered.code,
                document_id=answered.document_id,
                promulgation_date=answered.promulgated_on,
            )
            for answered in fields.response_for
        ),
        business=model.Business(),
    )


def _organization(code: str, names: Mapping[str, str]) -> model.Organization:
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
