"""Attachments of a message: pairing what is announced with what is there, and reading the bytes one by one."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from contracts.edxml.archive import unwrap
from contracts.edxml.encoding import decode
from contracts.edxml.errors import EdxmlError, Oddity
from contracts.edxml.limits import DEFAULT_LIMITS, Limits
from contracts.edxml.media import media_type
from contracts.edxml.model import AttachmentInfo
from contracts.edxml.tree import Node, Span, Tree, load

_CID: Final = "cid:"


@dataclass(frozen=True)
class Attachment:
    """A file of a document, unpacked. `name` is text for people, never a path."""

    name: str
    content: bytes = field(repr=False)
    content_id: str | None = None
    description: str | None = None

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @property
    def media_type(self) -> str:
        return media_type(self.name)


@dataclass(frozen=True, slots=True)
class Part:
    """An attachment of the tree; `span` says where its base64 stands in the message, if it is base64."""

    info: AttachmentInfo
    node: Node | None
    span: Span | None


def iterate_attachments(data: bytes, *, limits: Limits = DEFAULT_LIMITS) -> Iterator[Attachment]:
    """The files in the order of the message, each decoded when it is asked for.

    Raises EdxmlError at the file that cannot be read or is refused; the ones before it were good.
    """
    tree = load(data, limits)
    for part in find_parts(tree)[0]:
        if part.node is not None:
            yield _open(data, part, part.node, limits)


def find_parts(tree: Tree) -> tuple[list[Part], list[Oddity]]:
    """What the manifest announces and what is attached, as one list: first the attached ones, in their order."""
    envelope = envelope_of(tree.root)
    attached = _attached(tree.root, envelope)
    pairs, unattached = _pair(attached, _references(envelope))
    parts, oddities = [], []
    for position, (node, reference) in enumerate(pairs):
        if reference is None:
            oddities.append(Oddity("attachment_unannounced", node.path, "no Reference in the manifest"))
        content = node.one("ContentTransferEncoded")
        span = tree.contents.get(content.element) if content is not None else None
        if content is None or (span is None and content.own_text()):
            oddities.append(Oddity("attachment_unreadable", node.path, "the content is missing or is not base64"))
        parts.append(Part(_info(position, node, reference, span), node, span))
    for position, reference in enumerate(unattached, start=len(parts)):
        oddities.append(Oddity("attachment_missing", reference.path, "announced and not attached"))
        parts.append(Part(_info(position, None, reference, None), None, None))
    return parts, oddities


def envelope_of(root: Node) -> Node | None:
    """The envelope, which some senders write as the root."""
    return root.one("edXMLEnvelope") or (root if root.path.lower() == "/edxmlenvelope" else None)


def _attached(root: Node, envelope: Node | None) -> list[Node]:
    holder = root.one("AttachmentEncoded") or (envelope.one("AttachmentEncoded") if envelope else None)
    return holder.all("Attachment") if holder else []


def _references(envelope: Node | None) -> list[Node]:
    body = envelope.one("edXMLBody") if envelope else None
    manifest = body.one("edXMLManifest") if body else None
    return manifest.all("Reference") if manifest else []


def _pair(attached: list[Node], references: list[Node]) -> tuple[list[tuple[Node, Node | None]], list[Node]]:
    """Each attachment with its Reference, by id and else by place; and the References nothing belongs to."""
    left: dict[int, Node] = dict(enumerate(references))
    by_id: dict[str, list[int]] = {}
    for place, reference in left.items():
        by_id.setdefault(_content_id(reference) or "", []).append(place)
    found: list[Node | None] = []
    for node in attached:
        places = by_id.get(_content_id(node) or "-", [])
        found.append(left.pop(places.pop(0)) if places else None)
    pairs = [(node, found[place] or left.pop(place, None)) for place, node in enumerate(attached)]
    return pairs, list(left.values())


def _content_id(node: Node) -> str | None:
    """Without `cid:`, of which the SDK puts one more on at every rewriting."""
    text = node.text("ContentId") or ""
    while text[: len(_CID)].lower() == _CID:
        text = text[len(_CID) :]
    return text.strip() or None


def _info(position: int, node: Node | None, reference: Node | None, span: Span | None) -> AttachmentInfo:
    described = [each for each in (node, reference) if each is not None]

    def first(name: str) -> str | None:
        return next((text for each in described if (text := each.text(name))), None)

    return AttachmentInfo(
        content_id=next((found for each in described if (found := _content_id(each))), f"{position + 1}"),
        name=first("AttachmentName") or f"attachment-{position + 1}",
        description=first("Description"),
        content_type=first("ContentType"),
        encoded_bytes=span[1] - span[0] if span else 0,
    )


def _open(data: bytes, part: Part, node: Node, limits: Limits) -> Attachment:
    path = f"{node.path}/ContentTransferEncoded"
    content = decode(_encoded(data, part, node, limits, path), path)
    inside = unwrap(content, part.info.name, limits, path)
    return Attachment(
        part.info.name, content if inside is None else inside, part.info.content_id, part.info.description
    )


def _encoded(data: bytes, part: Part, node: Node, limits: Limits, path: str) -> bytes:
    if part.span is None:
        element = node.one("ContentTransferEncoded")
        if element is None:
            raise EdxmlError("edxml.attachment_unreadable", path, "the content is missing")
        return (element.own_text() or "").encode()
    start, end = part.span
    if (end - start) * 3 // 4 > limits.attachment_bytes:
        raise EdxmlError("edxml.too_large", path, f"more than {limits.attachment_bytes} bytes")
    return data[start:end]
