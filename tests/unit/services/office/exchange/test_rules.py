"""Numbers decide what becomes of hops: taken, receipted again, asked for, or stuck."""

from datetime import UTC, datetime

import orjson

from contracts.envelope import Envelope, to_headers
from services.kernel.messaging.records import Record
from services.office.exchange import rules
from services.office.exchange.rules import Dead, Hop, Plan, Word

NOW = datetime(2024, 6, 3, 1, 0, tzinfo=UTC)
NAME = "01936f5a-7c3e-7b1a-9d2e-3f4a5b6c7d8e"


def record(envelope: Envelope) -> Record:
    headers = to_headers(envelope)
    return Record(
        topic="deliver.commune", partition=0, offset=0, key=envelope.key, value=envelope.value, headers=headers
    )


def envelope(subject: str = "A", number: int | None = 1, kind: str = "delivery.voided", **fields: object) -> Envelope:
    value = orjson.dumps(fields.pop("value", {"source": "urn:x", "id": NAME}))
    return Envelope(
        id=NAME,
        source="urn:lienthong:h:province",
        type=kind,
        subject=subject,
        time=NOW,
        hopsequence=number,
        value=value,
        **fields,  # type: ignore[arg-type]
    )


def hop(subject: str, number: int, problem: str = "") -> Hop:
    read = rules.read(record(envelope(subject, number)))
    assert isinstance(read, Hop)
    return rules.with_problem(read, problem)


def numbers(plan: Plan) -> list[tuple[str, int]]:
    return [each.key for each in plan.take]


def test_takes_what_is_next_and_answers_what_is_behind_again() -> None:
    plan = rules.plan([hop("A", 3), hop("A", 4), hop("A", 4), hop("B", 1)], {"A": 3, "B": 0}, set())

    assert numbers(plan) == [("A", 4), ("B", 1)]
    assert [hop.key for hop in plan.again] == [("A", 3), ("A", 4)]
    assert plan.hops == {"A": 4, "B": 1}
    assert plan.ask == {}


def test_asks_once_from_the_first_missing_number() -> None:
    plan = rules.plan([hop("A", 4), hop("A", 5), hop("B", 2)], {"A": 1, "B": 0}, set())

    assert plan.take == []
    assert plan.ask == {"A": 2, "B": 1}


def test_does_not_ask_for_a_gap_that_the_same_chunk_filled() -> None:
    plan = rules.plan([hop("A", 2), hop("A", 1), hop("A", 2)], {"A": 0}, set())

    assert numbers(plan) == [("A", 1), ("A", 2)]
    assert plan.ask == {}


def test_later_hops_of_a_stuck_subject_are_dropped_and_not_asked_for() -> None:
    plan = rules.plan([hop("A", 1, "missing"), hop("A", 2), hop("B", 1)], {"A": 0, "B": 0}, set())

    assert numbers(plan) == [("B", 1)]
    assert {subject: each.number for subject, each in plan.stuck.items()} == {"A": 1}
    assert plan.ask == {}
    assert rules.plan([hop("A", 2)], {"A": 0}, {"A"}).ask == {}


def test_freed_subject_asks_for_what_was_dropped() -> None:
    plan = rules.plan([hop("A", 1)], {"A": 0}, {"A"})

    assert plan.freed == {"A"}
    assert plan.ask == {"A": 2}


def test_subject_freed_and_stuck_again_waits_at_the_later_hop() -> None:
    plan = rules.plan([hop("A", 1), hop("A", 2, "missing")], {"A": 0}, {"A"})

    assert plan.freed == {"A"}
    assert plan.stuck["A"].number == 2
    assert plan.ask == {}


def test_content_that_does_not_fit_leaves_a_hop_with_a_problem() -> None:
    read = rules.read(record(envelope(kind="dossier.withdrawn", value={"colour": "red"})))

    assert isinstance(read, Hop)
    assert read.problem.startswith("contract.invalid dossier.withdrawn/v1")


def test_type_of_a_later_release_waits_with_its_number() -> None:
    read = rules.read(record(envelope(kind="dossier.sung")))

    assert isinstance(read, Hop)
    assert read.problem == "contract.unknown dossier.sung/v1"


def test_receipts_are_words_and_the_rest_is_dead() -> None:
    items = [{"source": "urn:x", "id": NAME, "subject": "A", "sequence": 1}]
    word = rules.read(record(envelope(number=None, kind="receipt.conflict", value={"items": items})))
    broken = rules.read(record(envelope(number=None, kind="receipt.conflict", value={"items": []})))
    unnumbered = rules.read(record(envelope(number=None, kind="dossier.withdrawn", value={"code": "x"})))
    alien = rules.read(Record(topic="t", partition=0, offset=0, key="", value=b"", headers=()))

    assert isinstance(word, Word)
    assert word.items == items
    assert isinstance(broken, Dead)
    assert isinstance(unnumbered, Dead)
    assert isinstance(alien, Dead)
    assert alien.verdict.code == "envelope.unreadable"


def test_receipt_of_a_voided_hop_names_the_fact_and_fits_its_contract() -> None:
    item = rules.receipt(hop("A", 7), {}, "2024-06-03T01:00:00.000Z")

    assert (item["source"], item["id"], item["hopsequence"]) == ("urn:x", NAME, 7)
    assert [each["state"] for each in item["deliveries"]] == ["closed"]


def test_receipt_tells_each_organ_apart() -> None:
    payload = {"code": "H28.1-20240603-0000001", "at": "2024-06-03T01:00:00Z"}
    read = rules.read(record(envelope(kind="dossier.withdrawn", recipients=("H28.1", "H28.2"), value=payload)))
    assert isinstance(read, Hop)

    item = rules.receipt(read, {"H28.2": "dossier.unknown"}, "2024-06-03T01:00:00.000Z")

    assert item["deliveries"] == [
        {"organ": "H28.1", "state": "handed_over", "handed_over_at": "2024-06-03T01:00:00.000Z"},
        {"organ": "H28.2", "state": "refused", "code": "dossier.unknown"},
    ]


def test_all_that_leaves_the_office_about_a_stuck_hop_is_a_code() -> None:
    told = ("contract.invalid dossier.submitted/v1 /applicant", "attachment.unavailable", "KeyError: 'Nguyễn'", "")
    assert [rules.code_of(problem) for problem in told] == [
        "contract.invalid",
        "attachment.unavailable",
        "system.failed",
        "system.failed",
    ]
