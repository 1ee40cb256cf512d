"""The page of an API, made from the documents the programs serve: nothing of them is missing, and it is sound."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contracts.problems import PROBLEMS
from services.kernel import api_html
from services.kernel.api_calls import call, examples, preparation
from services.kernel.api_texts import Bounds
from services.kernel.limits import Limits
from services.kernel.openapi_document import SCOPE_MARK
from services.kernel.problem_details import MEDIA_TYPE
from services.kernel.schema_fields import KEYWORDS
from tests.unit.services.kernel.pages import allows_its_style, contrasts, is_sound, parsed, words

Json = dict[str, Any]

FOLDER = Path(__file__).resolve().parents[4] / "contracts" / "openapi"
DOCUMENTS: dict[str, Json] = {name: json.loads((FOLDER / f"{name}.json").read_text()) for name in ("office", "gateway")}
BOUNDS = Bounds(max_body_bytes=3 * 1024 * 1024, limits=Limits(max_url_bytes=5 * 1024, max_json_depth=37))
TEXTS = {name: api_html.render(document, BOUNDS).decode() for name, document in DOCUMENTS.items()}
OPERATIONS = [
    pytest.param(name, method, path, operation, id=operation["operationId"])
    for name, document in DOCUMENTS.items()
    for path, item in document["paths"].items()
    for method, operation in item.items()
]
every_page = pytest.mark.parametrize("name", DOCUMENTS)
every_operation = pytest.mark.parametrize(("name", "method", "path", "operation"), OPERATIONS)
LETTERS = re.compile("[ăđơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ]", re.IGNORECASE)


@pytest.fixture(scope="module")
def trees() -> dict[str, Any]:
    return {name: parsed(text) for name, text in TEXTS.items()}


def resolved(document: Json, node: Json) -> Json:
    while "$ref" in node:
        *_, kind, key = node["$ref"].split("/")
        node = document["components"][kind][key]
    return node


def members(document: Json, schema: Json, path: str = "") -> Iterator[str]:
    schema = resolved(document, schema)
    for each in schema.get("anyOf", ()):
        yield from members(document, each, path)
    if "items" in schema:
        yield from members(document, schema["items"], f"{path}[]" if path else "[]")
    for name, told in schema.get("properties", {}).items():
        whole = f"{path}.{name}" if path else name
        yield whole
        yield from members(document, told, whole)


def rows(article: Any) -> set[str]:
    return set(words(article, ".//tbody/tr/th"))


@every_page
def test_a_page_is_sound_and_small(trees: dict[str, Any], name: str) -> None:
    tree = trees[name]
    is_sound(tree)
    assert tree.get("lang") == "en"
    assert words(tree, "//h1") == [DOCUMENTS[name]["info"]["title"]]
    assert len(TEXTS[name].encode()) < 600_000
    assert allows_its_style(TEXTS[name], api_html.POLICY)
    assert "http" not in "".join(tree.xpath("//@src | //a/@href")), "nothing is fetched from elsewhere"


@every_page
def test_text_stands_out_on_screen_and_paper(name: str) -> None:
    found = contrasts(TEXTS[name])
    assert {scheme for scheme, _, _ in found} == {0, 1, 2}
    assert min(found.values()) >= 7, found


@every_page
def test_tables_have_headers_and_keep_their_roles(trees: dict[str, Any], name: str) -> None:
    tables = trees[name].xpath("//table")
    assert tables
    for table in tables:
        assert table.get("role") == "table"
        assert words(table, "./caption")[0]
        assert set(table.xpath("./thead/tr/th/@scope")) == {"col"}
        width = len(table.xpath("./thead/tr/th"))
        for row in table.xpath("./tbody/tr"):
            assert [cell.get("role") for cell in row] == ["rowheader", *["cell"] * (width - 1)]


@every_page
def test_the_contents_lead_to_every_operation_and_section(trees: dict[str, Any], name: str) -> None:
    tree = trees[name]
    listed = {link[1:] for link in tree.xpath("//nav[@class='toc']//a/@href")}
    assert listed == set(tree.xpath("//article/@id")) | set(tree.xpath("//section/h2/@id"))
    assert {each.values[3]["operationId"] for each in OPERATIONS if each.values[0] == name} <= listed


@every_page
def test_links_out_of_the_page_lead_to_what_every_program_serves(trees: dict[str, Any], name: str) -> None:
    links = {link for link in trees[name].xpath("//a/@href") if not link.startswith("#")}
    assert {"openapi.json", "problems"} <= links <= {"openapi.json", "problems", *(f"problems/{c}" for c in PROBLEMS)}


@every_page
def test_each_language_is_marked(trees: dict[str, Any], name: str) -> None:
    languages = set()
    for text in trees[name].xpath("//body//text()[not(ancestor::pre) and not(ancestor::code)]"):
        spoken = re.findall(r"[^\W\d_]+", text)
        foreign = [word for word in spoken if LETTERS.search(word)]
        holder = text.getparent().getparent() if text.is_tail else text.getparent()
        nearest = holder.xpath("ancestor-or-self::*[@lang][1]/@lang")[0]
        if len(spoken) > 2 and len(foreign) > len(spoken) / 2:
            assert nearest == "vi", text
        elif len(spoken) > 3 and not foreign and re.search(r"\b(the|is|of|and|to)\b", text):
            assert nearest == "en", text
        languages.add(nearest)
    assert languages == {"vi", "en"}


@every_page
def test_every_keyword_of_the_schemas_is_understood(name: str) -> None:
    def keywords(schema: Json) -> Iterator[str]:
        yield from schema
        for each in (*schema.get("anyOf", ()), *schema.get("properties", {}).values()):
            yield from keywords(each)
        for inner in (schema.get("items"), schema.get("additionalProperties")):
            if isinstance(inner, dict):
                yield from keywords(inner)

    document = DOCUMENTS[name]
    used = {word for schema in document["components"]["schemas"].values() for word in keywords(schema)}
    used |= {
        word for each in OPERATIONS for p in each.values[3].get("parameters", ()) for word in keywords(p["schema"])
    }
    assert used <= KEYWORDS


@every_page
def test_every_member_of_every_schema_is_told(trees: dict[str, Any], name: str) -> None:
    shown = {row.rpartition(".")[2] for row in rows(trees[name])}
    for key, schema in DOCUMENTS[name]["components"]["schemas"].items():
        assert set(schema.get("properties", ())) <= shown, key
        assert key in TEXTS[name]


@every_operation
def test_an_operation_says_what_it_does(
    trees: dict[str, Any], name: str, method: str, path: str, operation: Json
) -> None:
    article = trees[name].xpath(f"//article[@id='{operation['operationId']}']")[0]
    assert words(article, "./h3") == [f"{method.upper()} {path}"]
    assert words(article, "./p[@class='summary']") == [operation["summary"].replace("`", "")]
    plain = re.sub(r"[`*]", "", operation["description"].partition(SCOPE_MARK)[0])
    shown = " ".join(words(article, "./p"))
    for paragraph in plain.strip().split("\n\n"):
        assert " ".join(paragraph.split()) in shown
    assert SCOPE_MARK not in article.text_content()
    scopes = [scope for each in operation["security"] for scope in each.get("oauth2", ())]
    assert words(article, ".//a[@href='#scopes']") == scopes


@every_operation
def test_an_operation_lists_parameters_and_members(
    trees: dict[str, Any], name: str, method: str, path: str, operation: Json
) -> None:
    document = DOCUMENTS[name]
    article = trees[name].xpath(f"//article[@id='{operation['operationId']}']")[0]
    told = {each["name"] for each in operation.get("parameters", ())}
    contents = list(operation.get("requestBody", {}).get("content", {}).values())
    for status, response in operation["responses"].items():
        if status.startswith("2"):
            contents += response.get("content", {}).values()
    told |= {member for content in contents for member in members(document, content.get("schema", {}))}
    assert rows(article) == told


@every_operation
def test_an_operation_shows_every_example_answer_and_header(
    trees: dict[str, Any], name: str, method: str, path: str, operation: Json
) -> None:
    article = trees[name].xpath(f"//article[@id='{operation['operationId']}']")[0]
    blocks = [node.text_content() for node in article.xpath(".//details//pre")]
    contents = list(operation.get("requestBody", {}).get("content", {}).values())
    headings, items = " ".join(words(article, "./h4")), " ".join(words(article, ".//li"))
    for status, response in operation["responses"].items():
        if status.startswith(("2", "3")):
            response = resolved(DOCUMENTS[name], response)
            contents += response.get("content", {}).values()
            assert f" {status} " in headings
            assert all(header in items for header in response.get("headers", ()))
            for link in response.get("links", {}).values():
                assert article.xpath(f".//li/a[@href='#{link['operationId']}']")
    for value in (value for content in contents for value in examples(content).values()):
        shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
        assert shown.replace("\r\n", "\n") in [block.replace("\r\n", "\n") for block in blocks]


@every_operation
def test_an_operation_lists_its_problems(
    trees: dict[str, Any], name: str, method: str, path: str, operation: Json
) -> None:
    article = trees[name].xpath(f"//article[@id='{operation['operationId']}']")[0]
    listed = {words(item, "./strong")[0]: words(item, "./a") for item in article.xpath("./ul[@class='problems']/li")}
    stated = {
        status: list(resolved(DOCUMENTS[name], response).get("content", {}).get(MEDIA_TYPE, {}).get("examples", {}))
        for status, response in operation["responses"].items()
        if not status.startswith(("2", "3"))
    }
    assert listed == stated
    links = article.xpath("./ul[@class='problems']//a/@href")
    assert links == [f"problems/{code}" for codes in stated.values() for code in codes]


@every_operation
def test_the_curl_line_sends_the_first_example(
    trees: dict[str, Any], name: str, method: str, path: str, operation: Json
) -> None:
    line = call(method, path, operation)
    assert trees[name].xpath(f"//article[@id='{operation['operationId']}']/pre")[0].text_content() == line
    command = shlex.split(line.replace("\\\n", " "))
    assert command[:2] == ["curl", "-sS"]
    address = next(word for word in command if word.startswith("$BASE/"))
    assert "{" not in address
    content = next(iter(operation.get("requestBody", {}).get("content", {}).items()), None)
    if content is None:
        assert "-d" not in command
        assert ("-X" in command) == (method != "get")
        return
    value = next(iter(examples(content[1]).values()))
    if content[0] == "application/json":
        assert json.loads(command[command.index("-d") + 1]) == value
    elif isinstance(value, str):
        sent = command[command.index("--data-binary") + 1]
        assert sent == value or (sent == "@body.csv" and "\r" in value)
    assert ("Authorization: Bearer $TOKEN" in command) == any("bearer" in each for each in operation["security"])


@every_page
def test_the_token_is_asked_for_at_the_gateway(name: str) -> None:
    lines = preparation(DOCUMENTS[name])
    port = {"office": 8030, "gateway": 8000}[name]
    assert lines.startswith(f"BASE=http://127.0.0.1:{port}\n")
    assert "-d grant_type=client_credentials http://127.0.0.1:8000/oauth/token" in lines


@every_page
def test_limits_are_those_of_the_process(trees: dict[str, Any], name: str) -> None:
    told = " ".join(words(trees[name], "//section[@aria-labelledby='conventions']//p"))
    for bound in ("3 MiB", "5 KiB", "37 levels deep", "37 tầng", "200 ASCII characters", "7 days"):
        assert bound in told, bound


def test_conventions_are_told_where_they_hold(trees: dict[str, Any]) -> None:
    headings = {name: words(tree, "//section[@aria-labelledby='conventions']/h3") for name, tree in trees.items()}
    assert any(heading.startswith("Organ ") for heading in headings["office"])
    assert not any(heading.startswith("Organ ") for heading in headings["gateway"])


PLANTED = '<script>alert("x")</script>&'


def planted() -> Json:
    """A document with the same nuisance wherever text may stand."""
    schema = {
        "type": "object",
        "description": PLANTED,
        "properties": {PLANTED: {"type": "string", "description": PLANTED, "pattern": PLANTED, "enum": [PLANTED]}},
    }
    content = {PLANTED: {"schema": schema, "examples": {PLANTED: {"value": {PLANTED: PLANTED}}}}}
    answer = {
        "description": PLANTED,
        "content": content,
        "headers": {PLANTED: {"description": PLANTED, "example": PLANTED}},
        "links": {PLANTED: {"operationId": PLANTED, "parameters": {PLANTED: PLANTED}, "description": PLANTED}},
    }
    operation = {
        "operationId": "op",
        "tags": [PLANTED],
        "summary": PLANTED,
        "description": f"{PLANTED}\n\n- {PLANTED}\n\n`{PLANTED}` **{PLANTED}**",
        "security": [{"oauth2": [PLANTED]}],
        "parameters": [{"name": PLANTED, "in": PLANTED, "description": PLANTED, "schema": {"examples": [PLANTED]}}],
        "requestBody": {"content": content},
        "responses": {"200": answer, "400": {"description": PLANTED, "content": {}}},
    }
    return {
        "openapi": PLANTED,
        "info": {"title": PLANTED, "version": PLANTED, "description": f"{PLANTED}\n\n## {PLANTED}\n\n{PLANTED}"},
        "servers": [{"url": PLANTED}],
        "tags": [{"name": PLANTED, "description": PLANTED}],
        "paths": {f"/{PLANTED}": {"post": operation}},
        "components": {"schemas": {"Planted": schema}},
    }


@every_page
def test_nothing_is_left_unsaid_or_as_it_was_written(trees: dict[str, Any], name: str) -> None:
    told = " ".join(trees[name].xpath("//main//text()[not(ancestor::pre)]"))
    for sign in ("Successful Response", "`", "**", "$ref", "anything"):
        assert sign not in told, sign


def test_no_text_becomes_markup() -> None:
    text = api_html.render(planted(), BOUNDS).decode()
    tree = parsed(text)
    assert "<script" not in text
    assert tree.xpath("//script") == []
    assert text.count("&lt;script&gt;") > 30
