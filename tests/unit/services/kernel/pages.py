"""What holds for every page for people, whatever it is about."""

import base64
import hashlib
import re
from itertools import pairwise
from typing import Any

from lxml import etree, html


def parsed(text: str) -> Any:
    """The page, which must be free of errors that a parser would have to mend."""
    # void elements are all that XML would refuse in them
    etree.fromstring(re.sub(r"<!doctype html>|<meta [^>]*>|<wbr>", "", text).encode(), etree.XMLParser(huge_tree=True))
    return html.document_fromstring(text.encode(), parser=html.HTMLParser(encoding="utf-8"))


def words(tree: Any, path: str) -> list[str]:
    return [" ".join(node.text_content().split()) for node in tree.xpath(path)]


def is_sound(tree: Any) -> None:
    """Landmarks, headings in order, names that are unique and found, nothing that runs."""
    assert [len(tree.xpath(f"//{name}")) for name in ("header", "main", "footer", "h1", "title")] == [1, 1, 1, 1, 1]
    levels = [int(node.tag[1]) for node in tree.xpath("//h1 | //h2 | //h3 | //h4 | //h5")]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    ids = tree.xpath("//@id")
    assert len(set(ids)) == len(ids)
    assert set(tree.xpath("//@aria-labelledby")) <= set(ids)
    assert tree.xpath("//a[@class='skip']/@href") == ["#content"]
    assert {link[1:] for link in tree.xpath("//a/@href") if link.startswith("#")} <= set(ids)
    assert tree.xpath("//script | //@style | //@*[starts-with(name(), 'on')] | //img | //link | //iframe") == []


def allows_its_style(text: str, policy: str) -> bool:
    css = text.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    return policy.startswith("default-src 'none'; ") and f"style-src 'sha256-{digest}'" in policy


def contrasts(css: str) -> dict[tuple[int, str, str], float]:
    """By WCAG 2, of each kind of text on each ground, in each scheme: light, dark, and others the page has."""
    schemes = [dict(re.findall(r"--(\w+):\s*(#\w+)", block)) for block in re.findall(r":root\{([^}]*)\}", css)]
    found = {}
    for place, scheme in enumerate(schemes):
        for text, ground in ((text, ground) for text in ("text", "quiet", "link") for ground in ("ground", "soft")):
            lower, upper = sorted((_luminance(scheme[text]), _luminance(scheme[ground])))
            found[place, text, ground] = (upper + 0.05) / (lower + 0.05)
    return found


def _luminance(colour: str) -> float:
    digits = colour.removeprefix("#")
    digits = "".join(digit * 2 for digit in digits) if len(digits) == 3 else digits
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
