"""The file of a run says what the run saw, and the checker alone can tell it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chaos.checker import judge, main
from tests.chaos.evidence import Evidence
from tests.chaos.history import History, read, records, stories
from tests.chaos.planted import CODE, DOCUMENT, PLANTED, drop, other_answer, sound
from tests.chaos.report import p95


def nothing(_: Evidence) -> None:
    """Leaves the run sound."""


@pytest.mark.parametrize("plant", [nothing, *(each for each, _ in PLANTED)], ids=lambda e: e.__name__)
def test_the_file_says_what_the_evidence_says(plant: Callable[[Evidence], None], tmp_path: Path) -> None:
    seen = sound()
    plant(seen)
    again, _ = read(_written(seen, tmp_path))
    assert again == seen
    assert judge(again) == judge(seen)


def test_a_line_cut_off_is_left_out(tmp_path: Path) -> None:
    file = _written(sound(), tmp_path)
    file.write_bytes(file.read_bytes() + b'{"t": 1, "e": "fa')
    assert read(file)[0] == sound()


def test_the_checker_tells_a_history_and_ends_with_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = _written(sound(), tmp_path / "good")
    assert main(good) == 0
    last = "chaos: 3 faults, 10 accepted, lost 0, double 0, disorder 0, custody 0, changed 0"
    assert capsys.readouterr().out.splitlines()[-1] == last
    seen = sound()
    drop(seen)
    assert main(_written(seen, tmp_path / "bad")) == 1
    told = capsys.readouterr().out
    assert told.splitlines()[-1] == last.replace("lost 0", "lost 1")
    assert "| kill gateway | 2 | 2.0 | 3.0 | 3.0 |" in told
    assert f"### {DOCUMENT}" in told
    assert "transfer=issued" in told.partition("## Lịch sử")[2]


def test_a_run_cut_off_is_not_judged_by_what_nobody_looked_at(tmp_path: Path) -> None:
    seen = sound()
    file = _written(Evidence(facts=seen.facts, replays=seen.replays), tmp_path, looked=False)
    assert main(file) == 0
    other_answer(seen)
    assert main(_written(Evidence(facts=seen.facts, replays=seen.replays), tmp_path, looked=False)) == 1


def test_a_story_has_what_happened_and_not_the_polling(tmp_path: Path) -> None:
    file = tmp_path / "history.jsonl"
    with History(file) as history:
        for method, status in (("POST", 201), ("GET", 200), ("GET", 403)):
            history.write({"e": "answer", "m": method, "status": status, "path": f"/v1/dossiers/{CODE}"})
        history.write({"e": "answer", "m": "POST", "status": 201, "path": "/v1/dossiers/other"})
        history.write({"e": "item", "id": "taken"})
    told = stories(file, {CODE: ["taken"]})[CODE]
    assert [(each.get("m"), each.get("status")) for each in told] == [("POST", 201), ("GET", 403), (None, None)]


def test_p95_of_few_is_the_largest() -> None:
    assert p95([3.0, 1.0, 2.0]) == 3.0
    assert p95([float(each) for each in range(100)]) == 95.0


def _written(seen: Evidence, folder: Path, *, looked: bool = True) -> Path:
    with History(folder / "history.jsonl") as history:
        history.write({"e": "run", "seed": "s", "form": "short"})
        for recovered in (1.0, 3.0):
            fault = {"number": 1, "name": "kill gateway", "group": "kill gateway", "parts": 1}
            history.write({"e": "fault", **fault, "recovered": recovered})
        history.write({"e": "fault", "number": 2, "name": "wipe kafka", "group": "wipe kafka", "parts": 1})
        for record in records(seen):
            history.write(record)
        if looked:
            history.write({"e": "end", "of": "seen", "after": 1.0})
    return history.file
