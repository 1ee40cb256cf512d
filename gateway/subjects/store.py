"""Locks, reads and saves subjects for a chunk: one statement each, however many facts it holds."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from contracts.custody import Dossier
from contracts.protocol import Offer, Stamp
from gateway.subjects.model import document, dossier, emitter, hop_counter
from gateway.subjects.rules import DocumentState, SubjectState
from services.kernel.bulk import Reads, Writes, planned_once, upsert
from services.kernel.connection import Connection

_LOCK = planned_once("""
    SELECT subject FROM subject WHERE subject = ANY(CAST(:subjects AS text[])) ORDER BY subject FOR UPDATE
""")
# `WHERE false`: a row that is there is locked and left as it is. Only those made here are returned.
_LOCK_OR_MAKE = planned_once("""
    INSERT INTO subject (subject)
    SELECT subject FROM unnest(CAST(:wanted AS text[])) AS w(subject) UNION ALL
    SELECT subject FROM subject WHERE subject = ANY(CAST(:existing AS text[])) ORDER BY subject
        ON CONFLICT (subject) DO UPDATE SET subject = excluded.subject WHERE false
    RETURNING subject
""")
_DOSSIER = ("subject", "receiver", "parties", "status", "custodian", "epoch", "version", "offer")
_DOCUMENT = (
    "subject", "sender", "document_id", "issued_source", "issued_id", "recipients", "code", "promulgated_on",
)  # fmt: skip
_READ = {
    name: f"SELECT ROW({', '.join(columns)}) FROM {name} WHERE subject = ANY(CAST(:subjects AS text[]))"  # noqa: S608
    for name, columns in (
        (emitter.name, ("subject", "emitter", "last")),
        (hop_counter.name, ("subject", "office", "last")),
        (dossier.name, _DOSSIER),
        (document.name, _DOCUMENT),
    )
}


async def hold(
    connection: Connection, subjects: Iterable[str], *, existing: Iterable[str] = ()
) -> tuple[dict[str, SubjectState], set[str]]:
    """Locks the subjects' rows in sorted order (made when new); their states, still empty, and which are new.

    Whoever comes second waits here, so what is read in a later statement is what the first one committed. Rows are
    never made for `existing`, which receipts name: a receipt about nothing must not leave a trace.
    """
    wanted = set(subjects)
    names = sorted({*wanted, *existing})
    made: set[str] = set()
    if wanted:
        values = {"wanted": sorted(wanted), "existing": [name for name in names if name not in wanted]}
        made = set((await connection.execute(_LOCK_OR_MAKE, values)).scalars())
    elif names:
        await connection.execute(_LOCK, {"subjects": names})
    return {name: SubjectState(subject=name) for name in names}, made


def read(
    reads: Reads,
    states: Mapping[str, SubjectState],
    *,
    dossiers: Sequence[str],
    numbered: Sequence[str] = (),
    documents: Sequence[str] = (),
) -> None:
    """Fills in what is known of subjects that are held: dossiers, the counters of those `numbered`, documents."""
    for table, names, taken in (
        (dossier.name, dossiers, _take_dossiers),
        (emitter.name, numbered, _take_emitters),
        (hop_counter.name, numbered, _take_hops),
        (document.name, documents, _take_documents),
    ):
        if names:
            reads.add(_READ[table], {"subjects": names}, partial(taken, states))


def _take_dossiers(states: Mapping[str, SubjectState], rows: Sequence[Any]) -> None:
    for row in rows:
        states[row[0]].dossier = _dossier(dict(zip(_DOSSIER, row, strict=True)))


def _take_emitters(states: Mapping[str, SubjectState], rows: Sequence[Any]) -> None:
    for name, by, last in rows:
        states[name].emitters[by] = last


def _take_hops(states: Mapping[str, SubjectState], rows: Sequence[Any]) -> None:
    for name, office, last in rows:
        states[name].hops[office] = last


def _take_documents(states: Mapping[str, SubjectState], rows: Sequence[Any]) -> None:
    for name, issued in _documents(rows).items():
        states[name].document = issued


async def lock(
    connection: Connection, subjects: Iterable[str], *, existing: Iterable[str] = ()
) -> dict[str, SubjectState]:
    """Holds the subjects and reads all that is known of them."""
    states, _ = await hold(connection, subjects, existing=existing)
    names, reads = sorted(states), Reads()
    read(reads, states, dossiers=names, numbered=names, documents=names)
    await reads.run(connection)
    return states


def read_documents(reads: Reads, subjects: Iterable[str], into: dict[str, DocumentState]) -> None:
    """Those of these that were issued, without lock: a document that is known stays known."""
    if names := sorted(set(subjects)):
        reads.add(_READ[document.name], {"subjects": names}, lambda rows: into.update(_documents(rows)))


async def documents(connection: Connection, subjects: Iterable[str]) -> dict[str, DocumentState]:
    """As `read_documents`, at once."""
    known: dict[str, DocumentState] = {}
    reads = Reads()
    read_documents(reads, subjects, known)
    await reads.run(connection)
    return known


def save(writes: Writes, states: Iterable[SubjectState], now: datetime) -> None:
    """Writes back what changed, in sorted order."""
    touched = sorted((state for state in states if state.changed), key=lambda state: state.subject)
    emitters = [
        {"subject": state.subject, "emitter": name, "last": last}
        for state in touched
        if "emitters" in state.changed
        for name, last in state.emitters.items()
    ]
    writes.insert(emitter, emitters, upsert("subject", "emitter", update=["last"]))
    hops = [
        {"subject": state.subject, "office": name, "last": last}
        for state in touched
        if "hops" in state.changed
        for name, last in state.hops.items()
    ]
    writes.insert(hop_counter, hops, upsert("subject", "office", update=["last"]))
    dossiers = [
        _dossier_row(state.subject, state.dossier, now)
        for state in touched
        if state.dossier and "dossier" in state.changed
    ]
    writes.insert(dossier, dossiers, _replace(dossiers))
    documents = [
        _document_row(state.subject, state.document)
        for state in touched
        if state.document and "document" in state.changed
    ]
    writes.insert(document, documents, _replace(documents))


def _replace(rows: list[dict[str, Any]]) -> str:
    return upsert("subject", update=[name for name in rows[0] if name != "subject"]) if rows else ""


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


def _documents(rows: Sequence[Any]) -> dict[str, DocumentState]:
    return {row[0]: _document(dict(zip(_DOCUMENT, row, strict=True))) for row in rows}


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
