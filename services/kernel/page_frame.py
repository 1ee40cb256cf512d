"""What all pages for people share: the look, the head of a page, both languages beside each other. No script, light and
dark, fit for print."""

import base64
import hashlib
from typing import Final

from contracts.causes.cause import Words
from services.kernel.markup import Markup, element, joined, page, style

_CSS: Final = """
:root{color-scheme:light dark;--ground:#fff;--text:#1b1f24;--quiet:#45505a;--line:#c9d1d9;--link:#0a4a9e;--soft:#f3f5f8}
@media (prefers-color-scheme:dark){:root{--ground:#14181d;--text:#e8ecf0;--quiet:#b3bcc6;--line:#3b444e;
--link:#8fc1ff;--soft:#1e242b}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--text);
font:1rem/1.6 system-ui,"Segoe UI",Roboto,"Noto Sans",sans-serif}
header,main,footer{max-width:72rem;margin:0 auto;padding:1rem 1.25rem}
header{display:flex;justify-content:space-between;gap:1rem;border-bottom:1px solid var(--line)}
footer{border-top:1px solid var(--line);color:var(--quiet)}
a{color:var(--link)}
a:focus-visible{outline:3px solid var(--link);outline-offset:2px}
.skip{position:absolute;left:-999rem}
.skip:focus{left:1rem;top:.5rem;padding:.5rem;background:var(--ground)}
h1{font-size:1.75rem;line-height:1.3;margin:.5rem 0;overflow-wrap:anywhere}
h2{font-size:1.25rem;margin:1.75rem 0 .5rem}
h3{font-size:1rem;margin:1.25rem 0 .25rem;color:var(--quiet)}
p,ul,ol{margin:.25rem 0 .75rem}
code{font-family:ui-monospace,"Cascadia Mono",Consolas,monospace}
.facts{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1rem;margin:1rem 0;padding:.75rem 1rem;
background:var(--soft);border-radius:.5rem}
.facts dt{color:var(--quiet)}
.facts dd{margin:0}
@media print{.skip,header nav{display:none}}
"""


class Look:
    """The shared style with a page's own rules behind it."""

    def __init__(self, css: str = "") -> None:
        self._css = _CSS + css.lstrip("\n")
        digest = base64.b64encode(hashlib.sha256(self._css.encode()).digest()).decode()
        self.policy: Final = (
            f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; "
            "frame-ancestors 'none'"
        )
        """Content-Security-Policy of these pages: their own style and nothing else."""

    def page(self, title: str, *body: str, lang: str) -> bytes:
        head = [
            element("meta", attributes={"charset": "utf-8"}),
            element("meta", attributes={"name": "viewport", "content": "width=device-width, initial-scale=1"}),
            element("title", title),
            style(self._css),
        ]
        return page(head, body, lang=lang)


def top(*links: str) -> Markup:
    """The skip link and the head of a page, with the links that are its navigation."""
    skip = element("a", *both(_SKIP), attributes={"href": "#content", "class": "skip"})
    nav = [element("nav", *links, attributes={"aria-label": "Liên Thông"})] if links else []
    name = element("strong", "Liên Thông", attributes={"lang": "vi"})
    return joined((skip, element("header", name, *nav)))


def both(words: Words) -> list[str]:
    """In line, Vietnamese first."""
    return [vietnamese(words.vi), " · ", english(words.en)]


def beside(words: Words) -> list[str]:
    """English first, as OpenAPI documents have it."""
    return [english(words.en), " · ", vietnamese(words.vi)]


def english(*text: str) -> Markup:
    return element("span", *text, attributes={"lang": "en"})


def vietnamese(*text: str) -> Markup:
    return element("span", *text, attributes={"lang": "vi"})


_SKIP: Final = Words("Đến nội dung", "Skip to content")
