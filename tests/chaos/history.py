"""The file of a run: one JSON object a line, written as things happen; read back it is the evidence again.

Every line has `t` (machine time) and `e`, the kind; no personal data and no bodies.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from tests.chaos.evidence import (
    Course,
    Evidence,
    Fact,
    Failure,
    Item,
    Letter,
    Mirror,
    Outside,
    Replay,
    Shown,
    Sighting,
    Unnamed,
)

Json = dict[str, Any]
FLUSH_SECONDS = 1.0
LINES_SHOWN = 80


class History:
    """The file being written; a line reaches it within a second or so, all at `close`."""

    def __init__(self, file: Path) -> None:
        self.file = file
        file.parent.mkdir(parents=True, exist_ok=True)
        self._stream = file.open("wb", buffering=1 << 16)
        self._flushed = time.monotonic()

    def write(self, record: Mapping[str, Any]) -> None:
        self._stream.write(orjson.dumps({"t": round(time.time(), 3), **record}, option=orjson.OPT_APPEND_NEWLINE))
        if (now := time.monotonic()) - self._flushed > FLUSH_SECONDS:
            self._stream.flush()
            self._flushed = now

    def close(self) -> None:
        self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def line(kind: str, value: object, **keys: Any) -> Json:
    """A record of a plain dataclass."""
    body = {each.name: _plain(getattr(value, each.name)) for each in fields(value)}  # type: ignore[arg-type]
    return {"e": kind, **keys, **{name: given for name, given in body.items() if given not in ("", [], {}, None)}}


def records(seen: Evidence) -> Iterator[Json]:
    """All of the evidence, as a run would have written it."""
    yield from (line("fact", each) for each in seen.facts)
    yield from (line("unnamed", each) for each in seen.unnamed)
    yield from (line("outside", each) for each in seen.outside)
    if seen.letters is not None:
        yield {"e": "axis"}
        yield from (line("letter", each) for each in seen.letters)
    yield from (line("shown", each, transfer=transfer) for transfer, each in seen.shown.items())
    for organ, items in seen.inboxes.items():
        yield {"e": "inbox", "organ": organ}
        yield from (line("item", each, organ=organ) for each in items)
    yield from (line("gateway", each, subject=code) for code, each in seen.gateway.items())
    yield from ({"e": "parties", "subject": code, "organs": sorted(all_)} for code, all_ in seen.parties.items())
    yield from (line("mirror", each, organ=organ, subject=code) for (organ, code), each in seen.mirrors.items())
    yield from ({"e": "word", "organ": o, "subject": code, "word": word} for (o, code), word in seen.words.items())
    yield from ({"e": "steps", "subject": code, "steps": list(all_)} for code, all_ in seen.histories.items())
    yield from (line("sighting", each) for each in seen.sightings)
    yield from (line("replay", each) for each in seen.replays)
    yield from (line("failure", each) for each in seen.failures)


def take(seen: Evidence, course: Course, record: Json) -> None:
    """Adds what a line says; kinds that only tell the story of a subject are passed over."""
    kind = record["e"]
    if maker := _TAKERS.get(kind):
        maker(seen, record)
    elif kind == "answer":
        course.answers[record["m"], str(record["status"])] += 1
        for status, count in record.get("before", {}).items():
            course.answers[record["m"], status] += count
    elif kind == "run":
        course.run |= record
    elif kind == "fault":
        course.faults.append(record)
    elif kind == "end":
        course.ends[record["of"]] = record["after"]


def read(file: Path) -> tuple[Evidence, Course]:
    """A line cut off at the end, by a run that was killed, is left out."""
    seen, course = Evidence(), Course()
    for record in _lines(file):
        take(seen, course, record)
    return seen, course


def stories(file: Path, names: Mapping[str, Iterable[str]]) -> dict[str, list[Json]]:
    """For each subject the lines that name it or one of its ids, without the polling. One pass over the file."""
    owner = {name: subject for subject, all_ in names.items() for name in (subject, *all_) if name}
    found: dict[str, list[Json]] = {subject: [] for subject in names}
    if not owner:
        return found
    pattern = re.compile(b"|".join(re.escape(name.encode()) for name in sorted(owner, key=len, reverse=True)))
    with file.open("rb") as stream:
        for raw in stream:
            hits = {owner[hit.decode()] for hit in pattern.findall(raw)}
            if not hits or not raw.endswith(b"\n") or _is_polling(record := orjson.loads(raw)):
                continue
            for subject in hits:
                if len(found[subject]) < LINES_SHOWN:
                    found[subject].append(record)
    return found


def _lines(file: Path) -> Iterator[Json]:
    with file.open("rb") as stream:
        for raw in stream:
            if raw.endswith(b"\n"):
                yield orjson.loads(raw)


def _is_polling(record: Json) -> bool:
    return bool(record["e"] == "answer" and record["m"] == "GET" and record["status"] in (200, 404))


def _plain(value: object) -> object:
    return sorted(value) if isinstance(value, frozenset) else value


def _made(kind: type[Any], record: Json) -> Any:
    """The dataclass from what the line has of it."""
    return kind(**{each.name: record[each.name] for each in fields(kind) if each.name in record})


def _fact(seen: Evidence, record: Json) -> None:
    seen.facts.append(_made(Fact, {**record, "to": frozenset(record.get("to", ()))}))


def _letters(seen: Evidence) -> list[Letter]:
    if seen.letters is None:
        seen.letters = []
    return seen.letters


def _item(seen: Evidence, record: Json) -> None:
    seen.inboxes.setdefault(record["organ"], []).append(_made(Item, record))


def _mirror(record: Json) -> Any:
    return _made(Mirror, {"custodian": "", **record})


def _replay(seen: Evidence, record: Json) -> None:
    pairs = {name: tuple(record[name]) for name in ("first", "again", "texts") if name in record}
    seen.replays.append(Replay(record["request"], **pairs))


def _shown(seen: Evidence, record: Json) -> None:
    answers = {organ: tuple(codes) for organ, codes in record.get("answers", {}).items()}
    seen.shown[record["transfer"]] = _made(Shown, {**record, "answers": answers})


_TAKERS: Mapping[str, Callable[[Evidence, Json], None]] = {
    "fact": _fact,
    "unnamed": lambda seen, record: seen.unnamed.append(_made(Unnamed, record)),
    "outside": lambda seen, record: seen.outside.append(_made(Outside, record)),
    "axis": lambda seen, _: _letters(seen).clear(),
    "letter": lambda seen, record: _letters(seen).append(_made(Letter, record)),
    "shown": _shown,
    "inbox": lambda seen, record: seen.inboxes.update({record["organ"]: []}),
    "item": _item,
    "gateway": lambda seen, record: seen.gateway.update({record["subject"]: _mirror(record)}),
    "parties": lambda seen, record: seen.parties.update({record["subject"]: frozenset(record["organs"])}),
    "mirror": lambda seen, record: seen.mirrors.update({(record["organ"], record["subject"]): _mirror(record)}),
    "word": lambda seen, record: seen.words.update({(record["organ"], record["subject"]): record["word"]}),
    "steps": lambda seen, record: seen.histories.update({record["subject"]: tuple(record["steps"])}),
    "sighting": lambda seen, record: seen.sightings.add(_made(Sighting, record)),
    "replay": _replay,
    "failure": lambda seen, record: seen.failures.append(_made(Failure, record)),
}
