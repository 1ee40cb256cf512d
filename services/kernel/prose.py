"""The texts of an OpenAPI document as HTML: the little Markdown they use, and which language each part is in.

English and Vietnamese stand in paragraphs of their own, or beside each other with a dot between.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from services.kernel.data_tables import table
from services.kernel.markup import Markup, element, joined
from services.kernel.page_frame import vietnamese

BESIDE: Final = " · "
_LETTER: Final = re.compile("[ăâđêôơưàảãáạằẳẵắặầẩẫấậèẻẽéẹềểễếệìỉĩíịòỏõóọồổỗốộờởỡớợùủũúụừửữứựỳỷỹýỵ]", re.IGNORECASE)
_QUOTED: Final = re.compile(r"`[^`]*`")
_SHARE: Final = 0.4
"""Of the words, from which on a text is Vietnamese: English texts name Vietnamese terms, hardly the other way round."""
_SPAN: Final = re.compile(r"`([^`]+)`|\*\*(.+?)\*\*")
_ITEM: Final = re.compile(r"(?:-|(\d+)\.) +")
_RULE: Final = re.compile(r"\|(?: *:?-+:? *\|)+")


@dataclass(frozen=True, slots=True)
class Chapter:
    """A heading (none: what stands before the first one) and what stands below it."""

    heading: str
    body: Markup


def is_vietnamese(text: str) -> bool:
    words = re.findall(r"\w+", _QUOTED.sub(" ", text))
    return bool(words) and sum(1 for word in words if _LETTER.search(word)) >= _SHARE * len(words)


def inline(text: str) -> Markup:
    """One text, each language marked as such."""
    return joined([vietnamese(part) if foreign else part for foreign, part in _separated(text)])


def spans(text: str) -> Markup:
    """Code and emphasis, of a text in one language."""
    parts: list[str] = []
    end = 0
    for found in _SPAN.finditer(text):
        parts.append(text[end : found.start()])
        code, strong = found.groups()
        parts.append(element("code", code) if code else element("strong", spans(strong)))
        end = found.end()
    return joined([*parts, text[end:]])


def blocks(text: str, *, heading: str = "") -> Markup:
    """Paragraphs, lists, and tables, which the heading above them names."""
    return joined(_block(lines, heading) for lines in _groups(text))


def chapters(text: str) -> list[Chapter]:
    """The text, cut at its headings."""
    first, *rest = re.split(r"^## +", text, flags=re.MULTILINE)
    told = [Chapter("", blocks(first))] if first.strip() else []
    for each in rest:
        heading, _, body = each.partition("\n")
        told.append(Chapter(heading.strip(), blocks(body, heading=heading.strip())))
    return told


def _separated(text: str) -> Iterator[tuple[bool, Markup]]:
    for place, piece in enumerate(text.split(BESIDE)):
        if place:
            yield False, Markup(BESIDE)
        foreign = is_vietnamese(piece) or bool(place and _LETTER.search(_QUOTED.sub(" ", piece)))
        yield foreign, spans(piece)


def _groups(text: str) -> Iterator[list[str]]:
    for paragraph in re.split(r"\n[ \t]*\n", text.strip()):
        lines = [line.strip() for line in paragraph.splitlines() if line.strip()]
        if lines:
            yield lines


def _block(lines: list[str], heading: str) -> Markup:
    if len(lines) > 1 and _RULE.fullmatch(lines[1]):
        head, _, *rows = ([inline(cell) for cell in _cells(line)] for line in lines)
        return table([inline(heading)], head, rows)
    if not _ITEM.match(lines[0]):
        return _paragraph(" ".join(lines))
    items: list[str] = []
    for line in lines:
        if _ITEM.match(line):
            items.append(_ITEM.sub("", line, count=1))
        else:
            items[-1] += f" {line}"
    return element("ol" if lines[0][0].isdigit() else "ul", *(element("li", inline(item)) for item in items))


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def _paragraph(text: str) -> Markup:
    if BESIDE not in text and is_vietnamese(text):
        return element("p", spans(text), attributes={"lang": "vi"})
    return element("p", inline(text))
