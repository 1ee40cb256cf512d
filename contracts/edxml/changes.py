"""The business part of a message (Bussiness): recalls, updates and replacements, read and written. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from contracts.edxml import model
from contracts.edxml.mapping import edxml_document, edxml_organization
from contracts.messages import document as messages


@dataclass(frozen=True, slots=True)
class Receivers:
    """What a ReceiverList says, as written. It may disagree with To."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


def earlier_ids(message: model.Document) -> tuple[str, ...]:
    """DocumentIds a recall or update may mean: recalls often name the document in their own header only."""
    named = message.business.document_id if message.business else None
    return tuple(dict.fromkeys(each for each in (named, message.document_id) if each))


def replaced_ids(message: model.Document) -> tuple[str, ...]:
    """DocumentIds a replacement names, each once; some senders put a single one where updates have it."""
    business = message.business
    if business is None:
        return ()
    listed = [each.document_id for each in business.replacements] or [business.document_id or ""]
    return tuple(dict.fromkeys(each for each in listed if each))


def receivers(message: model.Document) -> Receivers:
    changes = message.business.document_changes if message.business else ()
    listed = [each for change in changes for each in change.receivers]
    return Receivers(
        tuple(each.organ_id for each in listed if each.receiver_type == model.RECEIVER_ADDED),
        tuple(each.organ_id for each in listed if each.receiver_type == model.RECEIVER_REMOVED),
    )


def reason(message: model.Document) -> str | None:
    return message.business.doc_reason if message.business else None


def staff(message: model.Document) -> str | None:
    """Of the StaffInfo only the name of who acted."""
    told = message.business.staff_info if message.business else ()
    return told[0].staff if told else None


def edxml_recall(
    fields: messages.Recalled, *, to: Sequence[str], about: messages.Document | None, names: Mapping[str, str]
) -> model.Document:
    """A message of type 1 to those asked, with the header of the document it is `about`, as far as that is known."""
    named = fields.document
    if about is None:
        number, _, notation = named.code.partition("/")
        about = messages.Document(
            document_id=named.document_id,
            sender=named.sender,
            to=list(to),
            number=number[:100],
            notation=notation[:100],
            promulgated_on=named.promulgated_on,
        )
    business = model.Business(
        doc_type=model.DOCUMENT_RECALL,
        document_id=named.document_id,
        doc_reason=fields.reason,
        staff_info=(model.StaffInfo(staff=fields.staff),) if fields.staff else (),
    )
    written = edxml_document(about, names=names)
    return replace(written, to=tuple(edxml_organization(code, names) for code in to), business=business)


def edxml_update(fields: messages.Updated, *, names: Mapping[str, str]) -> model.Document:
    """A message of type 2 with the whole document."""
    listed = tuple(model.Receiver(code, model.RECEIVER_ADDED) for code in fields.added)
    listed += tuple(model.Receiver(code, model.RECEIVER_REMOVED) for code in fields.removed)
    change = model.DocumentChange(document_info=1, document_receiver=int(bool(listed)), receivers=listed)
    business = model.Business(
        doc_type=model.DOCUMENT_UPDATE,
        document_id=fields.document.document_id,
        doc_reason=fields.reason,
        document_changes=(change,),
    )
    return replace(edxml_document(fields.document, names=names), business=business)


def edxml_replacement(fields: messages.Replaced, *, names: Mapping[str, str]) -> model.Document:
    """A message of type 3."""
    business = model.Business(
        doc_type=model.DOCUMENT_REPLACE,
        doc_reason=fields.reason,
        replacements=tuple(model.ReplacementInfo(each.document_id) for each in fields.replaces),
    )
    return replace(edxml_document(fields.document, names=names), business=business)
