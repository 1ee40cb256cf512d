"""What the stand-in of the national axis holds, in one SQLite file: nothing answered with OK is lost by a restart.

A message is kept once; each receiver has a delivery with a DocId of its own. Calls block: run them in a thread.
"""

import hashlib
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid5

_DOC_IDS: Final = UUID("5b1c9b6e-3d0f-5c51-9a52-7f0f6d2c8e11")

_SCHEMA: Final = """
create table if not exists message (
    doc_id text primary key, message_type text not null, sender text not null, system_id text,
    document_id text not null, sha256 text not null, data blob not null, created_at text not null
);
create table if not exists delivery (
    seq integer primary key autoincrement, doc_id text not null unique, message text not null references message,
    organ text not null, system_id text, status text not null, description text not null default '',
    updated_at text not null, todo text not null default ''
);
create index if not exists delivery_waiting on delivery (system_id, seq) where status <> 'done';
create index if not exists delivery_todo on delivery (seq) where todo <> '';
"""


@dataclass(frozen=True, slots=True)
class Letter:
    """A message to keep. `system_id` is the client that sent it, None for the axis's own organs."""

    message_type: str
    sender: str
    document_id: str
    data: bytes
    system_id: str | None = None


@dataclass(frozen=True, slots=True)
class Receiver:
    """Where a copy goes: to a client's list, or to an organ of the axis that answers with the codes of `plan`."""

    organ: str
    system_id: str | None = None
    plan: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery to an organ of the axis, the status code it answers next, and the message with its client."""

    doc_id: str
    organ: str
    code: str
    data: bytes
    system_id: str | None


class AxisStore:
    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("pragma journal_mode = wal")
        self._connection.execute("pragma synchronous = full")
        self._connection.executescript(_SCHEMA)

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def accept(self, letter: Letter, receivers: Sequence[Receiver], at: datetime, *, copies: int = 1) -> str:
        """The DocId; the same sender and bytes get the same one and no second delivery."""
        with self._transaction() as connection:
            return _insert(connection, letter, receivers, at, copies)

    def waiting(self, system_id: str, message_type: str, *, limit: int, offset: int) -> list[dict[str, Any]]:
        """Deliveries the client has not said `done` to, oldest first."""
        with self._transaction() as connection:
            rows = connection.execute(
                "select d.doc_id, d.organ, d.status, d.description, d.updated_at, m.message_type, m.sender,"
                " m.created_at"
                " from delivery d join message m on m.doc_id = d.message"
                " where d.system_id = ? and d.status <> 'done' and m.message_type = ?"
                " order by d.seq limit ? offset ?",
                (system_id, message_type, limit, offset),
            )
            return [dict(row) for row in rows]

    def fetch(self, system_id: str, doc_id: str) -> tuple[str, bytes, datetime] | None:
        """Message type, bytes as sent and time of acceptance of a delivery of this client."""
        with self._transaction() as connection:
            row = connection.execute(
                "select m.message_type, m.data, m.created_at from delivery d join message m on m.doc_id = d.message"
                " where d.doc_id = ? and d.system_id = ?",
                (doc_id, system_id),
            ).fetchone()
            return (row[0], row[1], datetime.fromisoformat(row[2])) if row else None

    def mark(self, system_id: str, doc_id: str, status: str, description: str, at: datetime) -> bool:
        """Whether the client has such a delivery. What is done stays done."""
        with self._transaction() as connection:
            known = connection.execute(
                "select 1 from delivery where doc_id = ? and system_id = ?", (doc_id, system_id)
            ).fetchone()
            connection.execute(
                "update delivery set status = ?, description = ?, updated_at = ?"
                " where doc_id = ? and system_id = ? and status <> 'done'",
                (status, description, at.isoformat(), doc_id, system_id),
            )
            return known is not None

    def next_to_answer(self) -> Due | None:
        """The oldest delivery with an answer due."""
        with self._transaction() as connection:
            row = connection.execute(
                "select d.doc_id, d.organ, d.todo, m.data, m.system_id from delivery d"
                " join message m on m.doc_id = d.message"
                " where d.todo <> '' order by d.seq limit 1"
            ).fetchone()
            return Due(row[0], row[1], row[2].split(",")[0], row[3], row[4]) if row else None

    def answer(self, doc_id: str, code: str, letter: Letter, receiver: Receiver, at: datetime) -> None:
        """Keeps the answer and takes its code off the list of those due, together; a repeat changes nothing."""
        with self._transaction() as connection:
            row = connection.execute("select todo from delivery where doc_id = ?", (doc_id,)).fetchone()
            due = row[0].split(",") if row else []
            if due[:1] != [code]:
                return
            _insert(connection, letter, [receiver], at, 1, key=f"{doc_id}\n{code}")
            connection.execute(
                "update delivery set status = 'done', todo = ?, updated_at = ? where doc_id = ?",
                (",".join(due[1:]), at.isoformat(), doc_id),
            )

    def from_clients(self) -> list[dict[str, Any]]:
        """What clients sent, oldest first, without the bytes."""
        with self._transaction() as connection:
            rows = connection.execute(
                "select m.doc_id, m.message_type, m.sender, m.document_id, m.sha256, m.created_at as received_at,"
                " group_concat(d.organ) as organs from message m left join delivery d on d.message = m.doc_id"
                " where m.system_id is not null group by m.doc_id order by m.rowid"
            )
            return [{**dict(row), "organs": (row["organs"] or "").split(",")} for row in rows]

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._connection.execute("begin immediate")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("rollback")
                raise
            self._connection.execute("commit")


def _insert(
    connection: sqlite3.Connection,
    letter: Letter,
    receivers: Sequence[Receiver],
    at: datetime,
    copies: int,
    *,
    key: str | None = None,
) -> str:
    digest = hashlib.sha256(letter.data).hexdigest()
    doc_id = str(uuid5(_DOC_IDS, key or f"{letter.sender.upper()}\n{digest}"))
    connection.execute(
        "insert or ignore into message values (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            doc_id,
            letter.message_type,
            letter.sender,
            letter.system_id,
            letter.document_id,
            digest,
            letter.data,
            at.isoformat(),
        ),
    )
    for copy in range(copies):
        for receiver in receivers:
            own_id = str(uuid5(_DOC_IDS, f"{doc_id}\n{receiver.organ.upper()}\n{copy}"))
            connection.execute(
                "insert or ignore into delivery (doc_id, message, organ, system_id, status, updated_at, todo)"
                " values (?, ?, ?, ?, 'initial', ?, ?)",
                (own_id, doc_id, receiver.organ, receiver.system_id, at.isoformat(), ",".join(receiver.plan)),
            )
    return doc_id
