"""Bodies of the wrong kind, for every operation that takes one."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import orjson
import pytest
from jsonschema_rs import Draft202012Validator

from services.kernel.settings import Settings
from tests.api.asking import Asked
from tests.api.conftest import Lines
from tests.api.document import JSON, Json, Operation, document, label, operations
from tests.api.generating import Generator, replaced
from tests.api.houses import Desk
from tests.api.judging import MARKER, complaint

LIMIT = Settings(program="tests").max_body_bytes
DEEPEST = Settings(program="tests").max_json_depth
TAKING_JSON = [(name, each) for name, each in operations() if JSON in each.bodies]
TAKING = [(name, each) for name, each in operations() if each.bodies]
Spoil = Callable[[bytes], bytes]


def _inside(text: bytes) -> Spoil:
    """The text as one more member of the body's object."""
    return lambda body: b'{"khong_co": ' + text + b", " + body[1:]


MALFORMED: dict[str, Spoil] = {
    "truncated": lambda body: body[:-1],
    "cut in a string": lambda body: body[: body.rindex(b'"')],
    "one byte": lambda body: b"{",
    "not JSON": lambda body: MARKER.encode(),
    "blanks": lambda body: b"  \r\n ",
    "two values": lambda body: body + body,
    "something behind": lambda body: body + MARKER.encode(),
    "byte order mark": lambda body: b"\xef\xbb\xbf" + body,
    "UTF-16": lambda body: body.decode().encode("utf-16"),
    "UTF-32": lambda body: body.decode().encode("utf-32"),
    "Latin-1": lambda body: body[:-1] + b', "x": "\xe9\xe8"}',
    "overlong UTF-8": _inside(b'"\xc0\xaf"'),
    "surrogates as UTF-8": _inside(b'"\xed\xa0\x80"'),
    "a lone high surrogate": _inside(b'"\\ud800"'),
    "a lone low surrogate": _inside(b'"\\udc00x"'),
    "surrogates in the wrong order": _inside(b'"\\udc00\\ud800"'),
    "a lone surrogate as a name": lambda body: b'{"\\ud83d": 1, ' + body[1:],
    "NaN": _inside(b"NaN"),
    "Infinity": _inside(b"-Infinity"),
    "1e400": _inside(b"1e400"),
    "hexadecimal": _inside(b"0x10"),
    "a leading zero": _inside(b"01"),
    "a plus": _inside(b"+1"),
    "single quotes": _inside(b"'a'"),
    "a comment": lambda body: b"/* */" + body,
    "a trailing comma": lambda body: body[:-1] + b",}",
    "a bare control character": _inside(b'"\x01"'),
    "a bare NUL": _inside(b'"\x00"'),
    "a wrong escape": _inside(b'"\\x41"'),
    "1000 arrays deep": _inside(b"[" * 1000 + b"]" * 1000),
    "1000 objects deep": _inside(b'{"a":' * 1000 + b"1" + b"}" * 1000),
    "100 000 deep and open": lambda body: b"[" * 100_000,
    "one deeper than allowed": _inside(b"[" * DEEPEST + b"]" * DEEPEST),
}
"""Not JSON as RFC 8259 and the limits have it: 400 request.malformed."""
UNFIT: dict[str, Spoil] = {
    "null": lambda body: b"null",
    "true": lambda body: b"true",
    "a number": lambda body: b"12",
    "a string": lambda body: orjson.dumps(MARKER),
    "an array": lambda body: b"[]",
    "the body in an array": lambda body: b"[" + body + b"]",
    "an unknown field": lambda body: b'{"khong_co": "' + MARKER.encode() + b'", ' + body[1:],
    "an unknown field with an empty name": lambda body: b'{"": 1, ' + body[1:],
    "a field with NUL in its name": lambda body: b'{"a\\u0000": 1, ' + body[1:],
    "5000 digits": _inside(b"9" * 5000),
    "2^63": _inside(b"9223372036854775808"),
    "2^64": _inside(b"18446744073709551616"),
    "10 000 unknown fields": lambda body: b"{" + b"".join(b'"x%d": 0,' % n for n in range(10_000)) + body[1:],
}
"""JSON that no operation takes: 422, or 400 where the number is beyond what is read."""
ENCODINGS: dict[str, tuple[str, Spoil, set[int]]] = {
    "no gzip": ("gzip", lambda body: body, {400}),
    "gzip cut off": ("gzip", lambda body: gzip.compress(body)[:-5], {400}),
    "gzip with a wrong checksum": ("gzip", lambda body: gzip.compress(body)[:-8] + b"\0" * 8, {400}),
    "gzip with something behind": ("gzip", lambda body: gzip.compress(body) + b"x", {400}),
    "two gzip members": ("gzip", lambda body: gzip.compress(body[:5]) + gzip.compress(body[5:]), {400}),
    "deflate": ("deflate", zlib.compress, {415}),
    "brotli": ("br", lambda body: body, {415}),
    "twice": ("gzip, gzip", lambda body: gzip.compress(gzip.compress(body)), {415}),
    "unknown": (MARKER, lambda body: body, {415}),
    "bomb": ("gzip", lambda body: gzip.compress(b" " * (64 * 1024 * 1024)), {413}),
    "bomb of zeros in a string": ("gzip", lambda body: gzip.compress(b'{"a":"' + b"a" * (LIMIT * 4)), {413}),
    "empty": ("gzip", lambda body: b"", {400, 422}),
}
CONTENT_TYPES = {
    "missing": None,
    "text": "text/plain",
    "form": "application/x-www-form-urlencoded",
    "multipart": "multipart/form-data; boundary=x",
    "another charset": "application/json; charset=utf-16",
    "Latin-1": "application/json; charset=iso-8859-1",
    "nonsense": MARKER,
    "empty": "",
    "several": "application/json, text/plain",
    "not ASCII": "application/jsôn".encode(),
}
GOOD_CONTENT_TYPES = ("application/json; charset=utf-8", "Application/JSON", 'application/json;charset="UTF-8"')


async def _judge(desk: Desk, operation: Operation, cases: Iterator[tuple[str, Asked, set[int]]], lines: Lines) -> None:
    told = document(desk.house.name)
    wrong = []
    for name, asked, statuses in cases:
        answer = await desk.ask(asked)
        found = complaint(told, operation, answer)
        if not found and statuses and answer.status not in statuses:
            found = f"{answer.status} {answer.code} instead of {sorted(statuses)}"
        if found:
            wrong.append(f"{name}: {found}")
    assert not wrong, "\n".join(wrong)
    assert not lines.errors()
    assert MARKER.encode() not in lines.raw.lower()


@pytest.mark.parametrize(("name", "operation"), TAKING_JSON, ids=label)
async def test_bodies_that_are_not_json(desks: dict[str, Desk], name: str, operation: Operation, lines: Lines) -> None:
    asked = desks[name].asked(operation)
    body = bytes(asked.body)
    cases = ((case, asked.with_body(spoil(body)), {400}) for case, spoil in MALFORMED.items())
    await _judge(desks[name], operation, cases, lines)


@pytest.mark.parametrize(("name", "operation"), TAKING_JSON, ids=label)
async def test_json_of_the_wrong_kind(desks: dict[str, Desk], name: str, operation: Operation, lines: Lines) -> None:
    asked = desks[name].asked(operation)
    body = bytes(asked.body)
    cases = ((case, asked.with_body(spoil(body)), {400, 422}) for case, spoil in UNFIT.items())
    await _judge(desks[name], operation, cases, lines)


@pytest.mark.parametrize(("name", "operation"), TAKING_JSON, ids=label)
async def test_encodings(desks: dict[str, Desk], name: str, operation: Operation, lines: Lines) -> None:
    asked = desks[name].asked(operation)
    body = bytes(asked.body)
    cases = (
        (case, asked.with_headers(content_encoding=coding).with_body(spoil(body)), statuses)
        for case, (coding, spoil, statuses) in ENCODINGS.items()
    )
    await _judge(desks[name], operation, cases, lines)


@pytest.mark.parametrize(("name", "operation"), TAKING_JSON, ids=label)
async def test_content_types(desks: dict[str, Desk], name: str, operation: Operation, lines: Lines) -> None:
    asked = desks[name].asked(operation)
    cases = ((case, asked.with_headers(content_type=given), {415}) for case, given in CONTENT_TYPES.items())
    await _judge(desks[name], operation, cases, lines)
    told = document(name)
    for given in GOOD_CONTENT_TYPES:
        answer = await desks[name].ask(desks[name].asked(operation).with_headers(content_type=given))
        assert answer.status not in (400, 415), (given, answer.body)
        assert not complaint(told, operation, answer)


@pytest.mark.parametrize(("name", "operation"), TAKING, ids=label)
async def test_bodies_beyond_the_limit(desks: dict[str, Desk], name: str, operation: Operation, lines: Lines) -> None:
    """A string of 10 MB, with its length told before and without; attachments may be as large."""
    asked = desks[name].asked(operation)
    large = b'{"khong_co": "' + b"a" * (10 * 1024 * 1024) + b'"}'
    pieces = [large[at : at + 65536] for at in range(0, len(large), 65536)]
    told = document(name)
    for case in (asked.with_body(large), asked.with_body(pieces).with_headers(transfer_encoding="chunked")):
        answer = await desks[name].ask(case)
        found = complaint(told, operation, answer, refused=True)
        assert not found
        if JSON in operation.bodies and len(operation.bodies) == 1:
            assert answer.code == "size.too_large"
            assert str(LIMIT) in answer.json()["detail"]
    assert not lines.errors()


@pytest.mark.parametrize(("name", "operation"), TAKING, ids=label)
async def test_empty_bodies(desks: dict[str, Desk], name: str, operation: Operation, lines: Lines) -> None:
    asked = desks[name].asked(operation)
    cases = [
        ("empty", asked.with_body(b""), {400, 413, 415, 422}),
        ("empty and without a type", asked.with_body(b"").with_headers(content_type=None), {400, 415, 422}),
    ]
    await _judge(desks[name], operation, iter(cases), lines)


@pytest.mark.parametrize(("name", "operation"), TAKING_JSON, ids=label)
async def test_wrong_values_at_every_field(
    desks: dict[str, Desk], name: str, operation: Operation, lines: Lines
) -> None:
    """What the schema does not allow is refused; what it allows is answered, whatever it is."""
    desk, told = desks[name], document(name)
    schema = operation.bodies[JSON]["schema"]
    validator = Draft202012Validator({**schema, "components": told.body["components"]})
    valid = orjson.loads(bytes(desk.asked(operation).body))
    asked = desk.asked(operation)
    wrong = []
    for path, value in _wrong_values(Generator(told, Random(7), {}), schema, valid):
        body = replaced(valid, path, value)
        answer = await desk.ask(asked.with_body(orjson.dumps(body)))
        # of a batch each item is judged by itself
        refused = None if validator.is_valid(body) or answer.status == 207 else True
        found = complaint(told, operation, answer, refused=refused)
        if found:
            wrong.append(f"{'/'.join(map(str, path))} = {value!r:.60}: {found}")
    assert not wrong, "\n".join(wrong)
    assert not lines.errors()
    assert MARKER.encode() not in lines.raw.lower()


VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1, 1e308, "", " ", "\x00", f"a\x00{MARKER}",
    MARKER,
    "a\r\nb: c", "\u202e\u0301", "a" * 100_000, [], [MARKER], [[]], {}, {"khong_co": MARKER}, [None] * 1000,
)  # fmt: skip


def _wrong_values(generator: Generator, schema: Json, valid: Any) -> Iterator[tuple[tuple[Any, ...], Any]]:
    for path in _fields(generator, schema, valid):
        yield from ((path, value) for value in VALUES)


def _fields(generator: Generator, schema: Json, valid: Any, depth: int = 0) -> Iterator[tuple[Any, ...]]:
    """The place of every field the schema knows, in a body that has it or gets it."""
    resolved = generator.resolve(schema)
    for each in (*resolved.get("anyOf", ()), *resolved.get("oneOf", ()), *resolved.get("allOf", ())):
        yield from _fields(generator, each, valid, depth)
    for key, inner in resolved.get("properties", {}).items():
        yield (key,)
        if depth < 4:
            held = valid.get(key) if isinstance(valid, dict) else None
            yield from ((key, *rest) for rest in _fields(generator, inner, held, depth + 1))
    if "items" in resolved and isinstance(valid, list) and valid:
        yield (0,)
        yield from ((0, *rest) for rest in _fields(generator, resolved["items"], valid[0], depth + 1))
