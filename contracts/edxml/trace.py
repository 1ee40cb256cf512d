"""Adds a hop to a message that passes on: one TraceHeader put into the bytes, every other byte as it came."""

import re
from datetime import datetime
from typing import Final

from contracts.edxml.errors import EdxmlError
from contracts.edxml.limits import DEFAULT_LIMITS, Limits
from contracts.edxml.scan import Element
from contracts.edxml.text import escape
from contracts.edxml.tree import load
from contracts.edxml.values import write_moment

_HEADER: Final = "edxmlheader"
_LIST: Final = "traceheaderlist"
_HOP: Final = "traceheader"
_MESSAGES: Final = ("messageheader", "status")
_INDENTATION: Final = re.compile(rb"[ \t\r\n]*\Z")


def append_trace(data: bytes, organ: str | None, at: datetime, *, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """The message with one more hop, at Vietnam's time; the same arguments give the same bytes.

    `organ` is None only for the national axis, which writes hops without OrganId. A message without TraceHeaderList
    gets one. Raises EdxmlError for what cannot be read, ValueError for a time without zone.
    """
    hop = _hop(organ, at)
    found = load(data, limits).elements
    trace_list = next((each for each in found if each.path[-2:] == (_HEADER, _LIST)), None)
    if trace_list is not None:
        return _into_list(data, trace_list, found, hop)
    message = next((each for each in found if each.path[-2:-1] == (_HEADER,) and each.path[-1] in _MESSAGES), None)
    if message is None:
        raise EdxmlError("edxml.not_edxml", "/", "no message header to put the trace behind")
    outer = _indentation(data, message.start)
    declared = _declaration(data, message)
    inner = _deeper(outer)
    name = message.prefix + b"TraceHeaderList"
    lines = b"".join(
        (outer, b"<", name, declared, b">", _written(hop, message.prefix, inner), outer, b"</", name, b">")
    )
    return data[: message.end] + lines + data[message.end :]


def _hop(organ: str | None, at: datetime) -> tuple[tuple[bytes, bytes], ...]:
    fields = [("OrganId", organ), ("Timestamp", write_moment(at))]
    return tuple((name.encode(), escape(value, f"/TraceHeader/{name}")) for name, value in fields if value is not None)


def _into_list(
    data: bytes, trace_list: Element, found: tuple[Element, ...], hop: tuple[tuple[bytes, bytes], ...]
) -> bytes:
    if trace_list.is_empty_tag:
        outer = _indentation(data, trace_list.start)
        opened = data[: trace_list.end].removesuffix(b"/>") + b">"
        closed = b"</" + trace_list.name + b">"
        return opened + _written(hop, trace_list.prefix, _deeper(outer)) + outer + closed + data[trace_list.end :]
    children = [
        each
        for each in found
        if each.path[:-1] == trace_list.path and trace_list.content_start <= each.start < trace_list.content_end
    ]
    hops = [each for each in children if each.path[-1] == _HOP]
    # behind the last hop, else behind whatever is there: the SDK writes Bussiness first
    last = (hops or children)[-1] if children else None
    if last is None:
        position, indentation = trace_list.content_start, b""
    else:
        position, indentation = last.end, _indentation(data, last.start)
    return data[:position] + _written(hop, trace_list.prefix, indentation) + data[position:]


def _written(hop: tuple[tuple[bytes, bytes], ...], prefix: bytes, indentation: bytes) -> bytes:
    """With the prefix and the indentation of its neighbours."""
    name = prefix + b"TraceHeader"
    inner = _deeper(indentation)
    fields = [b"".join((inner, b"<", prefix, each, b">", text, b"</", prefix, each, b">")) for each, text in hop]
    return b"".join((indentation, b"<", name, b">", *fields, indentation, b"</", name, b">"))


def _indentation(data: bytes, position: int) -> bytes:
    """The line break and blanks before this position, or nothing when the file is written in one line."""
    found = _INDENTATION.search(data[max(0, position - 256) : position])
    blank = found.group() if found else b""
    return blank if b"\n" in blank else b""


def _deeper(indentation: bytes) -> bytes:
    if not indentation:
        return b""
    return indentation + (b"\t" if indentation.endswith(b"\t") else b"  ")


def _declaration(data: bytes, message: Element) -> bytes:
    """The namespace declaration the new sibling must repeat because its model carries it on its own tag."""
    attribute = b"xmlns:" + message.prefix.rstrip(b":") if message.prefix else b"xmlns"
    tag = data[message.start : message.content_start]
    found = re.search(rb"\s" + re.escape(attribute) + rb"\s*=\s*(\"[^\"]*\"|'[^']*')", tag)
    return found.group() if found else b""
