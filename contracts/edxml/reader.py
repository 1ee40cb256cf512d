"""Reads a message as it is really sent: any element order, any prefix, odd values left out and reported.

What is required is only what a hub cannot do without: who, to whom, which document, which status.
"""

from dataclasses import replace

from contracts.edxml.attachments import envelope_of, find_parts
from contracts.edxml.business import read_trace_list
from contracts.edxml.errors import EdxmlError
from contracts.edxml.limits import DEFAULT_LIMITS, Limits
from contracts.edxml.model import (
    NAMESPACE,
    Document,
    Message,
    Organization,
    OtherInfo,
    SignerInfo,
    Status,
)
from contracts.edxml.reading import Reading, has_text, read_staff, texts
from contracts.edxml.strictness import strictness
from contracts.edxml.tree import Node, Tree, load
from contracts.edxml.values import read_flag, read_status_code


def read(data: bytes, *, limits: Limits = DEFAULT_LIMITS) -> Message:
    """The message in these bytes. Raises EdxmlError for anything it cannot take, whatever the bytes."""
    tree = load(data, limits)
    envelope = envelope_of(tree.root)
    header = envelope.one("edXMLHeader") if envelope is not None else None
    if header is None:
        raise EdxmlError("edxml.not_edxml", tree.root.path, "no edXMLEnvelope with an edXMLHeader")
    reading = Reading()
    reading.oddities.extend(tree.oddities)
    _note_root(reading, tree.root)
    messages = [*header.all("MessageHeader"), *header.all("Status")]
    if not messages:
        raise EdxmlError("edxml.missing_field", f"{header.path}/MessageHeader", "required")
    # the transport's word for it (messagetype) is not known here, and the code is what makes a status
    status = next((node for node in messages if node.one("StatusCode") is not None), None)
    if status is not None:
        return _status(reading, status, header)
    return _document(reading, messages[0], header, tree)


def _note_root(reading: Reading, root: Node) -> None:
    if root.path != "/edXML":
        reading.note("root_unusual", root.path, "edXML expected")
    if root.element.nsmap.get(root.element.prefix) != NAMESPACE:
        reading.note("namespace_unusual", root.path, "not the namespace of QCVN 102:2016")


def _document(reading: Reading, node: Node, header: Node, tree: Tree) -> Document:
    parts, oddities = find_parts(tree)
    reading.oddities.extend(oddities)
    trace_headers, business = read_trace_list(reading, header.one("TraceHeaderList"))
    document = Document(
        sender=reading.sender(node),
        to=_recipients(reading, node),
        document_id=reading.required(node, "DocumentId"),
        code_number=node.text("Code", "CodeNumber"),
        code_notation=node.text("Code", "CodeNotation"),
        place=node.text("PromulgationInfo", "Place"),
        promulgation_date=reading.date(node, "PromulgationInfo", "PromulgationDate"),
        type=reading.integer(node, "DocumentType", "Type"),
        type_detail=reading.integer(node, "DocumentType", "TypeDetail"),
        type_name=node.text("DocumentType", "TypeName"),
        subject=node.text("Subject"),
        content=node.text("Content"),
        signer_info=_signer(node.one("SignerInfo")),
        due_date=reading.date(node, "DueDate"),
        other_info=_other_info(reading, node.one("OtherInfo")),
        response_for=tuple(reading.response(each) for each in node.all("ResponseFor") if has_text(each)),
        steering_type=reading.integer(node, "SteeringType"),
        response_for_task=texts(node.one("ResponseForTask"), "TaskCode"),
        application_type=node.text("ApplicationType"),
        to_places=texts(node.one("ToPlaces"), "Place"),
        trace_headers=trace_headers,
        business=business,
        signature_present=header.one("Signature") is not None,
        attachments=tuple(part.info for part in parts),
    )
    return replace(document, warnings=(*reading.oddities, *strictness(document, node.path)))


def _recipients(reading: Reading, node: Node) -> tuple[Organization, ...]:
    """All of them, repeats too. One that is described and has no OrganId refuses the message: nobody would get it
    and the sender would not know."""
    found: list[Organization] = []
    names: set[str] = set()
    for recipient in node.all("To"):
        if not has_text(recipient):
            reading.note("recipient_empty", recipient.path, "skipped")
            continue
        organization = reading.organization(recipient)
        if organization.organ_id.upper() in names:
            reading.note("recipient_repeated", recipient.path, "named before")
        names.add(organization.organ_id.upper())
        found.append(organization)
    if not found:
        raise EdxmlError("edxml.missing_field", f"{node.path}/To/OrganId", "required")
    return tuple(found)


def _signer(node: Node | None) -> SignerInfo | None:
    if node is None or not has_text(node):
        return None
    return SignerInfo(node.text("Competence"), node.text("Position"), node.text("FullName"))


def _other_info(reading: Reading, node: Node | None) -> OtherInfo | None:
    if node is None or not has_text(node):
        return None
    return OtherInfo(
        priority=reading.integer(node, "Priority"),
        sphere_of_promulgation=node.text("SphereOfPromulgation"),
        typer_notation=node.text("TyperNotation"),
        promulgation_amount=reading.integer(node, "PromulgationAmount"),
        page_amount=reading.integer(node, "PageAmount"),
        reply_fors=node.text("ReplyFors"),
        direction=reading.value(read_flag, node, "Direction"),
        reference_codes=node.text("ReferenceCodes"),
        appendixes=texts(node.one("Appendixes"), "Appendix"),
    )


def _status(reading: Reading, node: Node, header: Node) -> Status:
    response = node.one("ResponseFor")
    if response is None:
        raise EdxmlError("edxml.missing_field", f"{node.path}/ResponseFor/OrganId", "required")
    reading.required(response, "OrganId")
    answered = reading.response(response)
    if answered.document_id is None and answered.code is None:
        raise EdxmlError("edxml.missing_field", f"{response.path}/DocumentId", "required, or at least Code")
    for name, value in (("DocumentId", answered.document_id), ("Code", answered.code)):
        if value is None:
            reading.note("field_missing", f"{response.path}/{name}", "a strict checker refuses this")
    code = read_status_code(reading.required(node, "StatusCode"))
    if code is None:
        raise EdxmlError("edxml.bad_value", f"{node.path}/StatusCode", "not a number of up to three digits")
    staff = node.one("StaffInfo")
    return Status(
        sender=reading.sender(node),
        response_for=answered,
        status_code=code,
        description=node.text("Description"),
        timestamp=reading.moment(node, "Timestamp"),
        staff_info=read_staff(staff) if staff is not None and has_text(staff) else None,
        signature_present=header.one("Signature") is not None,
        warnings=tuple(reading.oddities),
    )
