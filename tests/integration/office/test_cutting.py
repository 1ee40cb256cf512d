"""Tables of an office that is in use come into parts by month with all their rows, and out of them again."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from services.kernel.database import sqlalchemy_url
from services.office.housekeeping import MIGRATIONS
from tests.integration.office.old_rows import from_outside, made_at

BEFORE = "d4a1e0d2b601"
TABLES = {
    "transfer": "id, holder, state, accepted_at",
    "transfer_delivery": "transfer, holder, organ, state",
    "transfer_answer": "transfer, holder, organ, answer, at, arrival",
    "receipt": "subject, hopsequence, item",
    "inbox_item": "organ, kind, position, id, received_at",
    "access": "position, at, client_id, subject",
}
NOW = datetime.now(UTC).replace(microsecond=0)
TIMES = [NOW - timedelta(days=days) for days in (1200, 400, 100, 33, 0)]

_INDEXES = text("""
    SELECT c.relname, replace(replace(pg_get_indexdef(i.indexrelid), ' ON ONLY ', ' ON '), 'public.', '') AS definition
      FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = to_regclass(:table) ORDER BY 1
""")
_PARTS = text("SELECT count(*) FROM pg_inherits WHERE inhparent = to_regclass(:table)")


async def test_rows_of_many_months_come_into_parts_and_back(make_database: Callable[[], str]) -> None:
    engine = create_async_engine(sqlalchemy_url(make_database()))
    try:
        async with engine.connect() as conn:
            await conn.run_sync(lambda connection: _to(connection, BEFORE, back=True))
            indexes = await _indexes(conn)
            await _fill(conn)
            rows = await _rows(conn)
            assert all(rows.values())

            await conn.run_sync(lambda connection: _to(connection, "head"))
            assert await _rows(conn) == rows
            for table in TABLES:
                assert (await conn.execute(_PARTS, {"table": table})).scalar_one() >= len(TIMES) + 3, table
            assert {name: set(names) for name, names in (await _indexes(conn)).items()} == {
                name: set(names) for name, names in indexes.items()
            }
            await _check_cut(conn)
            await _check_numbers_go_on(conn, rows)
            await conn.commit()

            rows = await _rows(conn)
            await conn.run_sync(lambda connection: _to(connection, BEFORE, back=True))
            assert await _rows(conn) == rows
            assert await _indexes(conn) == indexes
            await _check_numbers_go_on(conn, rows)
            assert await _refuses(conn, "DELETE FROM access")
    finally:
        await engine.dispose()


async def _fill(conn: AsyncConnection) -> None:
    transfers = [(made_at(at), at) for at in TIMES] + [(from_outside(), NOW)]
    for place, (id_, at) in enumerate(transfers):
        values = {"id": id_, "at": at, "place": place}
        for statement in (
            "INSERT INTO transfer (holder, id, source, type, subject, sender, role, state, accepted_at)"
            " VALUES ('o', :id, 's', 't', 'd', 'o', 'sender', 'routed', :at)",
            "INSERT INTO transfer_delivery (holder, transfer, organ, via, state)"
            " VALUES ('o', :id, 'p', 'office', 'open')",
            "INSERT INTO transfer_answer (holder, transfer, organ, answer, code, at)"
            " VALUES ('o', :id, 'p', 'a', '03', :at)",
            "INSERT INTO inbox_item (organ, position, id, kind, type, subject, sender, received_at, href, data)"
            " VALUES ('o', :place, :id, 'document', 't', 'd', 'o', :at, '/', '{}')",
        ):
            await conn.execute(text(statement), values)
        await conn.execute(
            text(
                "INSERT INTO receipt (subject, hopsequence, item) VALUES ('d', :place, convert_to(json_build_object("
                "'id', CAST(:id AS text), 'deliveries', json_build_array(json_build_object('organ', 'p', 'state', "
                "'handed_over', 'handed_over_at', CAST(:at AS timestamptz)))) #>> '{}', 'UTF8'))"
            ),
            values,
        )
        await conn.execute(
            text("INSERT INTO access (at, client_id, organ, action, subject) VALUES (:at, 'c', 'o', 'r', 's')"), values
        )
    closed = '{"id": "voided", "deliveries": [{"organ": "p", "state": "closed"}]}'
    await conn.execute(text("INSERT INTO receipt VALUES ('d', 99, :item)"), {"item": closed.encode()})
    await conn.commit()


async def _check_cut(conn: AsyncConnection) -> None:
    """What is of a month lies in its part, a receipt with its transfer; what has no time in its id lies in the rest."""
    for table, key in (("transfer", "id"), ("receipt", "transfer"), ("inbox_item", "id"), ("access", "at")):
        for at in TIMES:
            month = f"{table}_{at:%Y_%m}"
            found = (await conn.execute(text(f"SELECT {key} FROM {month}"))).scalars().all()
            same = [other for other in TIMES if (other.year, other.month) == (at.year, at.month)]
            assert len(found) == len(same) + (table == "access" and NOW in same), month
    assert (await conn.execute(text("SELECT count(*) FROM transfer_rest"))).scalar_one() == 1
    assert (await conn.execute(text("SELECT count(*) FROM access_rest"))).scalar_one() == 0
    told = (await conn.execute(text("SELECT at FROM receipt WHERE hopsequence < 5 ORDER BY hopsequence"))).scalars()
    assert list(told) == TIMES
    assert await _refuses(conn, "INSERT INTO inbox_item SELECT * FROM inbox_item WHERE position = 1")
    assert await _refuses(conn, f"DELETE FROM access_{TIMES[0]:%Y_%m}")
    assert await _refuses(conn, f"TRUNCATE access_{TIMES[0]:%Y_%m}")


async def _check_numbers_go_on(conn: AsyncConnection, rows: dict[str, list[Any]]) -> None:
    """Identity columns give what was not given before."""
    made = await conn.execute(
        text(
            "INSERT INTO access (at, client_id, organ, action, subject) VALUES (now(), 'c', 'o', 'r', 'n')"
            " RETURNING position"
        )
    )
    assert made.scalar_one() == max(row.position for row in rows["access"]) + 1
    made = await conn.execute(
        text(
            "INSERT INTO transfer_answer (holder, transfer, organ, answer, code, at)"
            " SELECT holder, transfer, organ, clock_timestamp(), code, at FROM transfer_answer LIMIT 1"
            " RETURNING arrival"
        )
    )
    assert made.scalar_one() == max(row.arrival for row in rows["transfer_answer"]) + 1


async def _refuses(conn: AsyncConnection, statement: str) -> bool:
    try:
        async with conn.begin_nested():
            await conn.execute(text(statement))
    except DBAPIError:
        return True
    return False


async def _rows(conn: AsyncConnection) -> dict[str, list[Any]]:
    return {
        table: list((await conn.execute(text(f"SELECT {columns} FROM {table} ORDER BY {columns}"))).all())
        for table, columns in TABLES.items()
    }


async def _indexes(conn: AsyncConnection) -> dict[str, dict[str, str]]:
    return {
        table: {row.relname: row.definition for row in (await conn.execute(_INDEXES, {"table": table})).all()}
        for table in TABLES
    }


def _to(connection: Connection, revision: str, *, back: bool = False) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    (command.downgrade if back else command.upgrade)(config, revision)
