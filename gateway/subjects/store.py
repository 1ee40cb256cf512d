"""Locks, reads and saves subjects for a chunk: a handful of statements, however many facts it holds."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import text

from contracts.custody import Dossier
from contracts.protocol import Offer, Stamp
from gateway.subjects.model import document, dossier, emitter, hop_counter, subject
from gateway.subjects.rules import DocumentState, SubjectState
from services.kernel.bulk import insert_many, upsert
from services.kernel.database import Connection

_LOCK = text("SELECT subject FROM subject WHERE subject = ANY(CAST(:subjects AS text[])) ORDER BY subject FOR UPDATE")
_READ = {
    table.name: text(f"SELECT * FROM {table.name} WHERE subject = ANY(CAST(:subjects AS text[]))")  # noqa: S608
    for table in (emitter, hop_counter, dossier, document)
}


async def lock(
    connection: Connection, subjects: Iterable[str], *, existing: Iterable[str] = ()
) -> dict[str, SubjectState]:
    """Locks the subjects' rows in sorted order (made when new) and reads what is known of them.

    Whoever comes second waits here, so what is read afterwards is what the first one committed. Rows are never made
    for `existing`, which receipts name: a receipt about nothing must not leave a trace.
    """
    wanted = sorted(set(subjects))
    names = sorted({*wanted, *existing})
    if not names:
        return {}
    await insert_many(connection, subject, [{"subject": name} for name in wanted], "ON CONFLICT DO NOTHING")
    await connection.execute(_LOCK, {"subjects": names})
    states = {name: SubjectState(subject=name) for name in names}
    for row in await _rows(connection, emitter.name, wanted):  # only facts are numbered by their emitters
        states[row["subject"]].emitters[row["emitter"]] = row["last"]
    for row in await _rows(connection, hop_counter.name, names):
        states[row["subject"]].hops[row["office"]] = row["last"]
    for row in await _rows(connection, dossier.name, names):
        states[row["subject"]].dossier = _dossier(row)
    for row in await _rows(connection, document.name, names):
        states[row["subject"]].document = _document(row)
    return states


async def documents(connection: Connection, subjects: Iterable[str]) -> dict[str, DocumentState]:
    """Those of these that were issued, without lock: a document that is known stays known."""
    names = sorted(set(subjects))
    return {row["subject"]: _document(row) for row in await _rows(connection, document.name, names)} if names else {}


async def save(connection: Connection, states: Iterable[SubjectState], now: datetime) -> None:
    """Writes back what changed, in sorted order."""
    touched = sorted((state for state in states if state.changed), key=lambda state: state.subject)
    emitters = [
        {"subject": state.subject, "emitter": name, "last": last}
        for state in touched
        if "emitters" in state.changed
        for name, last in state.emitters.items()
    ]
    await insert_many(connection, emitter, emitters, upsert("subject", "emitter", update=["last"]))
    hops = [
        {"subject": state.subject, "office": name, "last": last}
        for state in touched
        if "hops" in state.changed
        for name, last in state.hops.items()
    ]
    await insert_many(connection, hop_counter, hops, upsert("subject", "office", update=["last"]))
    dossiers = [
        _dossier_row(state.subject, state.dossier, now)
        for state in touched
        if state.dossier and "dossier" in state.changed
    ]
    await insert_many(
        connection, dossier, dossiers, upsert("subject", update=list(dossiers[0])[1:] if dossiers else [])
    )
    documents = [
        _document_row(state.subject, state.document)
        for state in touched
        if state.document and "document" in state.changed
    ]
    await insert_many(connection, document, documents, _replace(documents))


def _replace(rows: list[dict[str, Any]]) -> str:
    return upsert("subject", update=[name for name in rows[0] if name != "subject"]) if rows else ""


async def _rows(connection: Connection, table: str, subjects: list[str]) -> list[Any]:
    if not subjects:
        return []
    return list((await connection.execute(_READ[table], {"subjects": subjects})).mappings())


def _dossier(row: Any) -> Dossier:
    offer = row["offer"].split(",") if row["offer"] else []
    return Dossier(
        stamp=Stamp(
            status=row["status"],
            custodian=row["custodian"],
            epoch=row["epoch"],
            version=row["version"],
            offer=Offer(*offer) if offer else None,
        ),
        receiver=row["receiver"],
        parties=tuple(row["parties"].split(",")),
    )


def _dossier_row(name: str, state: Dossier, now: datetime) -> dict[str, Any]:
    stamp = state.stamp
    offer = stamp.offer
    return {
        "subject": name,
        "receiver": state.receiver,
        "parties": ",".join(state.parties),
        "status": stamp.status,
        "custodian": stamp.custodian,
        "epoch": stamp.epoch,
        "version": stamp.version,
        "offer": f"{offer.id},{offer.giver},{offer.taker}" if offer else "",
        "changed_at": now,
    }


def _document(row: Any) -> DocumentState:
    return DocumentState(
        sender=row["sender"],
        document_id=row["document_id"],
        issued_source=row["issued_source"],
        issued_id=row["issued_id"],
        recipients=tuple(part for part in row["recipients"].split(",") if part),
        code=row["code"],
        promulgated_on=row["promulgated_on"],
    )


def _document_row(name: str, state: DocumentState) -> dict[str, Any]:
    return {
        "subject": name,
        "sender": state.sender,
        "document_id": state.document_id,
        "issued_source": state.issued_source,
        "issued_id": state.issued_id,
        "recipients": ",".join(state.recipients),
        "code": state.code,
        "promulgated_on": state.promulgated_on,
    }
