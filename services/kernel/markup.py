"""HTML built from the inside out: text is escaped unless it is markup already, so that nobody can forget to."""

from collections.abc import Iterable, Mapping
from html import escape

_VOID = frozenset({"link", "meta", "wbr"})


class Markup(str):
    """Text that is HTML. Only this module makes it."""

    __slots__ = ()


def element(name: str, *children: str, attributes: Mapping[str, str] | None = None) -> Markup:
    """One element; children that are not `Markup` are text."""
    opened = "".join(f' {key}="{escape(value)}"' for key, value in (attributes or {}).items())
    if name in _VOID:
        return Markup(f"<{name}{opened}>")
    return Markup(f"<{name}{opened}>{joined(children)}</{name}>")


def joined(parts: Iterable[str]) -> Markup:
    return Markup("".join(part if isinstance(part, Markup) else escape(part) for part in parts))


def page(head: Iterable[str], body: Iterable[str], *, lang: str) -> bytes:
    """A whole document, in UTF-8."""
    html = element("html", element("head", *head), element("body", *body), attributes={"lang": lang})
    return f"<!doctype html>\n{html}\n".encode()


def style(css: str) -> Markup:
    """A `style` element, whose content HTML takes literally: it must not be able to end the element."""
    if "<" in css:
        raise ValueError("style sheet with '<'")
    return Markup(f"<style>{css}</style>")
