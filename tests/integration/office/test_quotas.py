"""What an organ may put: counted once, checked before and while it comes, and by what is committed in the end."""

import asyncio
import hashlib
import os
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from contracts.problems import HubError
from services.kernel.database import Database
from services.kernel.vault import Vault
from services.office.attachments.actions import Attachments
from services.office.attachments.rules import Via
from tests.integration.office.stage import COMMUNE_B, Stage, fresh_code

QUOTA = 10_000


@pytest.fixture(scope="module")
async def database(make_database: Callable[[], str]) -> AsyncIterator[Database]:
    database = Database(make_database(), pool_size=10)
    yield database
    await database.aclose()


@pytest.fixture
def attachments(tmp_path: Path) -> Attachments:
    return Attachments(Vault.open(tmp_path.as_uri()), "commune", quota=QUOTA)


async def once(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def put(attachments: Attachments, database: Database, organ: str, content: bytes) -> bool:
    sha256 = hashlib.sha256(content).hexdigest()
    await attachments.upload(sha256, once(content))
    async with database.transaction() as conn:
        return await attachments.record(conn, organ, sha256, len(content))


async def used(attachments: Attachments, database: Database, organ: str) -> int:
    async with database.read() as conn:
        return (await attachments.room(conn, organ, "")).used


async def test_counts_each_digest_once_an_organ(attachments: Attachments, database: Database) -> None:
    organ, other, content = fresh_code(), fresh_code(), os.urandom(1000)

    firsts = [await put(attachments, database, each, content) for each in (organ, organ, other)]

    assert firsts == [True, False, True]
    assert await used(attachments, database, organ) == 1000
    assert await used(attachments, database, other) == 1000


async def test_what_others_brought_is_counted_when_it_is_put(attachments: Attachments, database: Database) -> None:
    organ, content = fresh_code(), os.urandom(700)
    sha256 = hashlib.sha256(content).hexdigest()
    await attachments.upload(sha256, once(content))
    async with database.transaction() as conn:
        await attachments.share(conn, {sha256: 700}, [(sha256, organ, Via.DOSSIER)])
    before = await used(attachments, database, organ)

    first = await put(attachments, database, organ, content)

    assert (before, first) == (0, True)
    assert await used(attachments, database, organ) == 700


async def test_together_at_once_no_more_than_the_quota(attachments: Attachments, database: Database) -> None:
    organ = fresh_code()

    puts = [put(attachments, database, organ, os.urandom(3000)) for _ in range(8)]
    outcomes = await asyncio.gather(*puts, return_exceptions=True)

    assert outcomes.count(True) == 3
    refused = [each for each in outcomes if isinstance(each, HubError)]
    assert {each.code for each in refused} == {"attachment.quota_exceeded"}
    assert len(refused) == 5
    assert await used(attachments, database, organ) == 9000
    async with database.read() as conn:
        with pytest.raises(HubError) as caught:
            (await attachments.room(conn, organ, "")).require(1001)
    assert caught.value.detail == "the limit is 10000 bytes, 9000 are used"


async def test_same_file_many_times_at_once_is_counted_once(attachments: Attachments, database: Database) -> None:
    organ, content = fresh_code(), os.urandom(2000)

    firsts = await asyncio.gather(*(put(attachments, database, organ, content) for _ in range(8)))

    assert firsts.count(True) == 1
    assert await used(attachments, database, organ) == 2000


async def test_unnamed_bytes_are_swept_after_a_day(
    attachments: Attachments, database: Database, tmp_path: Path
) -> None:
    named, nameless, young = (os.urandom(100) for _ in range(3))
    await put(attachments, database, fresh_code(), named)
    digests = [hashlib.sha256(each).hexdigest() for each in (named, nameless, young)]
    for digest, content in zip(digests[1:], (nameless, young), strict=True):
        await attachments.upload(digest, once(content))
    yesterday = time.time() - 90_000
    for digest in digests[:2]:
        os.utime(tmp_path / "commune" / digest, (yesterday, yesterday))

    swept = await attachments.sweep_unnamed(database)

    assert swept == 1
    assert [(tmp_path / "commune" / digest).exists() for digest in digests] == [True, False, True]
    assert await attachments.sweep_unnamed(database) == 0
    assert await put(attachments, database, fresh_code(), nameless) is True


async def test_bytes_that_get_a_name_meanwhile_stay(
    attachments: Attachments, database: Database, tmp_path: Path
) -> None:
    content = os.urandom(100)
    sha256 = hashlib.sha256(content).hexdigest()
    await attachments.upload(sha256, once(content))
    yesterday = time.time() - 90_000
    os.utime(tmp_path / "commune" / sha256, (yesterday, yesterday))

    async with database.transaction() as conn:
        await attachments.record(conn, fresh_code(), sha256, len(content))
        assert await attachments.sweep_unnamed(database) == 0

    assert (tmp_path / "commune" / sha256).exists()
    assert await attachments.sweep_unnamed(database) == 0


async def test_name_is_not_given_to_bytes_that_were_swept(attachments: Attachments, database: Database) -> None:
    async with database.transaction() as conn:
        with pytest.raises(HubError) as caught:
            await attachments.record(conn, fresh_code(), hashlib.sha256(os.urandom(9)).hexdigest(), 9)

    assert caught.value.code == "attachment.unavailable"


@pytest.fixture
async def nearly_full(stage: Stage) -> AsyncIterator[None]:
    """Commune B has two thousand bytes left."""
    quota = stage.settings.attachments_quota_bytes
    async with stage.office.database.transaction() as conn:
        await stage.office.attachments.record(conn, COMMUNE_B, await known(stage), 0)
    await set_used(stage, quota - 2000)
    yield
    await set_used(stage, 0)


async def known(stage: Stage) -> str:
    paper = await stage.attach(b"something of another organ", "a")
    return str(paper["sha256"])


async def set_used(stage: Stage, used: int) -> None:
    async with stage.office.database.transaction() as conn:
        values = {"used": used, "organ": COMMUNE_B}
        await conn.execute(text("UPDATE attachment_usage SET bytes = :used WHERE organ = :organ"), values)


async def send(stage: Stage, content: bytes, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    path = f"/v1/attachments/{hashlib.sha256(content).hexdigest()}"
    return await stage.call("PUT", path, "b", content=once(content) if named else content, headers=named)


@pytest.mark.usefixtures("nearly_full")
async def test_too_much_is_refused_at_the_declared_length(stage: Stage) -> None:
    taken: list[int] = []

    async def body() -> AsyncIterator[bytes]:
        taken.append(1)
        yield os.urandom(3000)

    path = f"/v1/attachments/{'0' * 64}"
    answer = await stage.call("PUT", path, "b", content=body(), headers={"Content-Length": "3000"})

    assert (answer.status_code, answer.json()["code"]) == (413, "attachment.quota_exceeded")
    quota = stage.settings.attachments_quota_bytes
    assert answer.json()["detail"] == f"the limit is {quota} bytes, {quota - 2000} are used"
    assert answer.json()["remedy"]["vi"]


@pytest.mark.usefixtures("nearly_full")
async def test_too_much_is_refused_while_it_comes(stage: Stage) -> None:
    async def body() -> AsyncIterator[bytes]:
        for _ in range(30):
            yield os.urandom(1000)

    answer = await stage.call("PUT", f"/v1/attachments/{'0' * 64}", "b", content=body())
    small = await send(stage, os.urandom(1500))

    assert (answer.status_code, answer.json()["code"]) == (413, "attachment.quota_exceeded")
    assert small.status_code == 201
    assert list((stage.settings.home / "attachments" / "commune" / ".incoming").iterdir()) == []


async def test_file_put_before_is_put_again_by_a_full_organ(stage: Stage) -> None:
    content = os.urandom(5000)
    assert (await send(stage, content)).status_code == 201
    await set_used(stage, stage.settings.attachments_quota_bytes)
    try:
        assert (await send(stage, content)).status_code == 200
        assert (await send(stage, os.urandom(10))).status_code == 413
        assert (await stage.call("GET", f"/v1/attachments/{hashlib.sha256(content).hexdigest()}", "b")).is_success
    finally:
        await set_used(stage, 0)


async def test_body_keeps_to_its_length(stage: Stage) -> None:
    content = os.urandom(500)

    longer = await send(stage, content, Content_Length="499")
    shorter = await send(stage, content, Content_Length="501")

    for answer in (longer, shorter):
        assert (answer.status_code, answer.json()["code"]) == (400, "request.malformed")
    digest = hashlib.sha256(content).hexdigest()
    assert not (stage.settings.home / "attachments" / "commune" / digest).exists()
