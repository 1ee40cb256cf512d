"""How the pages about error codes look: semantic HTML, both languages side by side, no script, light and dark."""

import base64
import hashlib
from http import HTTPStatus
from typing import Final

from contracts.causes.cause import Cause, Words
from contracts.problem_causes import TOPICS, Topic
from contracts.problems import PROBLEMS, Problem
from services.kernel.markup import Markup, element, joined, page, style
from services.kernel.problem_details import PROBLEMS_PATH

_CSS = """
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
.titles{font-size:1.15rem}
.facts{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1rem;margin:1rem 0;padding:.75rem 1rem;
background:var(--soft);border-radius:.5rem}
.facts dt{color:var(--quiet)}
.facts dd{margin:0}
.both{display:grid;gap:0 2.5rem;grid-template-columns:repeat(auto-fit,minmax(min(100%,24rem),1fr))}
.remedy{border-left:.3rem solid var(--link);padding-left:.75rem}
.codes{list-style:none;padding:0}
.codes li{padding:.4rem 0;border-bottom:1px solid var(--line)}
.codes span{display:block}
@media print{.skip,header nav{display:none}}
"""
_CSS_HASH = base64.b64encode(hashlib.sha256(_CSS.encode()).digest()).decode()
POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_CSS_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Content-Security-Policy of these pages: their own style and nothing else."""

_LANGUAGES = {"vi": "Tiếng Việt", "en": "English"}
_HEADINGS = {
    "cause": Words("Nguyên nhân", "Cause"),
    "remedy": Words("Tóm tắt cách khắc phục", "Remedy in short"),
    "steps": Words("Các bước xử lý", "What to do"),
    "repeat": Words("Có gửi lại yêu cầu không", "Whether to repeat the request"),
    "seen": Words("Gặp ở đâu", "Where it is met"),
}
_HOME = Words("Mã lỗi của trục Liên Thông", "Error codes of the Liên Thông hub")
_INTRODUCTION = Words(
    "Mỗi lần từ chối của trục mang một mã trong danh sách này. Trang của từng mã nêu nguyên nhân, cách khắc phục và có "
    "nên gửi lại hay không. Câu trả lời lỗi theo RFC 9457 dẫn đến trang này ở trường type.",
    "Every refusal of the hub carries one of these codes. The page of a code tells cause and cure, and whether to "
    "repeat the request. Answers follow RFC 9457; their type leads here.",
)


def index() -> bytes:
    """All codes by topic."""
    sections = [_section(topic) for topic in TOPICS]
    return _page(_HOME.vi, _top(), _main(_HOME, *_introduction(), *sections))


def about(problem: Problem, cause: Cause) -> bytes:
    """One code."""
    home = element("a", *_both(_HOME), attributes={"href": f"..{PROBLEMS_PATH}"})
    return _page(f"{problem.code} – {problem.title_vi}", _top(home), _article(problem, cause))


def _section(topic: Topic) -> Markup:
    items = [
        element(
            "li",
            element("a", element("code", code), attributes={"href": f"{PROBLEMS_PATH.strip('/')}/{code}"}),
            f" · HTTP {PROBLEMS[code].status}",
            element("span", PROBLEMS[code].title_vi),
            element("span", PROBLEMS[code].title, attributes={"lang": "en"}),
        )
        for code in topic.causes
    ]
    heading = element("h2", *_both(topic.title), attributes={"id": topic.key})
    codes = element("ul", *items, attributes={"class": "codes"})
    return element("section", heading, codes, attributes={"aria-labelledby": topic.key})


def _introduction() -> list[Markup]:
    return [element("p", _INTRODUCTION.vi), element("p", _INTRODUCTION.en, attributes={"lang": "en"})]


def _article(problem: Problem, cause: Cause) -> Markup:
    titles = Words(problem.title_vi, problem.title)
    columns = [_column(lang, problem, cause) for lang in _LANGUAGES]
    links = [
        element("li", element("a", element("code", code), attributes={"href": code}), " – ", *_both(_titles(code)))
        for code in cause.see
    ]
    heading = element("h2", "Mã liên quan · ", _english("See also"), attributes={"id": "see"})
    return element(
        "main",
        element("h1", element("code", problem.code)),
        element("p", *_both(titles), attributes={"class": "titles"}),
        _facts(problem),
        element("div", *columns, attributes={"class": "both"}),
        element("nav", heading, element("ul", *links), attributes={"aria-labelledby": "see"}),
        attributes={"id": "content"},
    )


def _facts(problem: Problem) -> Markup:
    status = f"{problem.status} {HTTPStatus(problem.status).phrase}"
    facts = [element("dt", "HTTP"), element("dd", status, attributes={"lang": "en"})]
    if problem.retry_after_seconds is not None:
        facts += [element("dt", "Retry-After"), element("dd", f"{problem.retry_after_seconds} s")]
    return element("dl", *facts, attributes={"class": "facts"})


def _column(lang: str, problem: Problem, cause: Cause) -> Markup:
    steps = [element("li", step) for step in (cause.steps_vi if lang == "vi" else cause.steps_en)]
    seen = [element("li", _of(each.value, lang)) for each in cause.seen]
    parts = {
        "cause": element("p", cause.vi if lang == "vi" else cause.en),
        "remedy": element("p", problem.remedy[lang], attributes={"class": "remedy"}),
        "steps": element("ol", *steps),
        "repeat": element("p", _of(cause.repeat.value, lang)),
        "seen": element("ul", *seen),
    }
    told = [joined((element("h3", _of(_HEADINGS[name], lang)), part)) for name, part in parts.items()]
    heading = element("h2", _LANGUAGES[lang], attributes={"id": lang})
    return element("section", heading, *told, attributes={"lang": lang, "aria-labelledby": lang})


def _titles(code: str) -> Words:
    return Words(PROBLEMS[code].title_vi, PROBLEMS[code].title)


def _of(words: Words, lang: str) -> str:
    return words.vi if lang == "vi" else words.en


def _both(words: Words) -> list[str]:
    return [words.vi, " · ", _english(words.en)]


def _english(text: str) -> Markup:
    return element("span", text, attributes={"lang": "en"})


def _main(title: Words, *parts: str) -> Markup:
    return element("main", element("h1", *_both(title)), *parts, attributes={"id": "content"})


def _top(*links: str) -> Markup:
    skip = element(
        "a", "Đến nội dung · ", _english("Skip to content"), attributes={"href": "#content", "class": "skip"}
    )
    nav = [element("nav", *links, attributes={"aria-label": "Liên Thông"})] if links else []
    return joined((skip, element("header", element("strong", "Liên Thông"), *nav)))


def _foot() -> Markup:
    twin = element("a", "JSON", attributes={"href": "?format=json"})
    return element("footer", "Trang này ở dạng · ", _english("This page as "), twin)


def _page(title: str, *body: Markup) -> bytes:
    head = [
        element("meta", attributes={"charset": "utf-8"}),
        element("meta", attributes={"name": "viewport", "content": "width=device-width, initial-scale=1"}),
        element("title", f"{title} · Liên Thông"),
        style(_CSS),
    ]
    return page(head, [*body, _foot()], lang="vi")
