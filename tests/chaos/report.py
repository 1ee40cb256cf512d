"""The report of a run as Markdown: how it went, how long recovery took, what was found and the history of each miss."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.chaos.evidence import Course, Evidence
from tests.chaos.findings import ALSO, TOLD, Finding, Report
from tests.chaos.history import stories

NAME = "chaos"
FINDINGS_SHOWN = 20
HISTORIES_SHOWN = 12
HIDDEN = ("t", "e", "digest", "key", "chain", "to_", "began")
MEANING = {
    "lost": "mất · accepted, and not where it is due",
    "double": "trùng · twice in an inbox or at the axis, or where it was not due",
    "effects": "tác dụng lặp · applied more than once",
    "disorder": "sai thứ tự · out of order within a dossier or document",
    "custody": "hai hoặc không ai giữ · held by two, or by nobody who may act",
    "changed": "đổi câu trả lời · another answer for the same Idempotency-Key",
    "refused": "từ chối sai · refused although valid",
    "unfinished": "chưa xong · not final when the time was up",
    "mirrors": "bản sao khác · a party sees another state than the gateway",
    "failed": "hỏng · an answer or a wait that must not end so, a fault without recovery",
}


@dataclass(frozen=True, slots=True)
class Telling:
    """`text` is the report without its last line, `line`. `file` is read again for the histories of findings."""

    report: Report
    seen: Evidence
    course: Course
    file: Path

    def line(self) -> str:
        return self.report.line(NAME, self.course.count)

    def text(self) -> str:
        parts = [self._head(), self._counts(), self._recovery(), self._answers(), self._plan(), self._findings()]
        return "\n\n".join("\n".join(part) for part in parts) + "\n"

    def _head(self) -> Iterator[str]:
        run, ends = self.course.run, self.course.ends
        began = datetime.fromtimestamp(run.get("began", 0.0), UTC)
        seconds = ends.get("load", 0.0)
        yield f"# Chaos {run.get('seed', '')}"
        yield ""
        yield f"- hạt giống · seed: `{run.get('seed', '')}` ({run.get('form', '')}, {run.get('minutes', '')} min)"
        yield f"- bắt đầu · began: {began:%Y-%m-%d %H:%M:%S} UTC; tải · load {seconds:.0f} s"
        drained = ends.get("drained", seconds) - seconds
        yield f"- thông hết · drained {drained:.0f} s later; xem hết · all looked at: {ends.get('seen', 0.0):.0f} s"
        rate = self.report.accepted / seconds if seconds else 0.0
        again = f"{len(self.seen.replays)} answers asked again"
        yield f"- đã nhận · accepted: {self.report.accepted} ({rate:.1f}/s), {again}"
        if left := ends.get("stopped"):
            yield f"- bị ngắt · ended by hand after {left:.0f} s: what was not looked at is not judged"

    def _counts(self) -> Iterator[str]:
        yield "## Kết quả · Result"
        yield ""
        yield "| | | |"
        yield "|---|---|---|"
        for kind in (*TOLD, *ALSO):
            yield f"| {kind} | {self.report.count(kind)} | {MEANING[kind]} |"

    def _recovery(self) -> Iterator[str]:
        groups: dict[str, list[float]] = defaultdict(list)
        for fault in self.course.faults:
            if fault.get("recovered") is not None:
                groups[fault["group"]].append(fault["recovered"])
        yield "## Thời gian phục hồi · Time to recover (s)"
        yield ""
        yield "| lỗi · fault | lần · count | median | p95 | max |"
        yield "|---|---|---|---|---|"
        for group, seconds in sorted(groups.items()):
            told = " | ".join(f"{each:.1f}" for each in (statistics.median(seconds), p95(seconds), max(seconds)))
            yield f"| {group} | {len(seconds)} | {told} |"

    def _answers(self) -> Iterator[str]:
        yield "## Câu trả lời theo mã · Answers by status"
        yield ""
        yield "| | | |"
        yield "|---|---|---|"
        for (method, status), count in sorted(self.course.answers.items()):
            yield f"| {method} | {status} | {count} |"

    def _plan(self) -> Iterator[str]:
        yield "## Lỗi đã gây · Faults done"
        yield ""
        yield "| # | lỗi · fault | lúc · began (s) | vắng · away (s) | phục hồi · recovered (s) |"
        yield "|---|---|---|---|---|"
        for fault in self.course.faults:
            times = (fault.get(name) for name in ("began", "away", "recovered"))
            told = " | ".join("–" if each is None else f"{each:.1f}" for each in times)
            yield f"| {fault['number']} | {fault['name']} | {told} |"

    def _findings(self) -> Iterator[str]:
        yield "## Phát hiện · Findings"
        if self.report.sound:
            yield ""
            yield "Không có · None."
            return
        for kind, found in self.report.findings.items():
            if found:
                yield ""
                yield f"### {kind}: {len(found)}"
                yield from (f"- {each}" for each in found[:FINDINGS_SHOWN])
        yield ""
        yield "## Lịch sử · Histories"
        began = self.course.run.get("began", 0.0)
        for subject, lines in stories(self.file, self._subjects()).items():
            yield ""
            yield f"### {subject}"
            yield "```"
            yield from (_told(each, began) for each in lines)
            yield "```"

    def _subjects(self) -> dict[str, list[str]]:
        """The first subjects of each kind, with the transfers of each."""
        chosen: list[str] = []
        for found in self.report.findings.values():
            chosen += _subjects(found)[: max(2, HISTORIES_SHOWN // len(TOLD))]
        names: dict[str, list[str]] = {subject: [] for subject in chosen[: HISTORIES_SHOWN * 2]}
        for fact in self.seen.facts:
            if fact.subject in names:
                names[fact.subject] += [fact.transfer, fact.document]
        return names


def p95(seconds: Sequence[float]) -> float:
    """The value that 95 of 100 do not exceed; of few the largest."""
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]


def _subjects(found: Sequence[Finding]) -> list[str]:
    return list(dict.fromkeys(each.subject for each in found if each.subject))


def _told(record: dict[str, Any], began: float) -> str:
    rest = " ".join(f"{name}={value}" for name, value in record.items() if name not in HIDDEN)
    return f"{record['t'] - began:8.2f} {record['e']:9} {rest}"
