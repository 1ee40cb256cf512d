"""From bytes to a small XML tree: base64 texts are cut out first, the rest goes through a hardened parser.

The tree holds markup only, so the parser keeps its own limits (no "huge" mode) while attachments of any size stay
where they are, in the original bytes.
"""

from dataclasses import dataclass
from typing import Final

from lxml import etree

from contracts.edxml.encoding import is_base64
from contracts.edxml.errors import EdxmlError, Oddity
from contracts.edxml.limits import Limits
from contracts.edxml.scan import Element, elements, find_start

CONTENT: Final = "contenttransferencoded"

Span = tuple[int, int]


class Node:
    """An element of the tree, asked by local name without regard to case; `path` is for messages to people."""

    __slots__ = ("element", "path")

    def __init__(self, element: etree._Element, path: str) -> None:
        self.element = element
        self.path = path

    def all(self, name: str) -> list["Node"]:
        wanted = name.lower()
        found = [child for child in self.element if local_name(child).lower() == wanted]
        numbered = len(found) > 1
        return [
            Node(child, f"{self.path}/{name}[{index}]" if numbered else f"{self.path}/{name}")
            for index, child in enumerate(found, start=1)
        ]

    def one(self, name: str) -> "Node | None":
        """The first child of that name; a second one is left unread, as the known parsers do."""
        found = self.all(name)
        return found[0] if found else None

    def own_text(self) -> str | None:
        """Trimmed; None when there is nothing to read."""
        return "".join(text for text in self.element.itertext() if isinstance(text, str)).strip() or None

    def text(self, *names: str) -> str | None:
        """The text of the descendant reached by these names."""
        node: Node | None = self
        for name in names:
            node = node.one(name) if node is not None else None
        return node.own_text() if node is not None else None


@dataclass(frozen=True, slots=True)
class Tree:
    root: Node
    elements: tuple[Element, ...]
    contents: dict[etree._Element, Span]
    oddities: tuple[Oddity, ...]


def local_name(element: etree._Element) -> str:
    """Also right for a prefix nobody declared, which the parser leaves in the name."""
    tag = element.tag
    return tag.rpartition("}")[2].rpartition(":")[2] if isinstance(tag, str) else ""


def load(data: bytes, limits: Limits) -> Tree:
    """The markup of a message. Raises EdxmlError for anything that is not well-formed or beyond the limits."""
    start = find_start(data, limits)
    found = tuple(elements(data, start, limits))
    encoded = sorted((each for each in found if each.path[-1] == CONTENT), key=lambda each: each.start)
    spans = [_cut(data, each) for each in encoded]
    markup = _without(data, start, [span for span in spans if span is not None])
    if len(markup) > limits.markup_bytes:
        raise EdxmlError("edxml.too_large", "/", f"more than {limits.markup_bytes} bytes of markup")
    root, oddities = _parse(markup)
    if data[:start].removeprefix(b"\xef\xbb\xbf"):
        oddities.append(Oddity("text_before_xml", "/", f"{start} bytes before the XML"))
    places = [element for element in root.iter() if local_name(element).lower() == CONTENT]
    if len(places) != len(spans):
        raise EdxmlError("edxml.malformed", "/", "the encoded contents cannot be told apart")
    contents = {place: span for place, span in zip(places, spans, strict=True) if span is not None}
    return Tree(Node(root, "/" + local_name(root)), found, contents, tuple(oddities))


def _cut(data: bytes, element: Element) -> Span | None:
    """The base64 text to leave out of the tree; None when it is something else and the parser must judge it."""
    start, end = element.content_start, element.content_end
    return (start, end) if start < end and is_base64(data, start, end) else None


def _without(data: bytes, start: int, spans: list[Span]) -> bytes:
    pieces = []
    for span_start, span_end in spans:
        pieces.append(data[start:span_start])
        start = span_end
    pieces.append(data[start:])
    return b"".join(pieces)


def _parse(markup: bytes) -> tuple[etree._Element, list[Oddity]]:
    """Strict, but for prefixes used and not declared: an SDK template has one, and readers match local names only."""
    oddities = []
    parser = _parser(recover=False)
    try:
        root = etree.fromstring(markup, parser)
    except etree.XMLSyntaxError as error:
        if not parser.error_log or not all(_is_undeclared_prefix(entry) for entry in parser.error_log):
            raise EdxmlError("edxml.malformed", "/", f"not well-formed at line {error.lineno}") from error
        parser = _parser(recover=True)
        root = etree.fromstring(markup, parser)
        oddities.append(Oddity("prefix_undeclared", "/", f"first at line {parser.error_log[0].line}"))
    if root is None or not all(_is_undeclared_prefix(entry) for entry in parser.error_log):
        raise EdxmlError("edxml.malformed", "/", "not well-formed")
    document = root.getroottree().docinfo
    if document.internalDTD is not None or document.externalDTD is not None:
        raise EdxmlError("edxml.dtd_refused", "/", "declarations of types or entities are not taken")
    return root, oddities


def _parser(*, recover: bool) -> etree.XMLParser:
    return etree.XMLParser(
        encoding="utf-8",  # a wrong declaration ("utf-16" over UTF-8 bytes) is a known slip; other bytes fail here
        recover=recover,
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )


def _is_undeclared_prefix(entry: etree._LogEntry) -> bool:
    return bool(entry.type == etree.ErrorTypes.NS_ERR_UNDEFINED_NAMESPACE or entry.level < etree.ErrorLevels.ERROR)
