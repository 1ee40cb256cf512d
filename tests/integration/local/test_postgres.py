"""The embedded PostgreSQL is a real server that survives what a machine does to it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from deploy.local.postgres import SOCKET_FILE, Postgres
from deploy.local.processes import descendants, start_mark

DEEP = ("thư mục có dấu cách và tên rất dài để vượt quá giới hạn",) * 3


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Postgres]:
    server = Postgres(tmp_path.joinpath(*DEEP, "postgres"))
    try:
        yield server
    finally:
        server.stop()


@asynccontextmanager
async def connected(server: Postgres, database: str = "postgres") -> AsyncIterator[Any]:
    connection = await asyncpg.connect(server.url(database).replace("+asyncpg", ""))
    try:
        yield connection
    finally:
        await connection.close()


async def test_keeps_what_was_committed_over_kill_9_in_a_deep_folder(server: Postgres) -> None:
    server.start()
    server.create_database("gateway")
    address = server.url("gateway")
    async with connected(server, "gateway") as connection:
        await connection.execute("CREATE TABLE kept (word text)")
        await connection.execute("INSERT INTO kept VALUES ('giữ')")
    assert server.pid is not None
    family = [server.pid, *descendants(server.pid)]
    marks = [start_mark(pid) for pid in family]

    server.kill()

    assert len(family) > 3
    assert [start_mark(pid) for pid in family] != marks
    assert all(start_mark(pid) is None for pid in family)
    assert server.pid is None
    server.start()
    assert server.url("gateway") == address
    async with connected(server, "gateway") as connection:
        assert await connection.fetchval("SELECT word FROM kept") == "giữ"


async def test_is_durable_and_orders_text_by_code_point(server: Postgres) -> None:
    server.start()
    async with connected(server) as connection:
        for setting, value in {"fsync": "on", "synchronous_commit": "on", "TimeZone": "UTC"}.items():
            assert await connection.fetchval(f"SHOW {setting}") == value
        assert await connection.fetchval("SELECT 'a' COLLATE \"default\" > 'B'")
        assert await connection.fetchval("SELECT lower('ĐẮK')") == "đắk"
        assert await connection.fetchval("SHOW server_encoding") == "UTF8"
        assert await connection.fetchval("SHOW listen_addresses") == ""


def test_socket_fits_where_the_data_folder_does_not(server: Postgres) -> None:
    assert len(os.fsencode(server.data)) > 107
    assert len(os.fsencode(server.socket_folder / SOCKET_FILE)) <= 107
    server.start()
    assert server.socket_folder.stat().st_mode & 0o077 == 0
    server.stop()
    assert not server.socket_folder.exists()


async def test_creates_and_drops_databases_as_often_as_asked(server: Postgres) -> None:
    server.start()
    server.create_database("first")
    server.create_database("first")
    async with connected(server, "first") as connection:
        await connection.execute("CREATE TABLE pattern ()")
    server.create_database("copy", template="first")
    async with connected(server, "copy") as connection:
        assert await connection.fetchval("SELECT count(*) FROM pg_tables WHERE tablename = 'pattern'") == 1
    server.drop_database("copy")
    server.drop_database("copy")
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        async with connected(server, "copy"):
            pass


def test_starts_when_the_lock_file_names_a_process_of_somebody_else(server: Postgres) -> None:
    server.start()
    lock = server.data / "postmaster.pid"
    lines = lock.read_text().splitlines()
    server.kill()
    lock.write_text("\n".join([str(os.getppid()), *lines[1:]]) + "\n")

    server.start()

    assert server.alive
    assert start_mark(os.getppid()) is not None


def test_begins_anew_when_its_making_was_interrupted(server: Postgres) -> None:
    half = server.data.with_name("postgres.new")
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")

    server.start()

    assert server.alive
    assert not half.exists()
