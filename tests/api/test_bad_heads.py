"""Addresses, queries and headers of the wrong kind, for every operation."""

from __future__ import annotations

import re
from collections.abc import Iterable
from random import Random
from urllib.parse import quote

import pytest

from services.kernel.limits import Limits
from tests.api.asking import Asked
from tests.api.conftest import Lines
from tests.api.document import Operation, Parameter, document, label, operations
from tests.api.generating import Generator
from tests.api.houses import Desk
from tests.api.judging import MARKER, complaint, problem_complaint

LIMITS = Limits()
ALL = operations()
WITH_PATH = [(name, each) for name, each in ALL if each.of("path")]
WITH_QUERY = [(name, each) for name, each in ALL if each.of("query")]
Case = tuple[str, Asked, set[int]]

IN_PATHS = (
    "%00", "a%00", "%FF", "%C3", "%C0%AF", "%ED%A0%80", "%2F", "%2f..%2f", "..", "%2e%2e", "%2E",
    "..%2f..%2fetc%2fpasswd",
    "%5c", "%252F", "%0d%0a", "%0A", "%09", "%7F", "%1b", "%E2%80%AE", "%EF%BB%BF", "%F0%9F%98%80", "%", "%G1", "%2",
    "%u0041",
    ";a=b", "a;b", "*", "'", "%22", "%3Cscript%3E", "a" * 65, "a" * 1000, MARKER + "-9", "-1", "0", "1e400", "9" * 400,
    "null", "None", "[]",
    "{}", "$", "~", "@", "a%20b", "%20", "+", "a:b", "::", ":suspend", "Đ".encode().hex("%").join(("%", "")), "e%CC%82",
)  # fmt: skip
"""In the place of a code, an id or a digest: nothing of the kind exists."""
IN_QUERIES = (
    "", "%00", "a%00b", "%FF", "%C0%AF", "%ED%A0%80", "%0d%0aX-Injected:%201", "%2e%2e%2f", "%", "%G1", MARKER, "-1",
    "0", "1.5",
    "1e400", "NaN", "inf", "-inf", "9223372036854775807", "9223372036854775808", "18446744073709551616", "9" * 1000,
    "true", "null",
    "[]", "{}", "a" * 1000, "%F0%9F%98%80", "%E2%80%AE", "e%CC%82", "%EA%9F%BF", "2024-06-03", "2024-06-03T00:00:00Z",
    "2024-06-03T00:00:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59", "1000-01-01T00:00:00%2B23:59",
    "2024-02-30",
    "12:00", "1717376400", "%27%3B--", "1,2", ",", ",,,", "%C4%90", "\u00a0".encode().hex("%").join(("%", "")),
)  # fmt: skip
CURSORS = (
    "", "a", "!!!!", "====", "MTI", "MTI=", "LTE", "MToi", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTph", "Ojo", "MTIzOg",
    "MTIzOgA",
    "bmFuOmE", "MTIzNDU2Nzg5MDEyMzQ1Njp4", "9" * 19, "-1", "0", "1e5", "\u0661".encode().hex("%").join(("%", "")),
    "A" * 200, "A" * 201,
)  # fmt: skip
HEADERS: dict[str, tuple[str | bytes, ...]] = {
    "range": (
        "bytes=", "bytes=-", "bytes=a-b", "bytes=5-1", "bytes=0-0,2-3", "bytes=-0", "bytes=99999999-", "items=0-1",
        "bytes 0-1",
        "bytes=" + "0-0," * 1000, "bytes=" + "9" * 400 + "-", "bytes=-" + "9" * 400, "bytes=0-" + "9" * 400,
        b"bytes=\xff-\xfe",
        "bytes=\u0661-".encode(), "bytes=+1-2", "bytes=1_0-2_0", MARKER, "",
    ),
    "if-range": ("", '"', "W/", "Mon, 01 Jan 2024 00:00:00 GMT", b"\xff", MARKER, '"' + "a" * 1000 + '"'),
    "if-match": (
        "", "*", "1", '"1"', 'W/"1"', '"', '""', '"1', '"a"', '"1","2"', '"1" "2"', ",", '"-1"',
        '"99999999999999999999999"', '"1e400"',
        '"' + "9" * 5000 + '"', b'"\xff"', '"\u0661"'.encode(), MARKER, '"' + MARKER + '"', '"1",' * 500, "*,*",
    ),
    "if-none-match": ("", "*", '"', '""', '"a"', 'W/"a"', ",", b"\xff", '"' + "9" * 5000 + '"', '"1",' * 500, MARKER),
    "idempotency-key": (
        "", " ", "a" * 201, "a" * 5000, "khóa".encode(), b"\xff\xfe", "a\tb", b"a\x00b", b"a\x7f", "\u200b".encode(),
        MARKER + "\x01",
    ),
    "x-organ": (
        " ", ",", "*", MARKER, "a" * 65, "a" * 5000, "000.01.21.H28,000.02.21.H28", "../x", "%30%30%30", b"\xff",
        "Đ".encode(),
        "0" * 400, "'; --", b"a\x00b", "000.01.21.H28\t",
    ),
    "accept": ("", "*/*", "application/xml", "text/html", ";", "a" * 5000, b"\xff", "application/json;q=nan",
    "*/*;q=1e400", "," * 1000),
    "accept-encoding": ("", "gzip;q=0", "gzip;q=nan", "br", "*", "identity;q=0, *;q=0", b"\xff", "," * 1000,
    "gzip;q=" + "9" * 1000),
    "accept-language": ("", "vi", "*;q=x", b"\xff", "a" * 5000),
    "traceparent": ("", "00", "00-" + "0" * 32 + "-" + "0" * 16 + "-00", "zz-" + MARKER, b"\xff", "0" * 5000),
    "authorization": (
        "Bearer", "Bearer  ", "bearer x y z", "Bearer " + "." * 1000, "Bearer \x00", b"Bearer \xff", "Basic",
        "Basic !!!", "Basic OjpAOjo=",
        "Basic " + "/" * 3000, MARKER, "Bearer " + MARKER, "Bearer null", "Bearer e30.e30.", "Digest username=x",
        "Bearer eyJhbGciOiJub25lIn0.e30.", "Bearer " + "eyJ" * 1000,
    ),
    "content-length": ("x", "-1", "+5", "0x10", "1e3", "99999999999999999999999999", "", "\u0665".encode(), "5, 6"),
    "transfer-encoding": ("gzip", "identity", "chunked, chunked", MARKER, ""),
    "expect": ("100-continue", MARKER),
    "host": ("", "a" * 1000, "evil.example", "[::1", b"\xff", "a b"),
    "x-forwarded-for": ("' OR 1=1", b"\xff", "a" * 5000),
    "x-http-method-override": ("DELETE",),
    "cookie": ("a=b; " * 500, b"\xff"),
    "content-encoding": ("", "identity"),
}  # fmt: skip
REFUSED_KEYS = frozenset(HEADERS["idempotency-key"]) - {" "}  # blanks around a value are the server's to take off


async def _judge(desk: Desk, operation: Operation, cases: Iterable[Case], lines: Lines) -> None:
    """`statuses`: those that may come; empty: any that is no failure."""
    told = document(desk.house.name)
    wrong = []
    for name, asked, statuses in cases:
        answer = await desk.ask(asked)
        # an address that leads elsewhere is not the operation's any more
        found = complaint(told, operation, answer) if answer.status != 405 else problem_complaint(answer)
        if statuses and answer.status not in statuses:
            found = f"{answer.status} {answer.code} instead of {sorted(statuses)} {found}"
        if found:
            wrong.append(f"{name}: {found}")
    assert not wrong, "\n".join(wrong)
    assert not lines.errors()
    assert MARKER.encode() not in lines.raw.lower()


@pytest.mark.parametrize(("name", "operation"), WITH_PATH, ids=label)
async def test_traps_in_paths(desks: dict[str, Desk], name: str, operation: Operation, lines: Lines) -> None:
    desk = desks[name]
    asked = desk.asked(operation)
    cases = []
    for parameter in operation.of("path"):
        held = quote(desk.thing(operation, parameter.name).there, safe="")
        for trap in IN_PATHS:
            target = asked.target.replace(held, trap, 1)
            creates = operation.method == "PUT"  # an organ of any fitting code can be put
            cases.append(
                (f"{parameter.name}={trap:.80}", asked.with_target(target), set() if creates else {400, 404, 405, 422})
            )
    await _judge(desk, operation, cases, lines)


@pytest.mark.parametrize(("name", "operation"), WITH_QUERY, ids=label)
async def test_traps_in_queries(desks: dict[str, Desk], name: str, operation: Operation, lines: Lines) -> None:
    desk = desks[name]
    asked = desk.asked(operation)
    path = asked.target.partition("?")[0]
    cases: list[Case] = []
    for parameter in operation.of("query"):
        values = [*IN_QUERIES, *(CURSORS if parameter.name == "cursor" else ())]
        if parameter.name == "wait":  # what is a number would be waited for
            values = [value for value in values if not re.fullmatch(r"[0-9.]*[1-9][0-9.]*|1e400|inf", value)]
        for value in values:
            statuses = {400} if value in ("%00", "a%00b", "%FF", "%C0%AF", "%ED%A0%80", "%", "%G1") else set()
            cases.append(
                (f"{parameter.name}={value:.80}", asked.with_target(f"{path}?{parameter.name}={value}"), statuses)
            )
        cases.append(
            (f"{parameter.name} twice", asked.with_target(f"{path}?{parameter.name}=1&{parameter.name}=2"), set())
        )
        cases.append(
            (f"{parameter.name}[]", asked.with_target(f"{path}?{parameter.name}[]=1&{parameter.name}[a]=2"), set())
        )
    await _judge(desk, operation, cases, lines)


def _forged(parameter: Parameter) -> bool:
    return parameter.name == "cursor"


@pytest.mark.parametrize(
    ("name", "operation"), [(n, o) for n, o in WITH_QUERY if any(map(_forged, o.of("query")))], ids=label
)
async def test_forged_cursors_are_told_so(
    desks: dict[str, Desk], name: str, operation: Operation, lines: Lines
) -> None:
    desk = desks[name]
    asked = desk.asked(operation)
    cases = [
        (f"cursor={value:.60}", asked.with_target(f"{asked.target}?cursor={quote(value)}"), {400, 422})
        for value in ("!!!!", "bmFuOmE", MARKER, "A" * 201, "..", "1e5", "-1", "LTE")
    ]
    await _judge(desk, operation, cases, lines)


@pytest.mark.parametrize(("name", "operation"), ALL, ids=label)
async def test_headers_of_the_wrong_kind(desks: dict[str, Desk], name: str, operation: Operation, lines: Lines) -> None:
    desk = desks[name]
    asked = desk.asked(operation)
    cases: list[Case] = []
    for header, values in HEADERS.items():
        for value in values:
            statuses: set[int] = set()
            if header == "authorization" and operation.kind != "open":
                statuses = {401}
            if (
                header == "idempotency-key"
                and value in REFUSED_KEYS
                and any(each.name == "Idempotency-Key" for each in operation.parameters)
            ):
                statuses = {400, 422}
            cases.append(
                (f"{header}: {value!r:.80}", asked.with_headers(**{header.replace("-", "_"): value}), statuses)
            )
    await _judge(desk, operation, cases, lines)


@pytest.mark.parametrize(("name", "operation"), ALL, ids=label)
async def test_too_much_of_everything(desks: dict[str, Desk], name: str, operation: Operation, lines: Lines) -> None:
    """The limit is told in the detail."""
    desk = desks[name]
    asked = desk.asked(operation)
    path = asked.target.partition("?")[0]
    cases = {
        "a long address": (asked.with_target(path + "?" + "a" * LIMITS.max_url_bytes), 414, LIMITS.max_url_bytes),
        "a long path": (asked.with_target(path + "/" + "a" * LIMITS.max_url_bytes), 414, LIMITS.max_url_bytes),
        "100 000 parameters": (asked.with_target(f"{path}?" + "&a" * 100_000), 414, LIMITS.max_url_bytes),
        "many parameters": (
            asked.with_target(f"{path}?" + "a&" * LIMITS.max_query_parameters), 400, LIMITS.max_query_parameters,
        ),
        "many headers": (asked.with_headers(**{f"x_{n}": "1" for n in range(101)}), 431, LIMITS.max_headers),
        "large headers": (asked.with_headers(x_large="a" * LIMITS.max_header_bytes), 431, LIMITS.max_header_bytes),
    }  # fmt: skip
    wrong = []
    for case, (spoilt, status, limit) in cases.items():
        answer = await desk.ask(spoilt)
        found = problem_complaint(answer)
        if found or answer.status != status or str(limit) not in answer.json()["detail"]:
            wrong.append(f"{case}: {answer.status} {answer.body[:200]!r} {found}")
    assert not wrong, "\n".join(wrong)
    assert not lines.errors()


@pytest.mark.parametrize(("name", "operation"), ALL, ids=label)
async def test_header_injection(desks: dict[str, Desk], name: str, operation: Operation, lines: Lines) -> None:
    """A server would not let these through; an app behind another one must not hand them on either."""
    desk = desks[name]
    asked = desk.asked(operation)
    injected = "a\r\nx-injected: 1\r\n\r\n<html>"
    cases: list[Case] = [
        (header, asked.with_headers(**{header: injected}), set())
        for header in (
            "x_organ",
            "idempotency_key",
            "if_match",
            "if_none_match",
            "traceparent",
            "range",
            "accept",
            "host",
        )
    ]
    told = document(name)
    for case, spoilt, _ in cases:
        answer = await desk.ask(spoilt)
        assert not complaint(told, operation, answer), (case, answer.body[:300])
        for header, value in answer.headers.items():
            assert not {"\r", "\n"} & set(value), case
            assert header != "x-injected", case
    assert b"x-injected" not in lines.raw


@pytest.mark.parametrize(("name", "operation"), ALL, ids=label)
async def test_other_methods_are_named(desks: dict[str, Desk], name: str, operation: Operation, lines: Lines) -> None:
    desk = desks[name]
    asked = desk.asked(operation)
    offered = {each.method for _, each in operations(name) if each.path == operation.path}
    for method in (
        "GET",
        "POST",
        "PUT",
        "PATCH",
        "DELETE",
        "TRACE",
        "CONNECT",
        "PROPFIND",
        "get",
        "G\u0045T-x",
        MARKER.upper(),
    ):
        if method in offered | _offered(name, asked.target):
            continue
        answer = await desk.ask(Asked(method, asked.target, asked.headers, b""))
        assert answer.status == 405, (method, answer.status, answer.body)
        assert not problem_complaint(answer)
        assert offered <= set(answer.headers["allow"].split(", "))
    options = await desk.ask(Asked("OPTIONS", asked.target))
    assert options.status == 204
    assert offered <= set(options.headers["allow"].split(", "))
    assert not lines.errors()


def _offered(name: str, target: str) -> set[str]:
    """Methods of all operations whose address fits, also those of another one."""
    path = target.partition("?")[0]
    return {each.method for _, each in operations(name) if re.fullmatch(re.sub(r"\{[^}]*\}", "[^/]+", each.path), path)}


@pytest.mark.parametrize(("name", "operation"), [(n, o) for n, o in ALL if o.method == "GET"], ids=label)
async def test_head_is_get_without_the_body(desks: dict[str, Desk], name: str, operation: Operation) -> None:
    desk = desks[name]
    asked = desk.asked(operation)
    got = await desk.ask(asked)
    head = await desk.ask(Asked("HEAD", asked.target, asked.headers))
    assert (head.status, head.body) == (got.status, b"")
    assert head.headers["content-type"] == got.headers["content-type"]
    etag = got.headers.get("etag")
    if etag and any(each.name == "If-None-Match" for each in operation.parameters):
        again = await desk.ask(asked.with_headers(if_none_match=etag))
        assert (again.status, again.body) == (304, b"")


def test_the_generator_is_the_same_for_the_same_seed() -> None:
    told = document("office")
    (operation,) = [each for each in told.operations if each.id == "submitDossier"]
    schema = operation.bodies["application/json"]["schema"]
    first, second = (Generator(told, Random(3), {}).fitting(schema) for _ in range(2))
    assert first == second
