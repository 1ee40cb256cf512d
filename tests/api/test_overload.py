"""Too many at once, a database that is slow or away, a full disk: told at once, nothing lost, nothing invented, and all
well afterwards without a restart. Against a real process with a database server of its own."""

from __future__ import annotations

import asyncio
import hashlib
import os
import resource
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx
import orjson
import pytest

from deploy.local.kafka import Kafka
from deploy.local.postgres import Postgres
from deploy.local.processes import descendants
from services.kernel.migration import upgrade
from services.office.housekeeping import MIGRATIONS
from tests.api.asking import Answer
from tests.api.judging import problem_complaint
from tests.api.program import Program, office_program
from tests.api.test_bad_wire import parsed
from tests.integration.office.stage import dossier, until

CONNECTIONS = 2000
MEMORY = 300 * 1024 * 1024
AT_ONCE_SECONDS = 12.0
"""A database that is away is told within the time-outs of connecting and of waiting for a connection."""
SLOW_SECONDS = 20.0
"""A database that stopped in the midst of statements is told within their time-out."""
QUEUE = 5000


@pytest.fixture(scope="module")
async def own_postgres() -> AsyncIterator[Postgres]:
    """A server that may be stopped."""
    with tempfile.TemporaryDirectory(prefix="lienthong-test-") as folder:
        server = Postgres(Path(folder) / "postgres")
        await asyncio.to_thread(server.start)
        try:
            yield server
        finally:
            await asyncio.to_thread(server.stop)


@pytest.fixture(scope="module")
def store() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="lienthong-store-") as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
async def program(
    own_postgres: Postgres, kafka: Kafka, store: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Program]:
    own_postgres.create_database("overload")
    url = own_postgres.url("overload")
    await upgrade(url, MIGRATIONS)
    settings = {"LIENTHONG_ATTACHMENTS_URL": store.as_uri()}
    async with office_program(url, kafka.bootstrap, tmp_path_factory.mktemp("overload"), settings) as program:
        yield program


@pytest.fixture(autouse=True)
def files() -> Iterator[None]:
    """As many connections as the test asks for."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < CONNECTIONS + 500:
        pytest.skip(f"this system allows {hard} open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@dataclass
class Outcomes:
    """What posts with keys were answered; 0: no answer came."""

    statuses: dict[str, int]
    codes: dict[str, str]
    slowest: float

    @property
    def counted(self) -> Counter[int]:
        return Counter(self.statuses.values())


def request(program: Program, key: str, *, keep: bool = False) -> bytes:
    body = orjson.dumps(dossier(summary=key))
    headers = program.headers(**{"Idempotency-Key": key, "Content-Type": "application/json", "Host": "office"})
    lines = [f"{name}: {value}" for name, value in headers.items()]
    lines += [f"Content-Length: {len(body)}", *([] if keep else ["Connection: close"])]
    return "\r\n".join(["POST /v1/dossiers HTTP/1.1", *lines, "", ""]).encode() + body


async def post(program: Program, key: str, gate: asyncio.Event | None = None) -> tuple[Answer | None, float]:
    """One post on a connection of its own, opened before the gate."""
    reader, writer = await asyncio.open_connection("127.0.0.1", program.port)
    try:
        if gate is not None:
            await gate.wait()
        began = time.monotonic()
        writer.write(request(program, key))
        try:
            answers = parsed(await reader.read(-1))
        except ConnectionError:
            answers = []
        return (answers[0] if answers else None), time.monotonic() - began
    finally:
        writer.close()


async def post_all(program: Program, keys: list[str], gate: asyncio.Event | None = None) -> Outcomes:
    """All at once, whatever comes of it; refusals are problems with Retry-After."""
    found = await asyncio.gather(*(post(program, key, gate) for key in keys))
    outcomes = Outcomes({}, {}, max((seconds for _, seconds in found), default=0.0))
    for key, (answer, _) in zip(keys, found, strict=True):
        outcomes.statuses[key] = answer.status if answer else 0
        if answer and answer.status == 201:
            outcomes.codes[key] = answer.json()["code"]
        elif answer:
            assert answer.status == 503, answer
            assert not problem_complaint(answer)
    return outcomes


async def held(program: Program) -> dict[str, str]:
    """Summary → code of every dossier there is."""
    found: dict[str, str] = {}
    params: dict[str, str | int] = {"limit": 500}
    while True:
        page = (await program.http.get("/v1/dossiers", params=params, headers=program.headers())).json()
        found |= {item["summary"]: item["code"] for item in page["items"]}
        if "next_cursor" not in page:
            return found
        params["cursor"] = page["next_cursor"]


async def works(program: Program) -> bool:
    try:
        answer = await program.http.post("/v1/dossiers", json=dossier(summary="works"), headers=program.headers())
    except httpx.TransportError:
        return False
    return answer.status_code == 201


def keys_of(count: int) -> list[str]:
    return [uuid4().hex for _ in range(count)]


async def settled(program: Program, outcomes: Outcomes) -> None:
    """Exactly what was answered 201 is there; repeating makes the rest, and nothing twice."""
    there = await held(program)
    accepted = dict(outcomes.codes)
    assert {key: there.get(key) for key in accepted} == accepted
    refused = [key for key, status in outcomes.statuses.items() if status == 503]
    assert not [key for key in refused if key in there], "refused, and yet there"
    again = await post_all(program, refused[:200])
    assert set(again.statuses.values()) <= {201}
    repeated = await post_all(program, list(accepted)[:200])
    assert repeated.codes == {key: accepted[key] for key in repeated.codes}
    assert len(repeated.codes) == len(repeated.statuses)


async def test_two_thousand_connections_are_all_answered(program: Program) -> None:
    before = program.memory()
    gate = asyncio.Event()
    keys = keys_of(CONNECTIONS)
    running = asyncio.create_task(post_all(program, keys, gate))
    await until(lambda: _connected(program, CONNECTIONS), seconds=60, what="all connections")
    gate.set()
    outcomes = await asyncio.wait_for(running, 120)
    print(f"\n{CONNECTIONS} connections: {dict(outcomes.counted)}, slowest {outcomes.slowest:.1f} s")
    assert set(outcomes.statuses.values()) <= {201, 503}
    assert outcomes.counted[201] >= 100
    assert program.memory() - before < MEMORY
    assert await works(program)
    await settled(program, outcomes)
    assert not program.errors()


async def _connected(program: Program, count: int) -> bool:
    """Whether the process has as many connections open."""
    open_ = await asyncio.to_thread(os.listdir, f"/proc/{program.process.pid}/fd")
    return len(open_) >= count


async def test_a_database_that_pauses_loses_nothing(program: Program, own_postgres: Postgres) -> None:
    """Shorter than the time-outs: what came meanwhile is answered when it goes on."""
    keys = keys_of(100)
    with paused(own_postgres):
        running = asyncio.create_task(post_all(program, keys))
        assert (await program.http.get("/healthz")).status_code == 200
        await until(lambda: _not_ready(program), seconds=30, what="readiness to say so")
    outcomes = await asyncio.wait_for(running, 60)
    assert outcomes.counted[0] == 0
    await until(program.ready, seconds=30, what="the office to be ready again")
    await settled(program, outcomes)


@pytest.mark.more
async def test_a_database_that_stands_still_is_told_in_time(program: Program, own_postgres: Postgres) -> None:
    with paused(own_postgres):
        outcomes = await post_all(program, keys_of(200))
        reads = await asyncio.gather(*(_read(program) for _ in range(30)))
    print(f"\nstanding still: {dict(outcomes.counted)}, slowest {outcomes.slowest:.1f} s")
    assert set(outcomes.statuses.values()) == {503}
    assert outcomes.slowest < SLOW_SECONDS
    assert {status for status, _ in reads} == {503}
    assert max(seconds for _, seconds in reads) < SLOW_SECONDS
    await until(program.ready, seconds=60, what="the office to be ready again")
    assert await until(lambda: works(program), seconds=60)
    # what was under way when it stood still may have been committed though nobody could tell: the key says so
    again = await post_all(program, list(outcomes.statuses))
    assert set(again.statuses.values()) == {201}
    there = await held(program)
    assert {key: there[key] for key in again.codes} == again.codes
    assert Counter(there.values()).most_common(1)[0][1] == 1


async def test_a_database_that_is_away_is_told_at_once_and_nothing_is_invented(
    program: Program, own_postgres: Postgres
) -> None:
    """Stopped in the midst of a stream of posts, and started again."""
    stream = Stream(program)
    running = asyncio.create_task(stream.run())
    try:
        await stream.reached(201, 100)
        await asyncio.to_thread(own_postgres.stop)
        await stream.reached(503, 100)
        assert not await works(program)
        status, seconds = await _read(program)
        assert (status, seconds < AT_ONCE_SECONDS) == (503, True)
        await asyncio.to_thread(own_postgres.start)
        accepted = stream.outcomes.counted[201]
        await stream.reached(201, accepted + 100)
    finally:
        stream.stopping.set()
        await running
    outcomes = stream.outcomes
    print(f"\naway: {dict(outcomes.counted)}, slowest {outcomes.slowest:.1f} s")
    assert set(outcomes.statuses.values()) <= {201, 503}
    assert outcomes.slowest < AT_ONCE_SECONDS
    there = await held(program)
    assert {key: there.get(key) for key in outcomes.codes} == outcomes.codes
    again = await post_all(program, list(outcomes.statuses))
    assert set(again.statuses.values()) == {201}
    assert outcomes.codes.items() <= again.codes.items()
    there = await held(program)
    assert set(there) >= set(outcomes.statuses)
    assert len(set(again.codes.values())) == len(again.codes)


class Stream:
    """Posts without pause, sixteen at a time."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self.stopping = asyncio.Event()
        self.outcomes = Outcomes({}, {}, 0.0)
        self._changed = asyncio.Condition()

    async def run(self) -> None:
        await asyncio.gather(*(self._post() for _ in range(16)))

    async def reached(self, status: int, count: int) -> None:
        """Returns when so many had that status."""
        async with asyncio.timeout(60), self._changed:
            await self._changed.wait_for(lambda: self.outcomes.counted[status] >= count)

    async def _post(self) -> None:
        while not self.stopping.is_set():
            (key,) = keys_of(1)
            one = await post_all(self._program, [key])
            self.outcomes.statuses |= one.statuses
            self.outcomes.codes |= one.codes
            self.outcomes.slowest = max(self.outcomes.slowest, one.slowest)
            async with self._changed:
                self._changed.notify_all()


@pytest.mark.more
async def test_a_full_queue_is_told_at_once(own_postgres: Postgres, kafka: Kafka, tmp_path: Path) -> None:
    """Where more requests may be in the process than the queue takes."""
    own_postgres.create_database("queue")
    url = own_postgres.url("queue")
    await upgrade(url, MIGRATIONS)
    settings = {"LIENTHONG_MAX_REQUESTS": "20000"}
    async with office_program(url, kafka.bootstrap, tmp_path, settings) as program:
        gate = asyncio.Event()
        keys = keys_of(QUEUE + 1500)
        with paused(own_postgres):
            running = asyncio.create_task(post_all(program, keys, gate))
            await until(lambda: _connected(program, len(keys)), seconds=120, what="all connections")
            gate.set()
            await until(lambda: _logged(program, b"system.overloaded", 100), seconds=60, what="a full queue")
        outcomes = await asyncio.wait_for(running, 120)
        print(f"\nqueue: {dict(outcomes.counted)}, slowest {outcomes.slowest:.1f} s")
        assert set(outcomes.statuses.values()) <= {201, 503}
        assert outcomes.counted[503] >= 100
        assert await until(lambda: works(program), seconds=60)
        await settled(program, outcomes)


async def _logged(program: Program, what: bytes, count: int) -> bool:
    return (await asyncio.to_thread(lambda: program.log)).count(what) >= count


@pytest.mark.parametrize("size", [3 * 1024 * 1024, 9 * 1024 * 1024], ids=["in one piece", "in several"])
async def test_a_full_disk_is_told_and_nothing_is_half_stored(program: Program, store: Path, size: int) -> None:
    content = os.urandom(size)
    small = os.urandom(1000)
    with full_disk(store / "commune"):
        refused = await put(program, content)
        assert refused.status_code == 507
        assert refused.json()["code"] == "system.disk_full"
        assert int(refused.headers["Retry-After"]) > 0
        digest = hashlib.sha256(content).hexdigest()
        found = await program.http.get(f"/v1/attachments/{digest}", headers=program.headers())
        assert found.status_code == 404
        claim = {"sha256": digest, "name": "a.pdf", "media_type": "application/pdf"}
        named = await program.http.post("/v1/dossiers", json=dossier(attachments=[claim]), headers=program.headers())
        assert named.json()["code"] == "attachment.missing"
        left = [each for each in (store / "commune").rglob("*") if each.is_file()]
        assert sum(each.stat().st_size for each in left) == 0, left
        assert await works(program)
        assert (await put(program, small)).status_code == 201
    stored = await put(program, content)
    assert stored.status_code == 201
    got = await program.http.get(f"/v1/attachments/{digest}", headers=program.headers())
    assert got.content == content


async def put(program: Program, content: bytes) -> httpx.Response:
    digest = hashlib.sha256(content).hexdigest()
    return await program.http.put(f"/v1/attachments/{digest}", content=content, headers=program.headers())


@contextmanager
def full_disk(folder: Path) -> Iterator[None]:
    """A file system of 2 MB in place of the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a small file system is not permitted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@contextmanager
def paused(server: Postgres) -> Iterator[None]:
    """All its processes stand still."""
    assert server.pid is not None
    members = [server.pid, *descendants(server.pid)]
    for member in members:
        os.kill(member, signal.SIGSTOP)
    try:
        yield
    finally:
        for member in members:
            _continue(member)


def _continue(member: int) -> None:
    try:
        os.kill(member, signal.SIGCONT)
    except ProcessLookupError:
        return


async def _not_ready(program: Program) -> bool:
    return not await program.ready()


async def _read(program: Program) -> tuple[int, float]:
    began = time.monotonic()
    answer = await program.http.get("/v1/dossiers", headers=program.headers())
    if answer.status_code == 503:
        assert answer.headers["Retry-After"]
    return answer.status_code, time.monotonic() - began
