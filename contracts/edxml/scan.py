"""Finds elements in the bytes of a message: where each one starts and ends, and what to cut out before parsing.

It judges only what it needs (nesting, limits, no DTD); everything else about well-formedness is the XML parser's word.
Markup is ASCII in UTF-8, so positions are byte positions of the original file.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from contracts.edxml.errors import EdxmlError
from contracts.edxml.limits import Limits

# Possessive and free of "<": each attempt ends at the next "<" at the latest, so hostile input costs linear time.
_TAG: Final = re.compile(rb"<(/?)([^\s<>/\"'=!?]++)((?:[^<>\"']++|\"[^\"<]*+\"|'[^'<]*+')*+)>")
_SKIPPED: Final = ((b"<!--", b"-->"), (b"<![CDATA[", b"]]>"), (b"<?", b"?>"))
_WIDE_MARKS: Final = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff", b"\x00<", b"<\x00")
_PREAMBLE_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Element:
    """`path` holds the local names from the root to this element, in lower case. The content of `<a/>` is empty."""

    name: bytes
    path: tuple[str, ...]
    start: int
    content_start: int
    content_end: int
    end: int

    @property
    def is_empty_tag(self) -> bool:
        return self.content_start == self.end

    @property
    def prefix(self) -> bytes:
        """With its colon, or nothing."""
        head, colon, _ = self.name.rpartition(b":")
        return head + colon


@dataclass(frozen=True, slots=True)
class _Open:
    name: bytes
    path: tuple[str, ...]
    start: int
    content_start: int


def find_start(data: bytes, limits: Limits) -> int:
    """Where the XML starts; text and byte order marks before it are tolerated."""
    if len(data) > limits.message_bytes:
        raise EdxmlError("edxml.too_large", "/", f"more than {limits.message_bytes} bytes")
    if data.startswith(_WIDE_MARKS):
        raise EdxmlError("edxml.malformed", "/", "not UTF-8")
    start = data.find(b"<", 0, _PREAMBLE_BYTES)
    if start < 0:
        raise EdxmlError("edxml.malformed", "/", "no XML found")
    return start


def elements(data: bytes, start: int, limits: Limits) -> Iterator[Element]:
    """Every element, given when it closes: children before parents."""
    stack: list[_Open] = []
    count = 0
    for tag in _tags(data, start):
        count += 1
        if count > 2 * limits.elements:
            raise EdxmlError("edxml.too_large", "/", f"more than {limits.elements} elements")
        if tag is None:
            continue
        closing, name, rest = tag.group(1), tag.group(2), tag.group(3)
        if closing:
            if not stack or stack[-1].name != name:
                raise EdxmlError("edxml.malformed", _where(stack), "an end tag without its start tag")
            begun = stack.pop()
            yield Element(name, begun.path, begun.start, begun.content_start, tag.start(), tag.end())
            continue
        path = (*(stack[-1].path if stack else ()), _local(name))
        if len(path) > limits.depth:
            raise EdxmlError("edxml.too_large", _where(stack), f"deeper than {limits.depth} elements")
        if rest.endswith(b"/"):
            yield Element(name, path, tag.start(), tag.end(), tag.end(), tag.end())
        else:
            stack.append(_Open(name, path, tag.start(), tag.end()))
    if stack:
        raise EdxmlError("edxml.malformed", _where(stack), "an element is not closed")


def _tags(data: bytes, position: int) -> Iterator[re.Match[bytes] | None]:
    """Start, end and empty tags; None stands for a comment, CDATA section or instruction passed over."""
    while (opening := data.find(b"<", position)) >= 0:
        skipped = _end_of_skipped(data, opening)
        if skipped is not None:
            position = skipped
            yield None
            continue
        tag = _TAG.match(data, opening)
        if tag is None:
            if data.startswith(b"<!", opening):
                raise EdxmlError("edxml.dtd_refused", "/", "declarations of types or entities are not taken")
            raise EdxmlError("edxml.malformed", "/", f"a tag cannot be read at byte {opening}")
        position = tag.end()
        yield tag


def _end_of_skipped(data: bytes, opening: int) -> int | None:
    """The end of a comment, CDATA section or processing instruction, or None when a tag stands here."""
    for mark, closing in _SKIPPED:
        if data.startswith(mark, opening):
            found = data.find(closing, opening + len(mark))
            if found < 0:
                raise EdxmlError("edxml.malformed", "/", f"unfinished markup at byte {opening}")
            return found + len(closing)
    return None


def _local(name: bytes) -> str:
    return name.rpartition(b":")[2].decode("utf-8", "replace").lower()


def _where(stack: list[_Open]) -> str:
    return "/" + "/".join(stack[-1].path) if stack else "/"
