"""The page of a program's API, made from its OpenAPI document: for people who write against it, on screen and paper."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from contracts.causes.cause import Words
from services.kernel import api_texts
from services.kernel.api_calls import preparation
from services.kernel.api_operations import PROBLEMS_LINK, SCOPES_ID, Operations, signature
from services.kernel.api_tables import MEANING, NAME, PRESENT, fields_table, meaning, shell, table
from services.kernel.api_texts import Bounds
from services.kernel.markup import Markup, element, joined
from services.kernel.page_frame import Look, beside, top
from services.kernel.prose import chapters, inline, spans
from services.kernel.schema_fields import Schemas

Json = Mapping[str, Any]

OPENAPI_LINK: Final = "openapi.json"
_CSS: Final = """
header{flex-wrap:wrap}
header nav{display:flex;flex-wrap:wrap;gap:0 1rem}
h1,h2,article>h3{scroll-margin-top:1rem}
h2{margin-top:2.5rem;padding-top:.75rem;border-top:1px solid var(--line)}
h4,h5{font-size:1rem;margin:1.25rem 0 .25rem}
h5{color:var(--quiet);font-weight:600}
article{margin:2.5rem 0;border-top:1px solid var(--line)}
article>h3{font-size:1.15rem;color:var(--text);overflow-wrap:anywhere}
.summary{font-size:1.15rem}
code{overflow-wrap:anywhere}
pre{margin:.25rem 0 .75rem;padding:.75rem 1rem;background:var(--soft);border-radius:.5rem;white-space:pre-wrap;
font-size:.875rem;line-height:1.5}
table{width:100%;border-collapse:collapse;margin:.25rem 0 .75rem;font-size:.9375rem}
caption{text-align:left;font-weight:600;padding:.25rem 0}
th,td{text-align:left;vertical-align:top;font-weight:400;padding:.35rem .75rem .35rem 0;
border-bottom:1px solid var(--line)}
thead th{color:var(--quiet);font-weight:600}
th code,td:not(:last-child) code{overflow-wrap:break-word}
td:last-child{width:50%;overflow-wrap:anywhere}
article caption,.text caption{position:absolute;left:-999rem}
small{display:block;font-size:.875rem;color:var(--quiet)}
.path{color:var(--quiet)}
summary{cursor:pointer;padding:.25rem 0;color:var(--link)}
summary:focus-visible{outline:3px solid var(--link);outline-offset:2px}
.problems{list-style:none;padding:0}
.toc ul{list-style:none;padding:0}
.toc li{padding:.15rem 0}
.toc li li{padding-left:1rem}
.toc small{display:inline}
@media screen and (min-width:80rem){
header,main,footer{max-width:92rem}
main{display:grid;grid-template-columns:20rem minmax(0,1fr);column-gap:3rem}
main>*{grid-column:2}
main>.toc{grid-column:1;grid-row:1/span 99;position:sticky;top:0;align-self:start;max-height:100vh;overflow:auto;
font-size:.875rem}
.toc h2{margin-top:1rem;border:0}
}
@media screen and (max-width:45rem){
table,thead,tbody,tr,th,td,caption{display:block}
thead{position:absolute;left:-999rem}
tr{padding:.5rem 0;border-bottom:1px solid var(--line)}
th,td{padding:0;border:0}
td{display:inline}
td:not(:last-child):not(:nth-last-child(2))::after{content:" · "}
td:last-child{display:block;width:auto}
.facts{grid-template-columns:1fr}
}
@media print{
:root{--ground:#fff;--text:#000;--quiet:#333;--line:#999;--link:#000;--soft:#f3f5f8}
html{font-size:9pt}
header nav{display:none}
header,main,footer{max-width:none;padding:0}
.tag{break-before:page}
h2,h3,h4,h5,caption,summary{break-after:avoid}
tr,pre{break-inside:avoid}
details::details-content{content-visibility:visible;display:block;height:auto}
a{text-decoration:none}
}
"""
_LOOK: Final = Look(_CSS)
POLICY: Final = _LOOK.policy
_VERSION: Final = Words("Phiên bản", "Version")
_ADDRESS: Final = Words("Địa chỉ", "Address")
_MACHINE: Final = Words("Bản cho máy", "For machines")
_LICENSE: Final = Words("Giấy phép", "License")
_CODES: Final = Words("Mã lỗi", "Error codes")
_PROBLEM: Final = "Problem"


class _Page:
    def __init__(self, document: Json, bounds: Bounds) -> None:
        self._document = document
        self._bounds = bounds
        self._schemas = Schemas(document)
        self._operations = Operations(document, self._schemas)
        self._contents: list[Markup] = []

    def render(self) -> bytes:
        info = self._document["info"]
        sections = [*self._about(), *self._calling(), *self._tags(), *self._rest()]
        links = [_link(OPENAPI_LINK, OPENAPI_LINK), _link(PROBLEMS_LINK, *beside(_CODES))]
        intro = element("div", element("h1", info["title"]), self._facts(info), attributes={"class": "intro"})
        main = element("main", intro, self._toc(), *sections, attributes={"id": "content"})
        foot = element("footer", f"{info['title']} {info['version']}")
        return _LOOK.page(info["title"], top(*links), main, foot, lang="en")

    def _facts(self, info: Json) -> Markup:
        facts = [(_VERSION, [f"{info['version']} (OpenAPI {self._document['openapi']})"])]
        for server in self._document.get("servers", ()):
            variables = "; ".join(
                f"`{{{name}}}` {each['default']} – {each['description']}"
                for name, each in server.get("variables", {}).items()
            )
            facts.append((_ADDRESS, [element("code", server["url"]), element("small", inline(variables))]))
        facts.append((_MACHINE, [_link(OPENAPI_LINK, OPENAPI_LINK)]))
        facts.append((_CODES, [_link(PROBLEMS_LINK, PROBLEMS_LINK)]))
        if "license" in info:
            facts.append((_LICENSE, [info["license"]["name"]]))
        rows = [part for name, told in facts for part in (element("dt", *beside(name)), element("dd", *told))]
        return element("dl", *rows, attributes={"class": "facts"})

    def _about(self) -> Iterator[Markup]:
        for place, chapter in enumerate(chapters(self._document["info"].get("description", ""))):
            heading = inline(chapter.heading) if chapter.heading else joined(beside(api_texts.ABOUT))
            yield self._section(f"about-{place}", heading, chapter.body)

    def _calling(self) -> Iterator[Markup]:
        lines = shell(preparation(self._document))
        yield self._section("get-token", joined(beside(api_texts.TOKEN)), *_paragraphs(api_texts.TOKEN_HOW), lines)
        told = [
            joined([element("h3", *beside(title)), *_paragraphs(text)])
            for title, text in api_texts.conventions(self._document, self._bounds)
        ]
        yield self._section("conventions", joined(beside(api_texts.CONVENTIONS)), *told)
        flows = self._document.get("components", {}).get("securitySchemes", {}).get("oauth2", {}).get("flows", {})
        scopes: Json = flows.get("clientCredentials", {}).get("scopes", {})
        if scopes:
            rows = [(element("code", scope), meaning(text, ())) for scope, text in scopes.items()]
            shown = table(beside(api_texts.SCOPES), (NAME, MEANING), rows)
            heading = joined(beside(api_texts.SCOPES))
            yield self._section(SCOPES_ID, heading, *_paragraphs(api_texts.SCOPES_HOW), shown)
        heading = joined(beside(api_texts.READING))
        yield self._section("reading-tables", heading, *_paragraphs(api_texts.READING_HOW))

    def _tags(self) -> Iterator[Markup]:
        told = {tag["name"]: tag.get("description", "") for tag in self._document.get("tags", ())}
        for tag in dict.fromkeys([*told, *self._operations.by_tag]):
            operations = self._operations.by_tag.get(tag, [])
            intro = element("p", inline(told.get(tag, "")))
            shown = [self._operations.shown(*each) for each in operations]
            entries = [
                element("li", _link(f"#{each['operationId']}", signature(method, path)), " ", _quiet(each))
                for method, path, each in operations
            ]
            yield self._section(f"tag-{tag}", joined([tag]), intro, *shown, entries=entries, kind="tag")

    def _rest(self) -> Iterator[Markup]:
        """Types that no operation showed: that of problems, and the others."""
        hidden = [name for name in self._schemas.named if name not in self._schemas.shown]
        if _PROBLEM in hidden:
            heading = joined(beside(api_texts.PROBLEM_BODY))
            yield self._section("problem-body", heading, self._type(_PROBLEM), kind="types")
        rest = [self._type(name) for name in hidden if name not in self._schemas.shown]
        if rest:
            yield self._section("other-types", joined(beside(api_texts.OTHER_TYPES)), *rest, kind="types")

    def _type(self, name: str) -> Markup:
        schema = {"$ref": f"#/components/schemas/{name}"}
        fields = self._schemas.fields(schema)
        if not fields:
            told = meaning(self._schemas.description(schema), self._schemas.limits(schema))
            return element("div", inline(self._schemas.type_of(schema)), ": ", told)
        return fields_table([inline(self._schemas.type_of(schema))], fields, PRESENT)

    def _section(
        self, key: str, heading: Markup, *parts: Markup, entries: Iterable[Markup] = (), kind: str = "text"
    ) -> Markup:
        nested = list(entries)
        below = [element("ul", *nested)] if nested else []
        self._contents.append(element("li", _link(f"#{key}", heading), *below))
        attributes = {"aria-labelledby": key, "class": kind}
        return element("section", element("h2", heading, attributes={"id": key}), *parts, attributes=attributes)

    def _toc(self) -> Markup:
        heading = element("h2", *beside(api_texts.CONTENTS), attributes={"id": "contents"})
        listed = element("ul", *self._contents)
        return element("nav", heading, listed, attributes={"class": "toc", "aria-labelledby": "contents"})


def render(document: Json, bounds: Bounds) -> bytes:
    """The page; its links are relative to the folder it is served in."""
    return _Page(document, bounds).render()


def _quiet(operation: Json) -> Markup:
    return element("small", inline(operation.get("summary", "")))


def _link(href: str, *text: str) -> Markup:
    return element("a", *text, attributes={"href": href})


def _paragraphs(words: Words) -> list[Markup]:
    return [element("p", spans(text), attributes={"lang": lang}) for lang, text in (("en", words.en), ("vi", words.vi))]
