"""Attachments on their way out: parts, tags, names, and never anything a browser would run."""

import hashlib

import httpx
import pytest

from tests.integration.office.stage import DEPARTMENT, Journey, Stage, fresh_code, stamp, submitted

CONTENT = bytes(range(256)) * 4096
SHA256 = hashlib.sha256(CONTENT).hexdigest()
PATH = f"/v1/attachments/{SHA256}"


@pytest.fixture(scope="module")
async def stored(stage: Stage) -> None:
    await stage.attach(CONTENT)


async def get(stage: Stage, path: str = PATH, method: str = "GET", **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await stage.call(method, path, headers=named)


@pytest.mark.usefixtures("stored")
async def test_always_a_download_of_octets(stage: Stage) -> None:
    answer = await get(stage)

    assert answer.status_code == 200
    assert hashlib.sha256(answer.content).hexdigest() == SHA256
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == f'attachment; filename="{SHA256}"'
    assert answer.headers["content-security-policy"] == "sandbox"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["etag"] == f'"{SHA256}"'


@pytest.mark.usefixtures("stored")
async def test_name_cannot_leave_its_header(stage: Stage) -> None:
    answer = await get(stage, f"{PATH}?name=a%0D%0ASet-Cookie:%20x=1;%22../gi%E1%BA%A5y.html")

    assert "set-cookie" not in answer.headers
    assert answer.headers["content-disposition"].startswith(f"attachment; filename=\"{SHA256}\"; filename*=UTF-8''a__")
    assert answer.headers["content-type"] == "application/octet-stream"


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize(
    ("header", "first", "last"),
    [("bytes=0-99", 0, 99), ("bytes=1048000-", 1048000, 1048575), ("bytes=-1", 1048575, 1048575)],
)
async def test_one_part(stage: Stage, header: str, first: int, last: int) -> None:
    answer = await get(stage, Range=header)

    assert answer.status_code == 206
    assert answer.content == CONTENT[first : last + 1]
    assert answer.headers["content-range"] == f"bytes {first}-{last}/{len(CONTENT)}"
    assert answer.headers["content-length"] == str(last - first + 1)
    assert answer.headers["content-security-policy"] == "sandbox"


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize("header", ["bytes=0-1,5-6", "bytes=9-1", "lines=1-2", "bytes=x"])
async def test_several_parts_and_nonsense_give_the_whole(stage: Stage, header: str) -> None:
    answer = await get(stage, Range=header)

    assert (answer.status_code, len(answer.content)) == (200, len(CONTENT))


@pytest.mark.usefixtures("stored")
async def test_part_outside_is_refused_with_the_length(stage: Stage) -> None:
    answer = await get(stage, Range="bytes=1048576-")

    assert (answer.status_code, answer.json()["code"]) == (416, "request.range_not_satisfiable")
    assert answer.headers["content-range"] == f"bytes */{len(CONTENT)}"


@pytest.mark.usefixtures("stored")
async def test_part_only_if_the_bytes_are_the_same(stage: Stage) -> None:
    same = await get(stage, Range="bytes=0-1", If_Range=f'"{SHA256}"')
    other = await get(stage, Range="bytes=0-1", If_Range='"0"')
    outside = await get(stage, Range="bytes=9999999-", If_Range='"0"')

    assert [answer.status_code for answer in (same, other, outside)] == [206, 200, 200]


@pytest.mark.usefixtures("stored")
async def test_known_bytes_are_not_opened(stage: Stage) -> None:
    paper = await stage.attach(fresh_code().encode())
    path = f"/v1/attachments/{paper['sha256']}"
    (stage.settings.home / "attachments" / "commune" / paper["sha256"]).unlink()

    known = await get(stage, path, If_None_Match=f'"{paper["sha256"]}"')
    headers = await get(stage, path, "HEAD")
    gone = await get(stage, path)

    assert (known.status_code, known.content) == (304, b"")
    assert known.headers["etag"] == f'"{paper["sha256"]}"'
    assert (headers.status_code, headers.content) == (200, b"")
    assert headers.headers["content-length"] == str(len(fresh_code()))
    assert headers.headers["etag"] == f'"{paper["sha256"]}"'
    assert (gone.status_code, gone.json()["code"]) == (503, "attachment.unavailable")


async def test_empty_file(stage: Stage) -> None:
    paper = await stage.attach(b"")
    path = f"/v1/attachments/{paper['sha256']}"

    whole = await get(stage, path)
    last = await get(stage, path, Range="bytes=-5")
    first = await get(stage, path, Range="bytes=0-")

    assert (whole.status_code, whole.content, whole.headers["content-length"]) == (200, b"", "0")
    assert (last.status_code, first.status_code) == (200, 416)


@pytest.mark.usefixtures("stored")
async def test_only_what_the_organ_put_or_holds(stage: Stage) -> None:
    foreign = await get(stage)
    for headers in ({}, {"Range": "bytes=0-1"}, {"If-None-Match": "*"}):
        answer = await stage.call("GET", PATH, "c", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "request.not_found")
    unknown = await stage.call("GET", f"/v1/attachments/{'0' * 64}", "c")

    assert foreign.status_code == 200
    told = (await stage.call("GET", PATH, "c")).json()
    assert {**told, "instance": ""} == {**unknown.json(), "instance": ""}


async def test_what_a_dossier_brought_is_fetched_and_costs_nothing(stage: Stage) -> None:
    content = b"from the department " + fresh_code().encode()
    sha256 = hashlib.sha256(content).hexdigest()
    folder = stage.settings.home / "attachments" / "province"
    folder.mkdir(exist_ok=True)
    (folder / sha256).write_bytes(content)
    code = fresh_code(DEPARTMENT)
    paper = {"sha256": sha256, "name": "x.pdf", "media_type": "application/pdf", "size": len(content)}
    before = await used(stage)

    payload = submitted(code, attachments=[paper])
    await stage.deliver(Journey(stage, code).envelope("dossier.submitted", payload, stamp=stamp(custodian=DEPARTMENT)))
    await stage.await_dossier(code)

    assert (await get(stage, f"/v1/attachments/{sha256}")).content == content
    assert await used(stage) == before


async def used(stage: Stage) -> int:
    rows = await stage.sql("SELECT bytes FROM attachment_usage WHERE organ = '000.01.21.H28'")
    return sum(row.bytes for row in rows)
