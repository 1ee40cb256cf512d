"""How the pages about error codes look: semantic HTML, both languages side by side, no script, light and dark."""

from http import HTTPStatus
from typing import Final

from contracts.causes.cause import Cause, Words
from contracts.problem_causes import TOPICS, Topic
from contracts.problems import PROBLEMS, Problem
from services.kernel.markup import Markup, element, joined
from services.kernel.page_frame import Look, both, english, top
from services.kernel.problem_details import PROBLEMS_PATH

_LOOK: Final = Look("""
.titles{font-size:1.15rem}
.both{display:grid;gap:0 2.5rem;grid-template-columns:repeat(auto-fit,minmax(min(100%,24rem),1fr))}
.remedy{border-left:.3rem solid var(--link);padding-left:.75rem}
.codes{list-style:none;padding:0}
.codes li{padding:.4rem 0;border-bottom:1px solid var(--line)}
.codes span{display:block}
""")
POLICY: Final = _LOOK.policy

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
    return _page(_HOME.vi, top(), _main(_HOME, *_introduction(), *sections))


def about(problem: Problem, cause: Cause) -> bytes:
    """One code."""
    home = element("a", *both(_HOME), attributes={"href": f"..{PROBLEMS_PATH}"})
    return _page(f"{problem.code} – {problem.title_vi}", top(home), _article(problem, cause))


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
    heading = element("h2", *both(topic.title), attributes={"id": topic.key})
    codes = element("ul", *items, attributes={"class": "codes"})
    return element("section", heading, codes, attributes={"aria-labelledby": topic.key})


def _introduction() -> list[Markup]:
    return [element("p", _INTRODUCTION.vi), element("p", _INTRODUCTION.en, attributes={"lang": "en"})]


def _article(problem: Problem, cause: Cause) -> Markup:
    titles = Words(problem.title_vi, problem.title)
    columns = [_column(lang, problem, cause) for lang in _LANGUAGES]
    links = [
        element("li", element("a", element("code", code), attributes={"href": code}), " – ", *both(_titles(code)))
        for code in cause.see
    ]
    heading = element("h2", "Mã liên quan · ", english("See also"), attributes={"id": "see"})
    return element(
        "main",
        element("h1", element("code", problem.code)),
        element("p", *both(titles), attributes={"class": "titles"}),
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


def _main(title: Words, *parts: str) -> Markup:
    return element("main", element("h1", *both(title)), *parts, attributes={"id": "content"})


def _foot() -> Markup:
    twin = element("a", "JSON", attributes={"href": "?format=json"})
    return element("footer", "Trang này ở dạng · ", english("This page as "), twin)


def _page(title: str, *body: Markup) -> bytes:
    return _LOOK.page(f"{title} · Liên Thông", *body, _foot(), lang="vi")
