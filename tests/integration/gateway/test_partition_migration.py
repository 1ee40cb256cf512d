"""The version that cuts tables into months carries every row over, both ways, and goes on counting above them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid5

import uuid_utils
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

import gateway.schema
from contracts.identifiers import HUB_NAMESPACE
from deploy.local.postgres import Postgres
from services.kernel.database import sqlalchemy_url

HISTORY = Path(gateway.schema.__file__).parent / "migrations"
BEFORE, CUT = "c4a1e0d2b602", "c4a1e0d2b603"
TABLES = ("transfer", "payload", "delivery", "answer", "event", "hop")

_ROWS = """
    INSERT INTO transfer (source, id, digest, type, version, subject, sender, system, origin, sequence, stamp, priority,
                          traceparent, time, accepted_at, state, verdict, route)
    SELECT 's', id, '', 't', 1, id, 'o', 'x', 'commune', 1, '', 0, '', at, at, 'routed', '', '' FROM given;
    INSERT INTO payload (source, id, sealed) SELECT 's', id, 'sealed' FROM given;
    INSERT INTO delivery (id, source, transfer_id, subject, organ, level, sender_level, via, redirected_from, office,
                          hopsequence, state, code, opened_at)
    SELECT id, 's', id, id, 'o', '', '', 'office', '', 'province', 1, 'open', '', at FROM given;
    INSERT INTO answer (subject, organ, source, transfer_id, code, at, received_at)
    SELECT id, 'o', 's', id, '', at, at FROM given;
    INSERT INTO event (event_id, topic, subject, headers, value, created_at)
    SELECT id, 't', id, '{}', '', at FROM given;
    INSERT INTO hop (source, transfer_id, subject, office, hopsequence, recipients, done)
    SELECT 's', id, id, 'province', 1, 'o', true FROM given;
    DELETE FROM event WHERE id = (SELECT max(id) FROM event);
"""


def _given() -> list[tuple[str, datetime]]:
    """Three months, this one among them, a future one, one of another century, and an id without a time."""
    now = datetime.now(UTC)
    moments = [now, now - timedelta(days=40), now - timedelta(days=400), now + timedelta(days=700)]
    moments.append(datetime(1999, 1, 1, tzinfo=UTC))
    timed = [(str(UUID(f"{int(at.timestamp() * 1000):012x}7{0:03x}8{0:015x}")), at) for at in moments]
    return [*timed, (str(uuid5(HUB_NAMESPACE, "axis")), now)]


def _migrate(connection: Connection, revision: str, *, down: bool = False) -> None:
    config = Config()
    config.set_main_option("script_location", str(HISTORY))
    config.attributes["connection"] = connection
    (command.downgrade if down else command.upgrade)(config, revision)
    connection.commit()


def _rows(connection: Connection) -> dict[str, list[str]]:
    """Every row as text, without the columns that only the later version has."""
    found = {
        table: connection.execute(text(f"SELECT (to_jsonb(t) - 'done_at')::text FROM {table} t ORDER BY 1")).scalars()
        for table in TABLES
    }
    return {table: list(rows) for table, rows in found.items()}


def _names(connection: Connection) -> list[str]:
    """Indexes and what they say, and the columns with their types and collations."""
    indexes = "SELECT indexdef FROM pg_indexes WHERE tablename = ANY(:tables) ORDER BY indexname"
    columns = (
        "SELECT concat_ws(' ', table_name, column_name, data_type, collation_name, is_nullable, column_default,"
        " is_identity) FROM information_schema.columns WHERE table_name = ANY(:tables) ORDER BY 1"
    )
    return [
        line
        for each in (indexes, columns)
        for line in connection.execute(text(each), {"tables": list(TABLES)}).scalars()
    ]


def _parts(connection: Connection, table: str) -> dict[str, int]:
    names = connection.execute(
        text(f"SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = '{table}'::regclass")
    ).scalars()
    return {name: connection.execute(text(f"SELECT count(*) FROM {name}")).scalar_one() for name in list(names)}


def _journey(connection: Connection) -> None:
    _migrate(connection, BEFORE)
    given = _given()
    connection.execute(text("CREATE TEMPORARY TABLE given (id text, at timestamptz)"))
    connection.execute(text("INSERT INTO given VALUES (:id, :at)"), [{"id": id_, "at": at} for id_, at in given])
    for statement in _ROWS.split(";\n"):
        if statement.strip():
            connection.execute(text(statement))
    connection.commit()
    rows, names = _rows(connection), _names(connection)
    _migrate(connection, CUT)
    assert _rows(connection) == rows
    parts = _parts(connection, "transfer")
    assert parts.pop("transfer_rest") == 3, "a far future, another century, no time"
    months = {f"transfer_{at:%Y_%m}" for _, at in given[:3]}
    assert {name for name, count in parts.items() if count} == months
    assert len(parts) == len(months) + 2, "and those of the two months to come"
    assert _next_event(connection) == len(given) + 1
    rows = _rows(connection)
    _migrate(connection, BEFORE, down=True)
    assert _rows(connection) == rows
    assert _names(connection) == names
    assert _parts(connection, "transfer") == {}
    assert _next_event(connection) == len(given) + 2
    _migrate(connection, CUT)
    assert _next_event(connection) == len(given) + 3


def _next_event(connection: Connection) -> int:
    made: int = connection.execute(
        text(
            "INSERT INTO event (event_id, topic, subject, headers, value) VALUES ('e', 't', 's', '{}', '') RETURNING id"
        )
    ).scalar_one()
    connection.commit()
    return made


async def test_rows_of_several_months_are_cut_and_joined_again(postgres: Postgres) -> None:
    name = f"cut_{uuid_utils.uuid7().hex[-12:]}"
    postgres.create_database(name)
    engine = create_async_engine(sqlalchemy_url(postgres.url(name)), connect_args={"statement_cache_size": 0})
    try:
        async with engine.connect() as conn:
            await conn.run_sync(_journey)
    finally:
        await engine.dispose()
    postgres.drop_database(name)
