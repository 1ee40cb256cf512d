"""The rows of dossiers that are stored, as SQL: one query a table, made from the same numbers in each database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

ORGANS: Final = """
    CREATE TEMP TABLE bench_organ (role text, number int, code text) ON COMMIT DROP;
    CREATE TEMP TABLE bench_reader (client_id text, organ text) ON COMMIT DROP;
    CREATE TEMP TABLE bench_inbox (organ text, base bigint, items bigint) ON COMMIT DROP
"""

# $1 how many, $2 since when, $3 seconds between two, $4 senders, $5 deciders, $6 the first number. `id` is a UUIDv7 of
# the moment, `told` another one; `sent` and `came` count the dossiers of a sender and of a decider. In order of time:
# the series is what the joins go along. OFFSET 0: hash and moment are made once, not wherever they stand.
BASE: Final = """
    CREATE TEMP TABLE bench_dossier ON COMMIT DROP AS
    SELECT n.i, n.at, s.code AS sender, d.code AS decider, n.r / $4::int AS sent, n.r / $5::int AS came,
           s.code || '-' || to_char(n.at AT TIME ZONE 'UTC', 'YYYYMMDD') || '-' || lpad(n.i::text, 7, '0') AS code,
           substr(n.ms, 1, 8) || '-' || substr(n.ms, 9, 4) || '-7' || substr(n.md, 1, 3) || '-8' || substr(n.md, 4, 3)
               || '-' || substr(n.md, 7, 12) AS id,
           substr(n.ms, 1, 8) || '-' || substr(n.ms, 9, 4) || '-7' || substr(n.md, 14, 3) || '-9' || substr(n.md, 17, 3)
               || '-' || substr(n.md, 20, 12) AS told,
           n.md::uuid::text AS delivery
      FROM (SELECT r, i, at, md5(i::text) AS md, lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') AS ms
              FROM (SELECT r, $6::int + r AS i, $2::timestamptz + make_interval(secs => r * $3::float8) AS at
                      FROM generate_series(0, $1::int - 1) AS g(r)) AS t OFFSET 0) AS n
      JOIN bench_organ s ON s.role = 'sender' AND s.number = n.r % $4::int
      JOIN bench_organ d ON d.role = 'decider' AND d.number = n.r % $5::int
"""

INBOX: Final = (
    """
    WITH counted AS (SELECT :role AS organ, count(*) AS items FROM bench_dossier GROUP BY 1), taken AS (
        INSERT INTO inbox_counter AS c (organ, last) SELECT organ, items FROM counted ORDER BY organ
        ON CONFLICT (organ) DO UPDATE SET last = c.last + excluded.last RETURNING organ, last)
    INSERT INTO bench_inbox SELECT organ, last - items, items FROM taken JOIN counted USING (organ)
    """,
    """
    INSERT INTO inbox_reader AS r (client_id, organ, kind, floor)
    SELECT b.client_id, organ, :kind, i.base + i.items FROM bench_reader b JOIN bench_inbox i USING (organ)
    ON CONFLICT (client_id, organ, kind) DO UPDATE SET floor = excluded.floor
    """,
)
"""The positions of the items are taken, and counted as read by every system of the organ."""

_SOURCE: Final = "'urn:lienthong:h28:commune'"
_BODY: Final = """
    convert_to('{"procedure":"1.001612","deciding_organ":"' || decider || '","channel":1,"applicant":'
        || '{"kind":"citizen","name":"Nguyễn Thị Mẫu","id_number":"000000000000"},"summary":"' || i || '"}', 'UTF8')
"""
_LATER: Final = "at + interval '2 seconds'"
_PARTIES: Final = "sender || ',' || decider"


@dataclass(frozen=True, slots=True)
class Rows:
    """One row of a table for each dossier; `young`: only for those of the last month."""

    table: str
    columns: str
    values: str
    inbox: str = ""
    """Whose positions the values take."""
    young: bool = False

    def query(self, condition: str) -> str:
        """The rows of the dossiers for which this holds, in order of time."""
        joined = f"JOIN bench_inbox b ON b.organ = {self.inbox}" if self.inbox else ""
        return f"SELECT {self.values} FROM bench_dossier {joined} WHERE {condition}"


def _dossiers(holder: str) -> tuple[Rows, ...]:
    return (
        Rows(
            "dossier",
            "holder, code, procedure, receiver, decider, parties, summary, submitted, status, custodian, epoch,"
            " version, created_at",
            f"{holder}, code, '1.001612', sender, decider, {_PARTIES}, 'Hồ sơ ' || i, {_BODY}, 1, sender, 1, 1, at",
        ),
        Rows(
            "dossier_entry",
            "holder, code, transfer, type, action, actor, status, at, state",
            f"{holder}, code, id, 'dossier.submitted', 'submit', sender, 1, at, 'routed'",
        ),
    )


def _transfers(holder: str, role: str, delivery: str) -> tuple[Rows, ...]:
    return (
        Rows(
            "transfer",
            "holder, id, source, type, subject, sender, role, state, accepted_at",
            f"{holder}, id, {_SOURCE}, 'dossier.submitted', code, sender, '{role}', 'routed', at",
        ),
        Rows(
            "transfer_delivery",
            "holder, transfer, organ, delivery, via, state, handed_over_at",
            f"{holder}, id, decider, {delivery}, 'office', 'handed_over', {_LATER}",
        ),
    )


_ITEM: Final = "organ, position, id, kind, type, subject, sender, received_at, href, data"

_COMMUNE: Final = (
    Rows("subject", "subject, last_hop", "code, 0"),
    Rows("emission", "subject, organ, source, last", f"code, sender, {_SOURCE}, 1"),
    *_dossiers("sender"),
    *_transfers("sender", "sender", "delivery"),
    Rows(
        "inbox_item",
        _ITEM,
        f"sender, b.base + sent + 1, told, 'receipt', 'vn.lienthong.receipt.handed-over', code, 'gateway', {_LATER},"
        """ '/v1/transfers/' || id, convert_to('{"id":"' || id || '"}', 'UTF8')""",
        inbox="sender",
    ),
    Rows(
        "outbox",
        "source, envelope_id, topic, key, subject, organ, type, headers, value, digest, sequence, state, pending,"
        " attempts, created_at, sent_at, routed_at, closed_at",
        f"{_SOURCE}, id, 'ingest.commune', code, code, sender, 'dossier.submitted', '[]', {_BODY}, sha256(id::bytea),"
        f" 1, 'settled', false, 1, at, at, {_LATER}, {_LATER}",
        young=True,
    ),
)

_PROVINCE: Final = (
    Rows("subject", "subject, last_hop", "code, 1"),
    *_dossiers("decider"),
    *_transfers("decider", "recipient", "NULL"),
    Rows(
        "inbox_item",
        _ITEM,
        f"decider, b.base + came + 1, id, 'dossier', 'vn.lienthong.dossier.submitted', code, sender, {_LATER},"
        f" '/v1/dossiers/' || code, {_BODY}",
        inbox="decider",
    ),
    Rows(
        "receipt",
        "transfer, subject, hopsequence, at, item",
        f"""id, code, 1, {_LATER},
            convert_to(format('{{"source":%s,"id":"%s","subject":"%s","organ":"%s","hopsequence":1}}',
                              '"urn:lienthong:h28:commune"', id, code, decider), 'UTF8')""",
    ),
)

_GATEWAY: Final = (
    Rows("subject", "subject, created_at", "code, at"),
    Rows("emitter", "subject, emitter, last", f"code, {_SOURCE} || '|' || sender, 1"),
    Rows("hop_counter", "subject, office, last", "code, 'province', 1"),
    Rows(
        "dossier",
        "subject, receiver, parties, status, custodian, epoch, version, offer, changed_at",
        f"code, sender, {_PARTIES}, 1, sender, 1, 1, '', at",
    ),
    Rows(
        "transfer",
        "source, id, digest, type, version, subject, sender, system, origin, sequence, stamp, priority, traceparent,"
        " time, accepted_at, state, verdict, route",
        f"""{_SOURCE}, id, sha256(id::bytea), 'dossier.submitted', 1, code, sender, 'stored', 'commune', 1,
            '1;' || sender || ';1;1;', 0, '', at, at, 'handed_over', '',
            format('[{{"written":["%s"],"organ":"%s","level":"province","via":"office","redirected_from":null,'
                   '"problem":null}}]', decider, decider)""",
    ),
    Rows(
        "delivery",
        "id, source, transfer_id, subject, organ, level, sender_level, via, redirected_from, office, hopsequence,"
        " state, code, opened_at, handed_over_at",
        f"delivery, {_SOURCE}, id, code, decider, 'province', 'commune', 'office', '', 'province', 1, 'handed_over',"
        f" '', at, {_LATER}",
    ),
    Rows(
        "hop",
        "source, transfer_id, subject, office, hopsequence, recipients, pending, done, attempts, created_at, done_at",
        f"{_SOURCE}, id, code, 'province', 1, decider, false, true, 1, at, {_LATER}",
        young=True,
    ),
    Rows("payload", "source, id, sealed", f"{_SOURCE}, id, {_BODY}", young=True),
)

ROWS: Final = {"commune": _COMMUNE, "province": _PROVINCE, "gateway": _GATEWAY}
