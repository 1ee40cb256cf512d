"""Old months go from an office's tables, and nothing open goes with them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest
from sqlalchemy import text

from services.kernel.bulk import Writes
from services.kernel.connection import Connection, DatabaseError
from services.kernel.crypto import Keyring
from services.kernel.database import Database
from services.office.inbox import actions as inbox
from services.office.inbox import store
from services.office.inbox.actions import DOCUMENT, RECEIPT, NewItem
from services.office.inbox.store import Sight
from tests.integration.office.old_rows import (
    LAG,
    NOW,
    ORGAN,
    Rows,
    from_outside,
    made_at,
    months_ago,
    retention,
)

KEYRING = Keyring({"k1": b"k" * 32}, "k1")
LEDGER = ("transfer", "transfer_delivery", "transfer_answer")
ALL = Sight(["dossier", "document", "status", "receipt"])


@pytest.fixture
async def url(make_database: Callable[[], str]) -> str:
    return make_database()


@pytest.fixture
async def rows(url: str) -> AsyncIterator[Rows]:
    database = Database(url)
    yield Rows(database)
    await database.aclose()


async def turn(rows: Rows) -> None:
    worker = retention(rows.database, KEYRING)
    await worker.turn()
    assert worker.part().ok, worker.part().detail


async def test_old_months_of_the_ledger_go_and_open_transfers_stay(rows: Rows) -> None:
    gone = [
        await rows.transfer(made_at(months_ago(30)), months_ago(30), "handed_over", "closed"),
        await rows.transfer(made_at(months_ago(30)), months_ago(30), state="refused"),
        await rows.transfer(made_at(months_ago(27)), months_ago(27), "refused", "handed_over"),
        await rows.transfer(from_outside(), months_ago(26), "handed_over", role="recipient"),
    ]
    open_ = [
        await rows.transfer(made_at(months_ago(27)), months_ago(27), state="accepted"),
        await rows.transfer(made_at(months_ago(27)), months_ago(27), "handed_over", "open"),
        await rows.transfer(from_outside(), months_ago(40), "open", "handed_over"),
    ]
    young = [
        await rows.transfer(made_at(months_ago(24)), months_ago(24), "handed_over"),
        await rows.transfer(made_at(months_ago(0)), months_ago(0), "handed_over"),
        await rows.transfer(from_outside(), months_ago(23), "handed_over", role="recipient"),
    ]
    await rows.cut()
    assert f"transfer_{months_ago(30):%Y_%m}" in await rows.parts("transfer")

    await turn(rows)

    assert await rows.left("transfer", "id", gone + open_ + young) == {*open_, *young}
    assert await rows.left("transfer_delivery", "transfer", gone + open_ + young) == {*open_[1:], *young}
    assert await rows.left("transfer_answer", "transfer", gone + open_ + young) == {*open_[1:], *young}
    for table in LEDGER:
        parts = await rows.parts(table)
        assert f"{table}_{months_ago(30):%Y_%m}" not in parts
        assert f"{table}_{months_ago(27):%Y_%m}" in parts, "what is open keeps its part"
        assert {f"{table}_{NOW:%Y_%m}", f"{table}_{months_ago(-2):%Y_%m}", f"{table}_rest"} <= set(parts)


async def test_what_was_open_goes_with_the_next_round_after_its_end(rows: Rows) -> None:
    transfer = await rows.transfer(made_at(months_ago(30)), months_ago(30), "handed_over", "open")
    await rows.cut()
    await turn(rows)
    assert await rows.left("transfer", "id", [transfer]) == {transfer}

    await rows.run("UPDATE transfer_delivery SET state = 'closed' WHERE transfer = :id", id=transfer)
    await turn(rows)

    for table, key in zip(LEDGER, ("id", "transfer", "transfer"), strict=True):
        assert await rows.left(table, key, [transfer]) == set()
        assert f"{table}_{months_ago(30):%Y_%m}" not in await rows.parts(table)


async def test_hub_time_far_from_machine_time_makes_nothing_older(rows: Rows) -> None:
    young = await rows.transfer(from_outside(), NOW - timedelta(days=3), "handed_over", role="recipient")
    item = await rows.item(from_outside(), NOW - timedelta(days=3), 1)
    await rows.run("INSERT INTO inbox_reader VALUES ('a', :organ, 'document', 1)", organ=ORGAN)

    await turn(rows)

    assert await rows.left("transfer", "id", [young]) == {young}
    assert await rows.left("inbox_item", "id", [item]) == {item}


async def test_settled_facts_go_and_unsettled_ones_stay(rows: Rows) -> None:
    async with rows.database.read() as conn:
        now = (await conn.execute(text("SELECT now()"))).scalar_one()
    old, young = now - timedelta(days=31), now - timedelta(days=29)
    gone = await rows.fact(old, closed_at=old)
    stays = [
        await rows.fact(old - timedelta(days=900), state="unsent"),
        await rows.fact(old - timedelta(days=900), state="sent"),
        await rows.fact(old - timedelta(days=900), state="routed"),
        await rows.fact(old, closed_at=young),
    ]

    await turn(rows)

    assert await rows.left("outbox", "envelope_id", [gone, *stays]) == set(stays)


async def test_old_items_go_when_somebody_acknowledged_them(rows: Rows) -> None:
    old = months_ago(14)
    below, unread, above = [await rows.item(made_at(old), old, place) for place in (1, 3, 5)]
    outside = [await rows.item(from_outside(), old, place) for place in (2, 7)]
    late = await rows.item(made_at(old), months_ago(3), 4)
    young = await rows.item(made_at(months_ago(12)), months_ago(12), 6)
    await rows.cut()
    await rows.run(
        "INSERT INTO inbox_reader VALUES ('a', :organ, 'document', 2), ('b', :organ, 'document', 0)", organ=ORGAN
    )
    await rows.run(
        "INSERT INTO inbox_ack VALUES ('a', :organ, 'document', 5), ('a', :organ, 'document', 6),"
        " ('b', :organ, 'document', 1)",
        organ=ORGAN,
    )

    await turn(rows)

    names = [below, unread, above, *outside, late, young]
    assert await rows.left("inbox_item", "id", names) == {unread, outside[1], late, young}


async def test_readers_go_on_behind_what_is_gone(rows: Rows) -> None:
    old = months_ago(14)
    for place in (1, 2, 3):
        await rows.item(made_at(old), old, place)
    await rows.item(made_at(months_ago(1)), months_ago(1), 4)
    await rows.run(
        "INSERT INTO inbox_reader VALUES ('a', :organ, 'document', 3), ('b', :organ, 'document', 0)", organ=ORGAN
    )
    await rows.run("INSERT INTO inbox_ack VALUES ('b', :organ, 'document', 2)", organ=ORGAN)
    await rows.cut()

    await turn(rows)
    await turn(rows)
    assert f"inbox_item_{old:%Y_%m}" not in await rows.parts("inbox_item")

    async with rows.database.transaction() as conn:
        for client in ("a", "b", "c"):
            for after in (0, 2):
                items = await store.read(conn, (client, ORGAN), sight=ALL, after=after, limit=10)
                assert [item["position"] for item in items] == [4]
    floors = await rows.column("SELECT floor FROM inbox_reader ORDER BY client_id")
    assert floors == [3, 3], "floors pass over what is gone"
    assert await rows.column("SELECT position FROM inbox_ack") == [], "so that nothing is kept for it"
    async with rows.database.transaction() as conn:
        await conn.execute(text("INSERT INTO inbox_counter VALUES (:organ, 4)"), {"organ": ORGAN})
        await add(conn, [_news(made_at(NOW))])
    async with rows.database.transaction() as conn:
        (first, second) = await store.read(conn, ("b", ORGAN), sight=ALL, after=3, limit=10)
        taken = await inbox.acknowledge(conn, ("b", ORGAN), [second["id"], first["id"]], ALL.kinds)
    assert [first["position"], second["position"]] == [4, 5]
    assert taken == ([second["id"], first["id"]], [])


async def test_word_about_a_transfer_lies_in_its_month_and_is_added_once(rows: Rows) -> None:
    transfer = made_at(months_ago(2))
    for _ in range(2):
        async with rows.database.transaction() as conn:
            await add(conn, [_news(transfer, kind=RECEIPT), _news(from_outside())])

    await rows.cut()
    part = f"inbox_item_{months_ago(2):%Y_%m}"
    (made,) = await rows.column("SELECT id FROM inbox_item WHERE kind = 'receipt'")
    assert made[:14] == transfer[:14]
    assert made != transfer
    assert await rows.column(f"SELECT id FROM {part}") == [made]
    assert sorted(await rows.column("SELECT position FROM inbox_item WHERE kind = 'document'")) == [2, 4]


async def test_receipts_go_with_the_ledger(rows: Rows) -> None:
    gone = [
        await rows.receipt(made_at(months_ago(25)), months_ago(25)),
        await rows.receipt(from_outside(), months_ago(25)),
    ]
    stays = [
        await rows.receipt(made_at(months_ago(25)), months_ago(2)),
        await rows.receipt(made_at(months_ago(24)), months_ago(24)),
        await rows.receipt(from_outside(), months_ago(2)),
    ]
    await rows.cut()

    await turn(rows)

    assert await rows.left("receipt", "transfer", gone + stays) == set(stays)


async def test_record_of_reads_goes_by_whole_months_and_by_nobodys_hand(rows: Rows) -> None:
    for months in (40, 27, 26, 23, 0):
        await rows.access(months_ago(months))
    assert len(await rows.column("SELECT subject FROM access_rest")) == 5

    await turn(rows)

    kept = [f"{months_ago(months):%Y-%m}" for months in (23, 0)]
    assert sorted(await rows.column("SELECT subject FROM access")) == sorted(kept)
    assert await rows.column("SELECT subject FROM access_rest") == []
    hub = NOW + LAG
    await rows.access(NOW)
    here = f"access_{hub:%Y_%m}"
    for change in (
        f"DELETE FROM {here}",
        f"TRUNCATE {here}",
        f"UPDATE {here} SET organ = ''",
        "TRUNCATE access_rest",
        "DELETE FROM access",
        "DELETE FROM access WHERE false",
        "TRUNCATE access",
    ):
        with pytest.raises(DatabaseError, match="never changed"):
            await rows.run(change)
    assert len(await rows.column("SELECT subject FROM access")) == 3
    await rows.run("INSERT INTO access (at, client_id, organ, action, subject) VALUES ('2021-01-01', '', '', '', '')")
    with pytest.raises(DatabaseError, match="never changed"):
        await rows.run("DELETE FROM access_rest")
    positions = await rows.column("SELECT position FROM access")
    assert len(set(positions)) == len(positions)


async def test_dead_letters_go_once_they_are_in_the_list(rows: Rows) -> None:
    for name, sent, months in (("unsent", False, 30), ("old", True, 13), ("young", True, 12)):
        await rows.run(
            "INSERT INTO dead_letter (topic, log_partition, log_offset, headers, verdict, sent, created_at)"
            " VALUES (:name, 0, 0, '[]', '{}', :sent, :at)",
            name=name, sent=sent, at=months_ago(months),
        )  # fmt: skip

    await turn(rows)

    assert sorted(await rows.column("SELECT topic FROM dead_letter")) == ["unsent", "young"]


async def test_several_purge_at_once(rows: Rows, url: str) -> None:
    gone, stays = [], []
    for months in range(25, 37):
        at = months_ago(months)
        gone += [await rows.transfer(made_at(at), at, "handed_over") for _ in range(3)]
        if months % 2:
            stays.append(await rows.transfer(made_at(at), at, "open", "handed_over"))
        await rows.access(at)
    await rows.cut()
    second = Database(url)
    try:
        workers = [
            retention(database, KEYRING, holder=name)
            for name, database in (("one", rows.database), ("two", second), ("three", second))
        ]
        for _ in range(3):
            await asyncio.gather(*(worker.turn() for worker in workers))
    finally:
        await second.aclose()
    await turn(rows)

    assert await rows.left("transfer", "id", gone + stays) == set(stays)
    assert await rows.left("transfer_answer", "transfer", gone + stays) == set(stays)
    old = [f"transfer_{months_ago(months):%Y_%m}" for months in range(25, 37)]
    assert set(old) & set(await rows.parts("transfer")) == set(old[::2])


async def add(conn: Connection, items: list[NewItem]) -> None:
    writes = Writes()
    inbox.add(writes, items, NOW)
    await writes.run(conn)


def _news(transfer: str, *, kind: str = DOCUMENT) -> NewItem:
    return NewItem(
        organ=ORGAN,
        transfer=transfer,
        kind=kind,
        type="document.issued",
        subject="s",
        sender="x",
        href="/v1",
        data=b"{}",
    )
