"""What is JSON for the hub."""

import pytest

from contracts.problems import HubError
from services.kernel.json_bodies import MAX_DEPTH, parse, require_json


def nested(depth: int) -> bytes:
    return b'{"a":[' * (depth // 2) + b"1" + b"]}" * (depth // 2)


def test_of_duplicate_names_the_last_wins() -> None:
    assert parse(b'{"a": 1, "a": {"b": 2, "b": 3}}') == {"a": {"b": 3}}


def test_nesting_is_bounded_and_width_is_not() -> None:
    assert parse(nested(MAX_DEPTH))
    assert len(parse(b"[" + b",".join([nested(MAX_DEPTH - 2)] * 500) + b"]")) == 500
    assert parse(b'["' + b"[{" * 1000 + b'"]'), "brackets in a text are no nesting"
    assert parse(b'{"a":{}}', max_depth=2)
    for body, depth in [(nested(MAX_DEPTH + 2), MAX_DEPTH), (nested(1000), MAX_DEPTH), (b"[[[]]]", 2)]:
        with pytest.raises(HubError) as caught:
            parse(body, max_depth=depth)
        assert caught.value.code == "request.malformed"
        assert str(depth) in caught.value.detail


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[" * 100_000,
        b"[" * 1025 + b"]" * 1025,
        b"\xef\xbb\xbf{}",
        "{}".encode("utf-16"),
        b'"\xc3\x28"',
        b'"\xed\xa0\x80"',
        b'"\\ud800"',
        b"9" * 5000,
        b"1e999",
        b"NaN",
        b"-Infinity",
        b"'a'",
        b'"a\x00b"',
        b"{}{}",
        b"01",
    ],
)
def test_what_is_not_json_is_malformed(body: bytes) -> None:
    with pytest.raises(HubError) as caught:
        parse(body)
    assert caught.value.code == "request.malformed"


@pytest.mark.parametrize(
    ("content_type", "taken"),
    [
        ("application/json", True),
        ("Application/JSON; charset=UTF-8", True),
        ('application/json;charset="utf-8"', True),
        ("application/cloudevents+json; charset=utf8", True),
        ("application/json; profile=x", True),
        ("application/json; charset=latin-1", False),
        ("application/json; charset=utf-16", False),
        ("application/json; a=b; charset=tcvn3", False),
        ("text/json", False),
        ("text/plain", False),
        ("application/jsonp", False),
        ("multipart/form-data", False),
        ("", False),
        (None, False),
    ],
)
def test_a_body_says_that_it_is_json_in_utf_8(content_type: str | None, taken: bool) -> None:
    if taken:
        require_json(content_type)
        return
    with pytest.raises(HubError) as caught:
        require_json(content_type)
    assert caught.value.code == "request.unsupported_media_type"
