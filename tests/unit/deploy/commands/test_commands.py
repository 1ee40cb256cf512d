"""What a person or a script gets from the shell: tables or the exact answer, sentences on stderr, exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from deploy.cli import COMMANDS, app
from deploy.client.credentials import SETTINGS
from deploy.commands import acting
from tests.unit.deploy.client.hubs import Script, broken, ok, refusal
from tests.unit.deploy.commands.conftest import Run

CODE = "000.03.21.H28-20240603-0000001"
ACTED = {"code": CODE, "status": 2, "custodian": "000.03.21.H28", "custody": "held", "transfers": ["t-1"]}
DOSSIER = {
    "code": CODE, "procedure": "1.001612", "receiving_organ": "000.03.21.H28", "channel": 1,
    "applicant": {"kind": "citizen", "name": "Nguyễn Văn Mẫu"}, "summary": "Trích [bold]yếu\x1b[31m",
    "due_at": "2024-06-05T02:00:00Z", "status": 4, "custodian": "000.00.03.H28", "custody": "none", "epoch": 2,
    "version": 5, "attachments": [{"sha256": "a" * 64, "name": "to-khai.pdf", "media_type": "application/pdf",
    "size": 7}], "history": [{"transfer": "t", "type": "vn.lienthong.dossier.submitted", "actor": "000.03.21.H28",
    "status": 1, "at": "2024-06-03T08:00:00.123+07:00"}],
}  # fmt: skip
ITEM = {"id": "i-1", "kind": "dossier", "type": "vn.lienthong.dossier.transferred", "subject": CODE, "from": "A",
        "to": "B", "received_at": "2024-06-03T01:00:00Z", "href": "/", "data": {}}  # fmt: skip
TRANSFER = {"id": "t-1", "type": "vn.lienthong.document.issued", "subject": "d", "sender": "A", "state": "routed",
            "accepted_at": "2024-06-03T01:00:00Z", "deliveries": [{"organ": "G22", "via": "axis", "state": "open",
            "answers": [{"code": "01", "at": "2024-06-03T01:00:00Z"}]}]}  # fmt: skip


def test_submit_posts_the_file_and_what_is_attached(run: Run, tmp_path: Path) -> None:
    paper = tmp_path / "tờ khai.pdf"
    paper.write_bytes(b"%PDF")
    script = Script([ok({}, 201), ok({**ACTED, "status": 1}, 201)])
    result = run(script, "dossier", "submit", "-", "--attach", str(paper), stdin='{"procedure": "1.001612"}')
    assert result.exit_code == 0, result.output
    assert [request.method for request in script.requests] == ["PUT", "POST"]
    body = json.loads(script.bodies[1])
    assert [file["name"] for file in body["attachments"]] == ["tờ khai.pdf"]
    assert CODE in result.stdout
    assert "1 Mới đăng ký · registered" in result.stdout


def test_json_is_the_exact_answer(run: Run) -> None:
    result = run(Script([ok(DOSSIER)]), "dossier", "show", CODE, "--json")
    assert json.loads(result.stdout) == DOSSIER
    assert result.stderr == ""


def test_a_dossier_as_a_person_reads_it(run: Run) -> None:
    result = run(Script([ok(DOSSIER)]), "dossier", "show", CODE)
    assert result.exit_code == 0
    for text in ("4 Đang xử lý · in progress", "2024-06-03 08:00:00+07:00", "2024-06-05 09:00:00+07:00",
                 "Quá trình · History", "dossier.submitted", "to-khai.pdf"):  # fmt: skip
        assert text in result.stdout, text
    assert "Trích [bold]yếu [31m" in result.stdout, "what others sent is shown as text, without control characters"


def test_act_sends_what_the_action_takes(run: Run, tmp_path: Path) -> None:
    paper = tmp_path / "ket-qua.pdf"
    paper.write_bytes(b"%PDF")
    script = Script([ok({}, 201), ok(ACTED)])
    words = ("dossier", "act", CODE, "complete", "--result-number", "01/GCN", "--result", str(paper), "--if-match", "4")
    assert run(script, *words, "--organ", "000.03.21.H28").exit_code == 0
    body = json.loads(script.bodies[1])
    assert body["action"] == "complete"
    assert (body["result"]["number"], len(body["result"]["attachments"])) == ("01/GCN", 1)
    assert script.requests[1].headers["If-Match"] == '"4"'
    assert script.requests[1].headers["X-Organ"] == "000.03.21.H28"
    script = Script([ok(ACTED)])
    assert run(script, "dossier", "act", CODE, "request_supplement", "--missing", "A", "--missing", "B").exit_code == 0
    assert json.loads(script.bodies[0]) == {"action": "request_supplement", "missing": ["A", "B"]}


def test_lists_end_at_the_limit_and_ask_for_no_further_page(run: Run) -> None:
    line = {**DOSSIER, "code": "c"}
    script = Script([ok({"items": [line, line, line], "next_cursor": "more"})])
    result = run(script, "dossier", "list", "--status", "2", "--status", "4", "--limit", "2", "--json")
    assert len(json.loads(result.stdout)["items"]) == 2
    assert [dict(request.url.params) for request in script.requests] == [{"status": "2,4"}]
    assert "không có · none" in run(Script([ok({"items": []})]), "dossier", "list").stdout


def test_batch_tells_of_each_and_ends_with_1_when_any_is_refused(run: Run) -> None:
    taken = {"index": 0, "status": 201, "body": {"code": "c"}}
    answer = {"items": [taken, {"index": 1, "status": 409, "problem": {"code": "dossier.exists", "detail": "in use"}}]}
    script = Script([ok(answer, 207)])
    result = run(script, "dossier", "batch", "-", stdin='{"a": 1}\n\n{"a": 2}\n')
    assert json.loads(script.bodies[0]) == {"items": [{"a": 1}, {"a": 2}]}
    assert (result.exit_code, "dossier.exists" in result.stdout) == (1, True)
    assert "1/2" in result.stderr
    as_json = run(Script([ok(answer, 207)]), "dossier", "batch", "-", "--json", stdin='[{"a": 1}, {"a": 2}]')
    assert json.loads(as_json.stdout) == answer


def test_a_document_is_sent_as_what_it_is(run: Run) -> None:
    sent = {"id": "d", "document_id": "D", "transfers": ["t"]}
    script = Script([ok(sent, 202)])
    run(script, "document", "send", "-", stdin="\ufeff<?xml version='1.0'?><edXML/>")
    assert script.requests[0].headers["Content-Type"] == "application/edxml+xml"
    script = Script([ok(sent, 202)])
    run(script, "document", "send", "-", stdin='{"subject": "V/v"}')
    assert script.requests[0].headers["Content-Type"] == "application/json"
    told = run(Script([ok({"transfers": []})]), "document", "status", "d", "03")
    assert "it is the present status already" in told.stdout


def test_the_inbox_is_shown_and_acknowledged_on_demand(run: Run) -> None:
    page = {"items": [ITEM], "cursor": "1"}
    script = Script([ok(page)])
    result = run(script, "inbox", "--kind", "dossier", "--kind", "status", "--as", "district-a")
    assert (CODE in result.stdout, len(script.requests)) == (True, 1)
    assert script.requests[0].url.params["kind"] == "dossier,status"
    script = Script([ok(page), ok({"acknowledged": ["i-1"], "unknown": []})])
    assert json.loads(run(script, "inbox", "--ack", "--json").stdout) == page
    assert json.loads(script.bodies[1]) == {"ids": ["i-1"]}


def test_following_the_inbox_gives_a_line_each_until_it_is_interrupted(run: Run) -> None:
    def interrupt(request: httpx.Request) -> httpx.Response:
        raise KeyboardInterrupt

    acked = ok({"acknowledged": ["i-1"], "unknown": []})
    script = Script([ok({"items": [ITEM, {**ITEM, "id": "i-2"}], "cursor": "2"}), acked, interrupt])
    result = run(script, "inbox", "--follow", "--ack", "--json")
    assert [json.loads(line)["id"] for line in result.stdout.splitlines()] == ["i-1", "i-2"]
    assert json.loads(script.bodies[1]) == {"ids": ["i-1", "i-2"]}
    assert result.exit_code == 130


def test_a_reader_that_has_enough_is_no_failure(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(text: str) -> None:
        raise BrokenPipeError

    monkeypatch.setattr("deploy.commands.inbox.typer.echo", gone)
    result = run(Script([ok({"items": [ITEM], "cursor": "1"})]), "inbox", "--follow", "--as", "commune-a")
    assert (result.exit_code, result.stderr) == (0, "")


def test_who_is_acted_as_unasked_is_told_beside_the_answer(run: Run) -> None:
    """To people; what reads JSON is not disturbed."""
    assert "commune-a" in run(Script([ok(DOSSIER)]), "dossier", "show", CODE).stderr
    assert run(Script([ok(DOSSIER)]), "dossier", "show", CODE, "--as", "commune-a").stderr == ""
    assert run(Script([ok(DOSSIER)]), "dossier", "show", CODE, "--json").stderr == ""


def test_who_waits_is_told_once_that_repeats_go_on(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("dossier", "show", CODE, "--as", "commune-a")
    assert "still trying" not in run(Script([broken, broken, ok(DOSSIER)]), *words).stderr
    monkeypatch.setattr(acting, "PATIENCE_SECONDS", 0.0)
    assert run(Script([broken, broken, ok(DOSSIER)]), *words).stderr.count("still trying") == 1
    assert run(Script([broken, ok(DOSSIER)]), *words, "--json").stderr == ""


def test_the_version_and_mistakes_in_both_languages(run: Run) -> None:
    told = run(Script([]), "--version")
    assert (told.exit_code, told.stdout.split()[0]) == (0, "lienthong")
    wrong = run(Script([]), "dossier", "show")
    assert (wrong.exit_code, "thiếu tham số · Missing argument" in wrong.stderr) == (2, True)


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_an_output_without_vietnamese_letters_is_no_failure(tmp_path: Path, more: list[str]) -> None:
    code = (
        "import sys, json\n"
        "from unittest.mock import patch\n"
        "from deploy import cli\n"
        "from deploy.commands import acting, tables\n"
        "session = acting.Session(None, bool(sys.argv[1:]))\n"
        "told = lambda: session.tell({'a': 'Nguyễn'}, lambda a: tables.facts(a.items()))\n"
        "with patch.object(cli, 'app', told): cli.main()\n"
    )
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = subprocess.run(
        [sys.executable, "-c", code, *more], capture_output=True, env=environment, text=True, check=True
    )
    assert json.loads(done.stdout) == {"a": "Nguyễn"} if more else "Nguy?n" in done.stdout


def test_a_refusal_is_told_with_all_that_helps_and_ends_with_1(run: Run) -> None:
    problem = refusal(422, "request.invalid", errors=[{"pointer": "/channel", "detail": "1, 2 or 3"}],
                      contract="dossier.submitted/v1", url="http://other.test")  # fmt: skip
    result = run(Script([problem]), "dossier", "submit", "-", stdin="{}")
    assert (result.exit_code, result.stdout) == (1, "")
    for text in ("422 request.invalid", "/channel: 1, 2 or 3", "dossier.submitted/v1", "http://other.test",
                 "Sửa rồi gửi lại. · Correct and send again."):  # fmt: skip
        assert text in result.stderr, text
    as_json = run(Script([problem]), "dossier", "submit", "-", "--json", stdin="{}")
    assert json.loads(as_json.stderr)["code"] == "request.invalid"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (refusal(404, "request.not_found"), 1),
        (refusal(503, "system.overloaded", retry_after=60), 1),
        (httpx.Response(502, text="proxy"), 3),
        (broken, 3),
    ],
)
def test_exit_codes_of_calls(run: Run, answer: Any, code: int) -> None:
    result = run(Script([answer]), "dossier", "show", CODE)
    assert (result.exit_code, result.stdout) == (code, "")
    assert result.stderr.startswith("lienthong: ")


def test_time_that_is_up_ends_with_4(run: Run) -> None:
    result = run(Script([ok(TRANSFER)]), "transfer", "show", "t-1", "--wait", "5")
    assert (result.exit_code, result.stdout) == (4, "")
    shown = run(Script([ok(TRANSFER)]), "transfer", "show", "t-1")
    assert (shown.exit_code, "G22" in shown.stdout) == (0, True)


@pytest.mark.parametrize(
    ("words", "stdin"),
    [
        (("dossier", "act", CODE, "fly"), None),
        (("dossier", "show"), None),
        (("dossier", "show", CODE, "--as", "nobody"), None),
        (("dossier", "submit", "no-such-file.json"), None),
        (("dossier", "submit", "-"), "{"),
        (("dossier", "submit", "-"), "[]"),
        (("document", "status", "d", "99"), None),
        (("inbox", "--kind", "letter"), None),
        (("system", "update", "s"), None),
        (("dossier", "list", "--status", "11"), None),
    ],
)
def test_wrong_usage_ends_with_2_and_calls_nobody(run: Run, words: tuple[str, ...], stdin: str | None) -> None:
    script = Script([ok({})])
    result = run(script, *words, stdin=stdin)
    assert (result.exit_code, result.stdout, script.requests) == (2, "", [])
    assert result.stderr


def test_whose_credentials_are_used(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def name(*words: str) -> str:
        run(Script([ok({"items": []})]), *words)
        return run.chosen[-1][0]  # type: ignore[attr-defined,no-any-return]

    assert name("dossier", "list") == "commune-a"
    assert name("dossier", "list", "--as", "district-a") == "district-a"
    assert name("dossier", "--as", "district-a", "list") == "district-a"
    assert name("dossier", "--as", "district-a", "list", "--as", "commune-a") == "commune-a"
    assert name("system", "list") == "administrator"
    for setting in SETTINGS:
        monkeypatch.setenv(setting, f"http://{setting.lower()}")
    assert name("dossier", "list") == "http://lienthong_client_id"
    assert name("dossier", "list", "--as", "district-a") == "district-a"
    monkeypatch.delenv(SETTINGS[-1])
    result = run(Script([ok({})]), "dossier", "list")
    assert (result.exit_code, SETTINGS[-1] in result.stderr) == (2, True)


def test_without_a_hub_it_says_how_to_get_one(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LIENTHONG_HOME", str(tmp_path / "none"))
    result = run(Script([ok({})]), "dossier", "list")
    assert (result.exit_code, "make run" in result.stderr) == (2, True)


def test_administration(run: Run) -> None:
    system = {"client_id": "s", "version": 1, "name": "S", "level": "commune", "organs": ["A"], "scopes": ["ops"],
              "suspended": False}  # fmt: skip
    script = Script([ok({**system, "client_secret": "one-time"}, 201)])
    words = ("system", "create", "--name", "S", "--level", "commune", "--acts-for", "A", "--scope", "dossier:write")
    result = run(script, *words, "--requests-per-second", "5", "--reason", "mới")
    quota = {"requests_per_second": 5}
    wanted = {"name": "S", "level": "commune", "organs": ["A"], "scopes": ["dossier:write"], "quota": quota}
    assert json.loads(script.bodies[0]) == wanted
    assert "one-time" in result.stdout
    assert run(Script([httpx.Response(204)]), "system", "secret", "drop", "s", "1").exit_code == 0
    script = Script([ok({**system, "suspended": True})])
    assert run(script, "system", "suspend", "s", "--reason", "lộ").exit_code == 0
    assert script.requests[0].url.path == "/v1/systems/s:suspend"
    entry = {"at": "2024-06-03T08:00:00+07:00", "client_id": "administrator", "action": "system.created",
             "target": {"kind": "system", "id": "s"}, "reason": "mới"}  # fmt: skip
    assert "system:s" in run(Script([ok({"items": [entry]})]), "audit", "--target", "system:s").stdout


def test_an_import_reports_each_line_and_ends_with_1_when_one_is_refused(run: Run) -> None:
    report = {"dry_run": True, "lines": 2, "created": 1, "changed": 0, "unchanged": 0, "refused": 1, "omitted": 0,
              "report": [{"line": 3, "code": "X", "outcome": "refused",
                          "errors": [{"column": "superior", "problem": "no such organ"}]}]}  # fmt: skip
    script = Script([ok(report)])
    result = run(script, "organ", "import", "-", "--dry-run", stdin="code,name\n")
    assert (result.exit_code, "superior: no such organ" in result.stdout) == (1, True)
    assert dict(script.requests[0].url.params) == {"dry_run": "true", "partial": "false"}
    assert script.bodies == [b"code,name\n"]
    exported = run(Script([httpx.Response(200, content="code,name\nX,Xã\n".encode())]), "organ", "export")
    assert exported.stdout == "code,name\nX,Xã\n"


@pytest.mark.parametrize(
    "word", ["", *COMMANDS, "dossier submit", "document recall", "system secret add", "organ import", "ops stuck"]
)
def test_help_speaks_both_languages(run: Run, word: str) -> None:
    result = run(Script([ok({})]), *word.split(), "--help")
    assert result.exit_code == 0
    assert " · " in result.stdout
    groups = ("dossier", "document", "transfer", "system", "organ", "ops")
    assert ("Ví dụ · Example" in result.stdout) == (word not in groups)


def test_names_and_words_are_completed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def completed(line: str) -> str:
        monkeypatch.setenv("_TYPER_COMPLETE_ARGS", line)
        monkeypatch.setenv("_LIENTHONG_COMPLETE", "complete_zsh")
        result = CliRunner().invoke(app, [], prog_name="lienthong", env={"_TYPER_COMPLETE_ARGS": line})
        return result.stdout

    assert "request_supplement" in completed("lienthong dossier act X req")
    assert "district-a" in completed("lienthong dossier show --as dist")
    assert "receipt" in completed("lienthong inbox --kind re")
    assert "inbox" in completed("lienthong system create --scope inb")
    assert "transfer" in completed("lienthong tra")
    assert "redeliver" in completed("lienthong ops red")
    assert "undecided" in completed("lienthong ops stuck --kind und")
    assert "operator" in completed("lienthong ops dead --as oper")
