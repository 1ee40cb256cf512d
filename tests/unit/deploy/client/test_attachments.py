"""Files up and down: digests of any source, bytes again at a repeat, downloads that go on where they broke off."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from deploy.client.problems import Corrupted, NotFound, Unreachable
from deploy.client.retry import Retry
from tests.unit.deploy.client.hubs import Chunks, Script, Time, broken, hub_of, ok, refusal

CONTENT = bytes(range(256)) * 4096
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def _stream() -> AsyncIterator[bytes]:
    for first in range(0, len(CONTENT), 100_000):
        yield CONTENT[first : first + 100_000]


@pytest.mark.parametrize("source", ["bytes", "path", "stream"])
async def test_any_source_is_put_under_its_digest_and_again_whole_at_a_repeat(source: str, tmp_path: Path) -> None:
    file = tmp_path / "tờ khai.pdf"
    file.write_bytes(CONTENT)
    script = Script([broken, refusal(503, "system.overloaded", retry_after=1), ok(status=201)])
    hub = hub_of(script)
    given = {"bytes": CONTENT, "path": file, "stream": _stream()}[source]
    reference = await hub.attachments.upload(given, name=None if source == "path" else "tờ khai.pdf")  # type: ignore[arg-type]
    assert reference == {"sha256": SHA256, "name": "tờ khai.pdf", "media_type": "application/pdf"}
    assert script.bodies == [CONTENT] * 3
    assert {request.url.path for request in script.requests} == {f"/v1/attachments/{SHA256}"}
    assert script.headers("Content-Length") == [str(len(CONTENT))] * 3
    assert script.headers("Transfer-Encoding") == [None] * 3


async def test_a_reference_tells_what_it_is_given() -> None:
    hub = hub_of(Script([ok(status=201)]))
    reference = await hub.attachments.upload(b"x", name="a.xyz", media_type="text/x-mau", component="KQ.01")
    assert (reference["media_type"], reference["component"]) == ("text/x-mau", "KQ.01")
    assert (await hub.attachments.upload(b"x", name="a"))["media_type"] == "application/octet-stream"
    with pytest.raises(ValueError, match="name"):
        await hub.attachments.upload(b"x")


def serving(*, breaks: int = 0, ranges: bool = True, content: bytes = CONTENT) -> list[object]:
    """Answers a download; each of the first so many breaks off behind another 100 000 bytes."""

    def answer(request: httpx.Request, *, broken_off: bool) -> httpx.Response:
        offset = int(request.headers.get("Range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))
        offset = offset if ranges else 0
        if offset and offset >= len(content):
            return refusal(416, "request.range_not_satisfiable")
        rest = content[offset:]
        error = httpx.ReadError("gone", request=request)
        body = Chunks(rest[:100_000], then=error) if broken_off else Chunks(rest[:5000], rest[5000:])
        return httpx.Response(206 if offset else 200, stream=body)

    return [
        *[lambda request: answer(request, broken_off=True) for _ in range(breaks)],
        lambda request: answer(request, broken_off=False),
    ]


async def test_a_download_goes_on_where_it_broke_off(tmp_path: Path) -> None:
    script, target = Script(serving(breaks=3)), tmp_path / "ra.pdf"  # type: ignore[arg-type]
    assert await hub_of(script).attachments.download(SHA256, target) == target
    assert target.read_bytes() == CONTENT
    assert script.headers("Range") == [None, "bytes=100000-", "bytes=200000-", "bytes=300000-"]
    assert script.headers("If-Range")[1:] == [f'"{SHA256}"'] * 3
    assert set(script.headers("Accept-Encoding")) == {"identity"}
    assert names(tmp_path) == ["ra.pdf"]


async def test_each_byte_gives_it_new_time(tmp_path: Path) -> None:
    script, time = Script(serving(breaks=9)), Time()  # type: ignore[arg-type]
    hub = hub_of(script, time, retry=Retry(deadline_seconds=1, first_seconds=0.6))
    await hub.attachments.download(SHA256, tmp_path / "ra.pdf")
    assert sum(time.pauses) > 5


async def test_a_later_call_takes_up_what_an_earlier_one_left(tmp_path: Path) -> None:
    target = tmp_path / "ra.pdf"
    gone = Script([*serving(breaks=1)[:1], broken])  # type: ignore[list-item]
    with pytest.raises(Unreachable):
        await hub_of(gone, retry=Retry(deadline_seconds=1)).attachments.download(SHA256, target)
    assert not target.exists()
    script = Script(serving())  # type: ignore[arg-type]
    await hub_of(script).attachments.download(SHA256, target)
    assert script.headers("Range") == ["bytes=100000-"]
    assert target.read_bytes() == CONTENT


async def test_a_server_without_ranges_starts_anew(tmp_path: Path) -> None:
    script, target = Script(serving(breaks=2, ranges=False)), tmp_path / "ra.pdf"  # type: ignore[arg-type]
    await hub_of(script).attachments.download(SHA256, target)
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize("left", [b"wrong bytes", CONTENT + b"too long", CONTENT[:-1] + b"!"])
async def test_wrong_bytes_left_there_are_thrown_away(left: bytes, tmp_path: Path) -> None:
    target = tmp_path / "ra.pdf"
    (tmp_path / "ra.pdf.part").write_bytes(left)
    await hub_of(Script(serving())).attachments.download(SHA256, target)  # type: ignore[arg-type]
    assert target.read_bytes() == CONTENT


async def test_what_is_complete_already_is_verified_and_kept(tmp_path: Path) -> None:
    target = tmp_path / "ra.pdf"
    (tmp_path / "ra.pdf.part").write_bytes(CONTENT)
    script = Script(serving())  # type: ignore[arg-type]
    await hub_of(script).attachments.download(SHA256, target)
    assert (target.read_bytes() == CONTENT, len(script.requests)) == (True, 1)


async def test_other_bytes_than_the_digest_says_are_refused(tmp_path: Path) -> None:
    target = tmp_path / "ra.pdf"
    with pytest.raises(Corrupted):
        await hub_of(Script(serving(content=b"forged"))).attachments.download(SHA256, target)  # type: ignore[arg-type]
    assert names(tmp_path) == []
    with pytest.raises(Corrupted):
        await hub_of(Script([httpx.Response(200, content=b"forged")])).attachments.read(SHA256)


async def test_refusals_and_new_tokens_of_a_download(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        await hub_of(Script([refusal(404, "request.not_found")])).attachments.download(SHA256, tmp_path / "ra.pdf")
    script = Script([refusal(401, "auth.invalid"), refusal(503, "system.overloaded", retry_after=1), *serving()])  # type: ignore[list-item]
    await hub_of(script).attachments.download(SHA256, tmp_path / "ra.pdf")
    assert script.tokens == 2
