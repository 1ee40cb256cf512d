"""Reads the TraceHeaderList: the hops so far, and the business action of the message (Bussiness, as it is spelt)."""

from contracts.edxml.errors import EdxmlError
from contracts.edxml.model import (
    DOCUMENT_NEW,
    Business,
    DocumentChange,
    Receiver,
    ReplacementInfo,
    TraceHeader,
)
from contracts.edxml.reading import Reading, has_text, read_staff, texts
from contracts.edxml.tree import Node
from contracts.edxml.values import read_integer


def read_trace_list(reading: Reading, node: Node | None) -> tuple[tuple[TraceHeader, ...], Business | None]:
    if node is None:
        return (), None
    hops = tuple(_hop(reading, each) for each in node.all("TraceHeader") if has_text(each))
    business = node.one("Bussiness") or node.one("Business")
    return hops, _business(reading, business) if business is not None and has_text(business) else None


def _hop(reading: Reading, node: Node) -> TraceHeader:
    organ_id = node.text("OrganId")
    if organ_id is not None and organ_id.lower() == "null":
        # a client's empty variable
        reading.note("value_unreadable", f"{node.path}/OrganId", "left out")
        organ_id = None
    return TraceHeader(organ_id, reading.moment(node, "Timestamp"))


def _business(reading: Reading, node: Node) -> Business:
    return Business(
        doc_type=_doc_type(node),
        document_id=node.text("DocumentId"),
        doc_reason=node.text("BussinessDocReason"),
        paper=reading.integer(node, "Paper"),
        document_changes=tuple(_change(reading, each) for each in node.all("BussinessDocumentInfo") if has_text(each)),
        replacements=_replacements(reading, node),
        staff_info=tuple(read_staff(each) for each in node.all("StaffInfo") if has_text(each)),
    )


def _doc_type(node: Node) -> int:
    """Absent means a new document; unreadable refuses the message, for a recall must not pass as a new document."""
    text = node.text("BussinessDocType")
    if text is None:
        return DOCUMENT_NEW
    value = read_integer(text)
    if value is None:
        raise EdxmlError("edxml.bad_value", f"{node.path}/BussinessDocType", "not a number")
    return value


def _change(reading: Reading, node: Node) -> DocumentChange:
    receivers = []
    for listed in node.all("ReceiverList"):
        for receiver in listed.all("Receiver"):
            organ_id = receiver.text("OrganId")
            if organ_id is None:
                reading.note("receiver_unnamed", receiver.path, "skipped")
            else:
                receivers.append(Receiver(organ_id, reading.integer(receiver, "ReceiverType")))
    return DocumentChange(
        document_info=reading.integer(node, "DocumentInfo"),
        document_receiver=reading.integer(node, "DocumentReceiver"),
        receivers=tuple(receivers),
    )


def _replacements(reading: Reading, node: Node) -> tuple[ReplacementInfo, ...]:
    found = []
    for listed in node.all("ReplacementInfoList"):
        for each in listed.all("ReplacementInfo"):
            document_id = each.text("DocumentId")
            if document_id is None:
                reading.note("replacement_unnamed", each.path, "skipped")
            else:
                found.append(ReplacementInfo(document_id, texts(each.one("OrganIdList"), "OrganId")))
    return tuple(found)
