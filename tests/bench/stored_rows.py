"""The rows of dossiers that are stored, as SQL: one statement a table, made from the same numbers in each database."""

from __future__ import annotations

from typing import Final

ORGANS: Final = """
    CREATE TEMP TABLE bench_organ (role text, number int, code text) ON COMMIT DROP;
    CREATE TEMP TABLE bench_reader (client_id text, organ text) ON COMMIT DROP;
    CREATE TEMP TABLE bench_inbox (organ text, base bigint, items bigint) ON COMMIT DROP
"""

# $1 how many, $2 since when, $3 seconds between two, $4 senders, $5 deciders, $6 the first number. `id` is a UUIDv7 of
# the moment, `told` another one; `sent` and `came` count the dossiers of a sender and of a decider. In order of code:
# each table is filled in the order of its largest index, which is several times as fast as any other.
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
                      FROM generate_series(0, $1::int - 1) AS g(r)) AS t) AS n
      JOIN bench_organ s ON s.role = 'sender' AND s.number = n.r % $4::int
      JOIN bench_organ d ON d.role = 'decider' AND d.number = n.r % $5::int
     ORDER BY s.code, n.i
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


def _dossiers(holder: str) -> tuple[str, ...]:
    return (
        f"""
        INSERT INTO dossier (holder, code, procedure, receiver, decider, parties, summary, submitted, status, custodian,
                             epoch, version, created_at)
        SELECT {holder}, code, '1.001612', sender, decider, {_PARTIES}, 'Hồ sơ ' || i, {_BODY}, 1, sender, 1, 1, at
          FROM bench_dossier ORDER BY {holder}, code
        """,
        f"""
        INSERT INTO dossier_entry (holder, code, transfer, type, action, actor, status, at, state)
        SELECT {holder}, code, id, 'dossier.submitted', 'submit', sender, 1, at, 'routed'
          FROM bench_dossier ORDER BY {holder}, code
        """,
    )


def _transfers(holder: str, role: str, delivery: str) -> tuple[str, ...]:
    return (
        f"""
        INSERT INTO transfer (holder, id, source, type, subject, sender, role, state, accepted_at)
        SELECT {holder}, id, {_SOURCE}, 'dossier.submitted', code, sender, '{role}', 'routed', at
          FROM bench_dossier ORDER BY i
        """,
        f"""
        INSERT INTO transfer_delivery (holder, transfer, organ, delivery, via, state, handed_over_at)
        SELECT {holder}, id, decider, {delivery}, 'office', 'handed_over', {_LATER} FROM bench_dossier ORDER BY i
        """,
    )


_COMMUNE: Final = (
    "INSERT INTO subject (subject, last_hop) SELECT code, 0 FROM bench_dossier",
    f"INSERT INTO emission SELECT code, sender, {_SOURCE}, 1 FROM bench_dossier",
    *_dossiers("sender"),
    *_transfers("sender", "sender", "delivery"),
    """
    INSERT INTO inbox_item (organ, position, id, kind, type, subject, sender, received_at, href, data)
    SELECT sender, b.base + sent + 1, told, 'receipt', 'vn.lienthong.receipt.handed-over', d.code, 'gateway',
           at + interval '2 seconds', '/v1/transfers/' || id, convert_to('{"id":"' || id || '"}', 'UTF8')
      FROM bench_dossier d JOIN bench_inbox b ON b.organ = d.sender ORDER BY d.sender, d.i
    """,
    f"""
    INSERT INTO outbox (source, envelope_id, topic, key, subject, organ, type, headers, value, digest, sequence, state,
                        pending, attempts, created_at, sent_at, routed_at, closed_at)
    SELECT {_SOURCE}, id, 'ingest.commune', code, code, sender, 'dossier.submitted', '[]', {_BODY},
           sha256(id::bytea), 1, 'settled', false, 1, at, at, {_LATER}, {_LATER}
      FROM bench_dossier WHERE at >= :young ORDER BY i
    """,
)

_PROVINCE: Final = (
    "INSERT INTO subject (subject, last_hop) SELECT code, 1 FROM bench_dossier",
    *_dossiers("decider"),
    *_transfers("decider", "recipient", "NULL"),
    f"""
    INSERT INTO inbox_item (organ, position, id, kind, type, subject, sender, received_at, href, data)
    SELECT decider, b.base + came + 1, id, 'dossier', 'vn.lienthong.dossier.submitted', d.code, sender,
           {_LATER}, '/v1/dossiers/' || d.code, {_BODY}
      FROM bench_dossier d JOIN bench_inbox b ON b.organ = d.decider ORDER BY d.decider, d.i
    """,
    f"""
    INSERT INTO receipt (transfer, subject, hopsequence, at, item)
    SELECT id, code, 1, {_LATER},
           convert_to(format('{{"source":%s,"id":"%s","subject":"%s","organ":"%s","hopsequence":1}}',
                             '"urn:lienthong:h28:commune"', id, code, decider), 'UTF8')
      FROM bench_dossier ORDER BY i
    """,
)

_GATEWAY: Final = (
    "INSERT INTO subject (subject, created_at) SELECT code, at FROM bench_dossier",
    f"INSERT INTO emitter SELECT code, {_SOURCE} || '|' || sender, 1 FROM bench_dossier",
    "INSERT INTO hop_counter SELECT code, 'province', 1 FROM bench_dossier",
    f"""
    INSERT INTO dossier (subject, receiver, parties, status, custodian, epoch, version, offer, changed_at)
    SELECT code, sender, {_PARTIES}, 1, sender, 1, 1, '', at FROM bench_dossier
    """,
    f"""
    INSERT INTO transfer (source, id, digest, type, version, subject, sender, system, origin, sequence, stamp, priority,
                          traceparent, time, accepted_at, state, verdict, route)
    SELECT {_SOURCE}, id, sha256(id::bytea), 'dossier.submitted', 1, code, sender, 'stored', 'commune', 1,
           '1;' || sender || ';1;1;', 0, '', at, at, 'handed_over', '',
           format('[{{"written":["%s"],"organ":"%s","level":"province","via":"office","redirected_from":null,'
                  '"problem":null}}]', decider, decider)
      FROM bench_dossier ORDER BY i
    """,
    f"""
    INSERT INTO delivery (id, source, transfer_id, subject, organ, level, sender_level, via, redirected_from, office,
                          hopsequence, state, code, opened_at, handed_over_at)
    SELECT delivery, {_SOURCE}, id, code, decider, 'province', 'commune', 'office', '', 'province', 1, 'handed_over',
           '', at, {_LATER} FROM bench_dossier ORDER BY i
    """,
    f"""
    INSERT INTO hop (source, transfer_id, subject, office, hopsequence, recipients, pending, done, attempts, created_at,
                     done_at)
    SELECT {_SOURCE}, id, code, 'province', 1, decider, false, true, 1, at, {_LATER}
      FROM bench_dossier WHERE at >= :young ORDER BY i
    """,
    f"""
    INSERT INTO payload (source, id, sealed)
    SELECT {_SOURCE}, id, {_BODY} FROM bench_dossier WHERE at >= :young ORDER BY i
    """,
)

ROWS: Final = {"commune": _COMMUNE, "province": _PROVINCE, "gateway": _GATEWAY}
"""`:young` is to be put in: the moment from which on is kept what goes after a month."""
