"""Parts, tags and names of downloads."""

import pytest

from contracts.problems import HubError
from services.office.attachments.rules import Span, disposition, is_current, is_known, span_of

TAG = '"abc"'


@pytest.mark.parametrize(
    ("header", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=0-9", 0, 9),
        ("bytes=3-", 3, 9),
        ("bytes=-4", 6, 9),
        ("bytes=-40", 0, 9),
        ("bytes=5-500", 5, 9),
        ("BYTES=1-2", 1, 2),
        ("bytes= 1-2 ", 1, 2),
        ("bytes=9-99999999999999999999999999", 9, 9),
        ("bytes=-99999999999999999999999999", 0, 9),
    ],
)
def test_one_part(header: str, first: int, last: int) -> None:
    span = span_of(header, 10)

    assert span == Span(first, last, 10)
    assert span.length == last - first + 1
    assert span.content_range == f"bytes {first}-{last}/10"


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=5-3",
        "bytes=0-1,3-4",
        "bytes=0-1, 20-",
        "bytes=a-b",
        "bytes=1.5-2",
        "bytes=+1-2",
        "bytes=٣-",
        "items=0-1",
        "bytes=0x0-0x1",
        "bytes=" + "9" * 100 + "-",
    ],
)
def test_the_whole_for_none_several_and_nonsense(header: str | None) -> None:
    assert span_of(header, 10) is None


@pytest.mark.parametrize(
    ("header", "size"), [("bytes=10-", 10), ("bytes=10-20", 10), ("bytes=-0", 10), ("bytes=0-", 0)]
)
def test_outside_of_the_content(header: str, size: int) -> None:
    with pytest.raises(HubError) as caught:
        span_of(header, size)

    assert caught.value.code == "request.range_not_satisfiable"
    assert caught.value.headers["Content-Range"] == f"bytes */{size}"


def test_last_bytes_of_nothing_are_all_of_it() -> None:
    assert span_of("bytes=-5", 0) is None


@pytest.mark.parametrize(("header", "current"), [(None, True), (TAG, True), ('W/"abc"', False), ('"abd"', False)])
def test_a_part_only_of_the_same_bytes(header: str | None, current: bool) -> None:
    assert is_current(header, TAG) is current
    assert not is_current("Mon, 03 Jun 2024 00:00:00 GMT", TAG)


@pytest.mark.parametrize(
    ("header", "known"),
    [
        (None, False),
        (TAG, True),
        ('W/"abc"', True),
        ('"x", "abc"', True),
        ("*", True),
        (" * ", True),
        ('"x"', False),
        ("abc", False),
    ],
)
def test_what_the_caller_has(header: str | None, known: bool) -> None:
    assert is_known(header, TAG) is known


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("giấy phép.pdf", "gi%E1%BA%A5y%20ph%C3%A9p.pdf"),
        ('a"b;c.pdf', "a%22b%3Bc.pdf"),
        ("a\r\nSet-Cookie: x=1", "a__Set-Cookie%3A%20x%3D1"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("..\\x", "_x"),
        ("invoice\u202efdp.exe", "invoice_fdp.exe"),
        ("\ud800.pdf", "_.pdf"),
        ("\x00", "_"),
    ],
)
def test_name_of_a_download_means_nothing_but_a_name(name: str, written: str) -> None:
    assert disposition(name, "digest") == f"attachment; filename=\"digest\"; filename*=UTF-8''{written}"


@pytest.mark.parametrize("name", [None, "", " . "])
def test_download_without_name(name: str | None) -> None:
    assert disposition(name, "digest") == 'attachment; filename="digest"'
