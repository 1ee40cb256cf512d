"""What an operator gets from the shell: the worst first, ids that can be copied, a line for each act, consent."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from contracts.problems import PROBLEMS
from deploy.commands import operating, tables
from gateway.audit.operators import ActForm
from gateway.succession.forms import Form as DecideForm
from tests.unit.deploy.client.hubs import Script, broken, ok, refusal
from tests.unit.deploy.commands.conftest import Run

DELIVERY = "8f0c6f0e-3c55-5d0c-9f51-2b2c55f7b8a4"
OTHER = "1b4e28ba-2fa1-5d3b-a3f5-ef19b5a7633b"
WHY = ("--reason", "Huyện đã chạy lại")
NOT_OPEN = refusal(409, "delivery.not_open")


def ago(**length: float) -> str:
    return (datetime.now(UTC) - timedelta(**length)).isoformat()


def route(from_level: str, to_level: str, **members: Any) -> dict[str, Any]:
    return {"from_level": from_level, "to_level": to_level, "open": 0, "oldest_seconds": 0.0, "rate_per_minute": 0.2,
            "failures": 0, **members}  # fmt: skip


def waiting(**members: Any) -> dict[str, Any]:
    return {"kind": "waiting", "delivery": DELIVERY, "transfer": "t-1", "subject": "000.03.21.H28-20240603-0000001",
            "type": "vn.lienthong.dossier.transferred", "sender": "000.03.21.H28", "organ": "000.00.03.H28",
            "office": "district", "via": "office", "since": ago(minutes=3, seconds=5), "attempts": 2,
            "due_at": ago(seconds=-90), "reason": "no_receipt", "href": "/v1/transfers/t-1",
            **members}  # fmt: skip


UNDECIDED = {
    "organ": "000.07.21.H28",
    "name": "UBND xã Cũ",
    "closed_on": "2025-07-01",
    "waiting": 4,
    "subjects": 3,
    "successors": [{"organ": "000.03.21.H28", "name": "UBND xã Mới"}],
    "oldest_at": "2025-07-01T08:00:00+07:00",
}
DECISION = {"organ": "000.07.21.H28", "successor": "000.03.21.H28", "deliveries": 4, "dry_run": False}
ABOUT = {"delivery": DELIVERY, "transfer": "t-1", "subject": "S-1", "organ": "000.00.03.H28"}
SENT = {**ABOUT, "via": "office", "office": "district", "attempts": 2, "dry_run": False,
        "queued": [{"transfer": "t-0", "hopsequence": 1}, {"transfer": "t-1", "hopsequence": 2}]}  # fmt: skip
CLOSED = {**ABOUT, "state": "closed", "final": True, "left": [], "sender_sees": "closed", "code": "delivery.closed",
          "dry_run": False}  # fmt: skip
WOULD = {**CLOSED, "dry_run": True}
DEAD = {
    "id": "42",
    "program": "gateway",
    "topic": "ingest.commune",
    "partition": 3,
    "offset": 17,
    "state": "open",
    "headers": {"ce_type": "vn.lienthong.dossier.submitted\x1b[31m"},
    "at": ago(hours=1),
    "verdict": {"code": "envelope.unreadable", "pointer": "ce_id"},
}
TRANSFER = {
    "id": "t-1", "type": "vn.lienthong.document.issued", "subject": "d-1", "sender": "000.03.21.H28",
    "state": "routed", "accepted_at": "2024-06-03T09:00:02.480+07:00", "deliveries": [
        {"organ": "G22", "delivery": OTHER, "via": "axis", "state": "handed_over", "redirected_from": "G21",
         "handed_over_at": "2024-06-03T09:00:04.120+07:00",
         "answers": [{"code": "03", "at": "2024-06-03T09:02:11.000+07:00"}]},
        {"organ": "000.00.03.H28", "delivery": DELIVERY, "via": "office", "state": "open",
         "expired_at": "2024-06-03T09:01:00.000+07:00", "answers": []}],
}  # fmt: skip


def rows(text: str, *wanted: str) -> list[int]:
    """The lines these stand in."""
    lines = text.splitlines()
    return [next(number for number, line in enumerate(lines) if each in line) for each in wanted]


def test_routes_stand_with_the_worst_first_and_readable_ages(run: Run) -> None:
    found = [
        route("commune", "province"),
        route("province", "commune", open=9, oldest_seconds=20.0),
        route("commune", "district", open=3, oldest_seconds=185.0),
        route("district", "commune", open=1, oldest_seconds=1.0, failures=1),
    ]
    script = Script([ok(found)])
    result = run(script, "ops", "routes")
    assert result.exit_code == 0
    [failing] = rows(result.stdout, "district  ")
    order = [line.split()[:2] for line in result.stdout.splitlines()[failing:] if line.strip()]
    assert order == [["district", "commune"], ["commune", "district"], ["province", "commune"], ["commune", "province"]]
    assert "3 phút · 3 min" in result.stdout
    assert str(script.requests[0].url) == "http://gateway.test/v1/routes"
    assert run.chosen[-1][0] == "operator"  # type: ignore[attr-defined]
    assert json.loads(run(Script([ok(found)]), "ops", "routes", "--json").stdout) == found


def test_routes_are_watched_until_it_is_interrupted_even_while_the_hub_is_away(run: Run) -> None:
    def interrupt(request: httpx.Request) -> httpx.Response:
        raise KeyboardInterrupt

    away = [broken] * 30
    script = Script([ok([route("commune", "district", open=1)]), *away, ok([route("commune", "district")]), interrupt])
    result = run(script, "ops", "routes", "--watch", "7", "--json")
    assert [json.loads(line)[0]["open"] for line in result.stdout.splitlines()] == [1, 0]
    assert result.exit_code == 130
    assert run.time.pauses.count(7) == 2  # type: ignore[attr-defined]
    shown = run(Script([ok([route("commune", "district")]), interrupt]), "ops", "routes", "--watch", "1")
    assert ("+07:00" in shown.stdout, "commune" in shown.stdout) == (True, True)


def test_one_transfer_with_every_step_in_order_and_every_delivery(run: Run) -> None:
    result = run(Script([ok(TRANSFER)]), "ops", "transfer", "t-1")
    assert result.exit_code == 0
    [here] = rows(result.stdout, DELIVERY)
    assert "000.00.03.H28" in result.stdout.splitlines()[here]
    assert "G21" in result.stdout
    steps = rows(result.stdout, "2024-06-03 09:00:02", "2024-06-03 09:00:04", "2024-06-03 09:01:00", "09:02:11")
    assert steps == sorted(steps)
    assert "answered 03" in result.stdout.splitlines()[steps[-1]]
    assert json.loads(run(Script([ok(TRANSFER)]), "ops", "transfer", "t-1", "--json").stdout) == TRANSFER


def test_transfers_are_found_by_filters_that_stand_before_or_behind_the_word(run: Run) -> None:
    wanted = {"organ": "000.03.21.H28", "state": "routed", "since": "2024-06-03T00:00:00+07:00"}
    for words in (("ops", "transfer", "--organ", "000.03.21.H28"), ("ops", "--organ", "000.03.21.H28", "transfer")):
        script = Script([ok({"items": [TRANSFER]})])
        result = run(script, *words, "--state", "routed", "--since", wanted["since"])
        assert dict(script.requests[0].url.params) == wanted
        assert "000.00.03.H28 open" in result.stdout


def test_stuck_work_with_whole_ids_ages_and_the_next_try(run: Run) -> None:
    broken_off = waiting(delivery=OTHER, kind="stuck", due_at=ago(seconds=1), stuck_since=ago(seconds=7))
    script = Script([ok({"items": [waiting(), broken_off]})])
    words = ("--kind", "waiting", "--office", "district", "--organ", "A", "--subject", "S", "--older-than", "10m")
    result = run(script, "ops", "stuck", *words)
    assert dict(script.requests[0].url.params) == {
        "kind": "waiting", "office": "district", "organ": "A", "subject": "S", "older_than": "600",
    }  # fmt: skip
    for text in ("đang chờ · waiting", "3 phút · 3 min", "1 phút · 1 min", "7 giây · 7 s", "ngay · now",
                 "chưa có biên nhận · no_receipt", "000.00.03.H28", DELIVERY, OTHER):  # fmt: skip
        assert text in result.stdout, text


@pytest.mark.parametrize(
    ("given", "seconds"), [("0", "0"), ("45", "45"), ("90s", "90"), ("10m", "600"), ("2h", "7200"), ("1d", "86400")]
)
def test_lengths_of_time(run: Run, given: str, seconds: str) -> None:
    script = Script([ok({"items": []})])
    assert "không có · none" in run(script, "ops", "stuck", "--older-than", given).stdout
    assert script.requests[0].url.params["older_than"] == seconds


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-5, "0 giây · 0 s"), (0.4, "0 giây · 0 s"), (59.9, "59 giây · 59 s"), (60, "1 phút · 1 min"),
     (3_599, "59 phút · 59 min"), (7_300, "2 giờ · 2 h"), (200_000, "2 ngày · 2 d")],
)  # fmt: skip
def test_ages_are_said_in_their_largest_unit(seconds: float, said: str) -> None:
    assert tables.age(seconds) == said


def test_an_id_is_whole_however_narrow_the_terminal(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    assert DELIVERY in run(Script([ok({"items": [waiting()]})]), "ops", "stuck").stdout


@pytest.mark.parametrize(
    "words",
    [
        ("routes", "--watch", "0.5"),
        ("transfer", "t-1", "--organ", "A"),
        ("stuck", "--older-than", "soon"),
        ("stuck", "--older-than", "-1m"),
        ("stuck", "--kind", "lost"),
        ("redeliver", DELIVERY),
        ("redeliver", *WHY),
        ("redeliver", DELIVERY, *WHY, "--rate", "0"),
        ("redeliver", "-", *WHY),
        ("close", DELIVERY, *WHY),
        ("close", "-", *WHY),
        ("decide", "A", "B", *WHY),
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_2_and_calls_nobody(run: Run, words: tuple[str, ...]) -> None:
    script = Script([ok({})])
    result = run(script, "ops", *words)
    assert (result.exit_code, result.stdout, script.requests) == (2, "", [])
    assert " · " in result.stderr


@pytest.mark.parametrize("form", [ActForm, partial(DecideForm, successor="B")], ids=["act", "decide"])
def test_the_same_words_for_a_reason_as_the_hub_has(run: Run, form: Callable[..., object]) -> None:
    for reason in ("ab", "a" * 501):
        with pytest.raises(ValidationError) as refused:
            form(reason=reason)
        [error] = refused.value.errors()
        script = Script([ok({})])
        result = run(script, "ops", "redeliver", DELIVERY, "--reason", reason)
        told = " ".join(result.stderr.replace("│", " ").split())
        assert (result.exit_code, script.requests) == (2, [])
        assert f"/reason: {error['msg']}. {PROBLEMS['request.invalid'].remedy_vi}" in told
    for reason in ("abc", "ố" * 500):
        form(reason=reason)
        assert run(Script([ok(SENT, 202)]), "ops", "redeliver", DELIVERY, "--reason", reason).exit_code == 0


def test_each_delivery_is_sent_again_under_a_line_of_its_own(run: Run) -> None:
    script = Script([ok(SENT, 202), NOT_OPEN])
    result = run(script, "ops", "redeliver", DELIVERY, OTHER, DELIVERY, *WHY)
    assert [request.url.path for request in script.requests] == [
        f"/v1/deliveries/{DELIVERY}:redeliver", f"/v1/deliveries/{OTHER}:redeliver",
    ]  # fmt: skip
    assert [json.loads(body) for body in script.bodies] == [{"reason": WHY[1]}] * 2
    first, second = result.stdout.splitlines()
    assert first == f"{DELIVERY}  000.00.03.H28  đang gửi · being sent: 2"
    assert (second.startswith(f"{OTHER}  "), "409 delivery.not_open" in second) == (True, True)
    assert (result.exit_code, "1/2" in result.stderr) == (1, True)


def test_ids_come_from_another_program_one_a_line(run: Run) -> None:
    script = Script([ok(SENT, 202)])
    result = run(script, "ops", "redeliver", "-", *WHY, "--dry-run", "--json", stdin=f'\n{DELIVERY}\n "{OTHER}" \n')
    assert [json.loads(line)["id"] for line in result.stdout.splitlines()] == [DELIVERY, OTHER]
    assert json.loads(result.stdout.splitlines()[0])["body"] == SENT
    assert json.loads(script.bodies[0]) == {"reason": WHY[1], "dry_run": True}
    assert result.exit_code == 0


def test_more_than_a_thousand_at_once_are_refused_before_the_first(run: Run) -> None:
    script = Script([ok(SENT, 202)])
    result = run(script, "ops", "redeliver", "-", *WHY, stdin="".join(f"d-{n}\n" for n in range(1001)))
    assert (result.exit_code, script.requests, "1000" in result.stderr) == (2, [], True)
    taken = run(script, "ops", "redeliver", "-", *WHY, stdin="".join(f"d-{n}\n" for n in range(1000)))
    assert (taken.exit_code, len(script.requests)) == (0, 1000)


def test_acts_keep_to_their_rate(run: Run) -> None:
    def spent(*words: str) -> float:
        before = run.time.at  # type: ignore[attr-defined]
        stdin = "".join(f"d-{n}\n" for n in range(101))
        assert run(Script([ok(SENT, 202)]), "ops", "redeliver", "-", *WHY, *words, stdin=stdin).exit_code == 0
        return float(run.time.at - before)  # type: ignore[attr-defined]

    assert spent() == pytest.approx(5)
    assert spent("--rate", "2") == pytest.approx(50)


def test_what_concerns_all_ends_it_and_tells_how_far_it_came(run: Run) -> None:
    script = Script([ok(SENT, 202), refusal(403, "auth.scope")])
    result = run(script, "ops", "redeliver", "a", "b", "c", *WHY)
    assert (result.exit_code, len(script.requests), len(result.stdout.splitlines())) == (1, 2, 1)
    assert ("1/3" in result.stderr, "auth.scope" in result.stderr) == (True, True)
    away = run(Script([ok(SENT, 202), broken]), "ops", "redeliver", "a", "b", *WHY)
    assert (away.exit_code, "1/2" in away.stderr) == (3, True)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operating, "is_terminal", lambda: True)


@pytest.mark.usefixtures("terminal")
def test_closing_shows_what_is_given_up_and_asks(run: Run) -> None:
    script = Script([ok({**WOULD, "open_offer": "o-1"}), NOT_OPEN, ok(CLOSED)])
    result = run(script, "ops", "close", DELIVERY, OTHER, *WHY, stdin="y\n")
    assert [json.loads(body).get("dry_run", False) for body in script.bodies] == [True, True, False]
    assert script.requests[-1].url.path == f"/v1/deliveries/{DELIVERY}:close"
    for text in (DELIVERY, "000.00.03.H28", "S-1", "t-1", "o-1", "409 delivery.not_open"):
        assert text in result.stderr, text
    assert (result.exit_code, result.stdout.count(DELIVERY)) == (1, 1), "the other one was refused"
    for answer in ("n\n", "\n", ""):
        script = Script([ok(WOULD)])
        refused = run(script, "ops", "close", DELIVERY, *WHY, stdin=answer)
        assert (refused.exit_code, DELIVERY in refused.stdout, len(script.requests)) == (1, False, 1)
        assert "không làm gì · nothing was done" in refused.stderr


def test_scripts_close_without_being_asked(run: Run) -> None:
    script = Script([ok(CLOSED)])
    result = run(script, "ops", "close", "-", *WHY, "--yes", "--json", stdin=f"{DELIVERY}\n")
    assert (result.exit_code, len(script.requests)) == (0, 1)
    script = Script([ok(WOULD)])
    assert run(script, "ops", "close", DELIVERY, *WHY, "--dry-run").exit_code == 0
    assert [json.loads(body)["dry_run"] for body in script.bodies] == [True]


def test_closing_tells_what_is_still_to_come_and_what_others_have_to_do(run: Run) -> None:
    later = {**CLOSED, "final": False, "open_offer": "o-1"}
    line = run(Script([ok(later, 202)]), "ops", "close", DELIVERY, *WHY, "--yes").stdout
    assert ("office's receipt" in line, "until recalled: o-1" in line) == (True, True)


@pytest.mark.usefixtures("terminal")
def test_ids_from_standard_input_leave_nobody_to_ask(run: Run) -> None:
    script = Script([ok(CLOSED)])
    result = run(script, "ops", "close", "-", *WHY, stdin=f"{DELIVERY}\n")
    assert (result.exit_code, script.requests, "--yes" in result.stderr) == (2, [], True)


def test_dead_letters_and_closing_them(run: Run) -> None:
    script = Script([ok({"items": [DEAD]})])
    result = run(script, "ops", "dead", "--topic", "ingest.commune", "--code", "envelope.unreadable")
    wanted = {"topic": "ingest.commune", "code": "envelope.unreadable", "state": "open"}
    assert dict(script.requests[0].url.params) == wanted
    for text in ("42", "ingest.commune/3@17", "envelope.unreadable", "ce_id", "dossier.submitted [31m"):
        assert text in result.stdout, text
    closed = {**DEAD, "state": "closed", "closed_by": "operator", "closed_at": ago(minutes=1), "reason": "đã báo"}
    script = Script([ok({"items": [closed]})])
    assert "đã báo" in run(script, "ops", "dead", "--closed").stdout
    assert dict(script.requests[0].url.params) == {"state": "closed"}
    script = Script([ok(closed)])
    assert run(script, "ops", "dead-close", "42", *WHY).exit_code == 0
    assert script.requests[0].url.path == "/v1/dead-letters/42:close"


def test_undecided_successors(run: Run) -> None:
    result = run(Script([ok({"items": [UNDECIDED]})]), "ops", "undecided")
    for text in ("000.07.21.H28", "UBND xã Cũ", "000.03.21.H28 UBND xã Mới", "2025-07-01"):
        assert text in result.stdout, text


@pytest.mark.usefixtures("terminal")
def test_a_decision_is_shown_and_asked_for(run: Run) -> None:
    words = ("ops", "decide", "000.07.21.H28", "000.03.21.H28", *WHY)
    script = Script([ok({**DECISION, "dry_run": True}), ok(DECISION)])
    result = run(script, *words, "--subject", "S", stdin="y\n")
    body = {"successor": "000.03.21.H28", "reason": WHY[1], "subject": "S"}
    assert [json.loads(sent) for sent in script.bodies] == [{**body, "dry_run": True}, body]
    assert script.requests[0].url.path == "/v1/undecided/000.07.21.H28:decide"
    assert ("Chỉ xem trước · Dry run" in result.stderr, "Dry run" in result.stdout) == (True, False)
    script = Script([ok({**DECISION, "dry_run": True})])
    assert (run(script, *words, stdin="n\n").exit_code, len(script.requests)) == (1, 1)
    script = Script([ok(DECISION, 202)])
    assert json.loads(run(script, *words, "--yes", "--json").stdout) == DECISION
    assert len(script.requests) == 1
