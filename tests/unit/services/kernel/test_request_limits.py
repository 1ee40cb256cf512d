"""Bounds of address and headers, judged before anything is parsed."""

import time
from typing import Any

import pytest

from services.kernel.limits import Head, Limits, limits_of, refusal
from services.kernel.settings import Settings

LIMITS = Limits()


def scope(path: bytes = b"/v1/a", query: bytes = b"") -> dict[str, Any]:
    return {"type": "http", "raw_path": path, "query_string": query}


def code(path: bytes = b"/v1/a", query: bytes = b"", headers: list[tuple[bytes, bytes]] | None = None) -> str:
    error = refusal(scope(path, query), Head(headers or []), LIMITS)
    return error.code if error else ""


def test_settings_and_limits_agree() -> None:
    assert limits_of(Settings(program="commune")) == LIMITS


def test_the_address_is_bounded_as_a_whole() -> None:
    assert code(b"/" + b"a" * 8191) == ""
    assert code(b"/" + b"a" * 8192) == "request.uri_too_long"
    assert code(b"/" + b"a" * 4096, b"b" * 4096) == "request.uri_too_long"


def test_parameters_are_counted_before_they_are_parsed() -> None:
    assert code(query=b"&".join([b"a=1"] * 100)) == ""
    assert code(query=b"&".join([b"a=1"] * 101)) == "request.malformed"
    many = Limits(max_url_bytes=10_000_000)
    began = time.process_time()
    for _ in range(100):
        assert refusal(scope(query=b"&" * 100_000), Head([]), many) is not None
    assert time.process_time() - began < 1.0


def test_headers_are_bounded_in_number_and_size() -> None:
    assert code(headers=[(b"x", b"")] * 100) == ""
    assert code(headers=[(b"x", b"")] * 101) == "request.headers_too_large"
    assert code(headers=[(b"x", b"a" * 32_767)]) == ""
    assert code(headers=[(b"x", b"a" * 32_768)]) == "request.headers_too_large"


def test_every_limit_is_told() -> None:
    long = refusal(scope(b"/" * 9000), Head([]), LIMITS)
    many = refusal(scope(query=b"&" * 100), Head([]), LIMITS)
    large = refusal(scope(), Head([(b"x", b"")] * 101), LIMITS)
    assert long is not None
    assert many is not None
    assert large is not None
    assert "8192" in long.detail
    assert "100" in many.detail
    assert "100" in large.detail
    assert "32768" in large.detail


@pytest.mark.parametrize(
    ("path", "query", "fits"),
    [
        (b"/h%E1%BB%93%20s%C6%A1", b"q=h%E1%BB%93+s%0A%20", True),
        (b"/a%2Fb", b"", True),
        (b"/a%00b", b"", False),
        (b"/a%0A", b"", False),
        (b"/a%7f", b"", False),
        (b"/a%ff", b"", False),
        (b"/a%c3%28", b"", False),
        (b"/a%ed%a0%80", b"", False),
        (b"/a%", b"", False),
        (b"/a%2", b"", False),
        (b"/a%zz", b"", False),
        (b"/a", b"q=%00", False),
        (b"/a", b"q=%ff", False),
        (b"/a", b"q=%u0041", False),
        (b"/a", "q=hồ".encode(), False),
    ],
)
def test_addresses_are_percent_encoded_text(path: bytes, query: bytes, fits: bool) -> None:
    assert code(path, query) == ("" if fits else "request.malformed")


def test_repeated_headers_are_a_list() -> None:
    head = Head([(b"if-none-match", b'"a"'), (b"x", b"y"), (b"if-none-match", b'"b"'), (b"content-length", b"17")])
    assert head.fields == {b"if-none-match": b'"a", "b"', b"content-length": b"17"}
    assert head.declared_bytes == 17
    assert Head([]).declared_bytes is None
