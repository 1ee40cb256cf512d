"""The part of the checker about the central organ: what went to it and came from it over the national axis. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from tests.chaos.evidence import CENTRAL, Evidence, Fact, Letter
from tests.chaos.findings import Finding

ISSUED = "document.issued"
ANSWERS = ("01", "03", "06")
"""The central organ gives all of these to every new document, each once for every copy the axis carried to it."""

Way = tuple[str, str, str, str]
"""Kind, sender, DocumentId, code."""


def lost(seen: Evidence, facts: Sequence[Fact]) -> Iterator[Finding]:
    """What is due to the central organ is with the axis; what it sent and answered is in the inboxes, and every answer
    is shown to the sender of the document."""
    here = {(organ, item.document) for organ, items in seen.inboxes.items() for item in items if item.sender == CENTRAL}
    for each in seen.outside:
        if (each.organ, each.document) not in here:
            yield Finding(f"{each.document} of {CENTRAL}: not in the inbox of {each.organ}", each.document)
    if seen.letters is not None:
        carried = Counter(_way(letter) for letter in seen.letters)
        for way, group in _due(facts).items():
            if carried[way] < len(group):
                yield Finding(f"{_told(way)}: {carried[way]} times with the axis, not {len(group)}", group[0].subject)
    given = _answers(seen)
    for fact in _central(seen, facts):
        for code in ANSWERS:
            if not given[fact.sender, fact.subject, code]:
                text = f"{code} of {CENTRAL} to {fact.document}: not in the inbox of {fact.sender}"
                yield Finding(text, fact.subject)
    for subject, organ, code, shown, due in _shown_answers(seen, facts):
        if shown < due:
            yield Finding(f"{code} of {organ} to {subject}: {shown} times shown to its sender, not {due}", subject)


def double(seen: Evidence, facts: Sequence[Fact]) -> Iterator[Finding]:
    """Nothing goes to the axis twice, nothing of the axis comes in twice; what the axis itself doubled may."""
    if seen.letters is not None:
        due = _due(facts)
        for way, count in Counter(_way(letter) for letter in seen.letters).items():
            if count > len(due.get(way, ())):
                yield Finding(f"{_told(way)}: {count} times with the axis, not {len(due.get(way, ()))}", way[2])
    wanted = {(each.organ, each.document) for each in seen.outside}
    came: dict[tuple[str, str], set[str]] = defaultdict(set)
    for organ, items in seen.inboxes.items():
        for item in items:
            if item.sender == CENTRAL and item.kind == "document":
                came[organ, item.document].add(item.id)
    for (organ, document), ids in came.items():
        if (organ, document) not in wanted:
            yield Finding(f"{document} of {CENTRAL}: in the inbox of {organ}, to whom it was not sent", document)
        elif len(ids) > 1:
            yield Finding(f"{document} of {CENTRAL}: {len(ids)} times in the inbox of {organ}", document)
    given, copies = _answers(seen), _copies(seen, facts)
    for (organ, subject, code), count in given.items():
        if count > copies.get((organ, subject), 0):
            yield Finding(f"{code} of {CENTRAL} to {subject}: {count} times in the inbox of {organ}", subject)
    for subject, organ, code, shown, due_ in _shown_answers(seen, facts):
        if shown > due_:
            yield Finding(f"{code} of {organ} to {subject}: {shown} times shown to its sender, not {due_}", subject)


def disorder(seen: Evidence, facts: Sequence[Fact]) -> Iterator[Finding]:
    """The statuses of an organ to a document go to the axis in the order they were given."""
    went: dict[tuple[str, str], list[str]] = defaultdict(list)
    for letter in seen.letters or ():
        if letter.kind == "status":
            went[letter.sender, letter.document].append(letter.code)
    given: dict[tuple[str, str], list[str]] = defaultdict(list)
    for fact in facts:
        if fact.kind == "status":
            given[fact.sender, fact.document].append(fact.code)
    for (sender, document), codes in went.items():
        ordered = given[sender, document]
        known = [code for code in dict.fromkeys(codes) if code in ordered]
        if known != [code for code in ordered if code in known]:
            yield Finding(f"statuses of {sender} to {document}: {codes} with the axis, given were {ordered}", document)


def _way(letter: Letter) -> Way:
    return letter.kind, letter.sender, letter.document, letter.code


def _due(facts: Sequence[Fact]) -> dict[Way, list[Fact]]:
    """The facts for the central organ, by what the axis knows them by."""
    found: dict[Way, list[Fact]] = defaultdict(list)
    for fact in facts:
        if CENTRAL in fact.to:
            found[fact.kind, fact.sender, fact.document, fact.code].append(fact)
    return found


def _told(way: Way) -> str:
    kind, sender, document, code = way
    return f"{kind} {code} of {sender} ({document})".replace("  ", " ")


def _answers(seen: Evidence) -> Counter[tuple[str, str, str]]:
    """Statuses of the central organ in inboxes: (organ, subject, code), each item once."""
    return Counter(
        (organ, item.subject, item.code)
        for organ, items in seen.inboxes.items()
        for item in {each.id: each for each in items}.values()
        if item.sender == CENTRAL and item.kind == "status"
    )


def _central(seen: Evidence, facts: Sequence[Fact]) -> Iterator[Fact]:
    """New documents the central organ has to answer."""
    if seen.letters is not None:
        yield from (fact for fact in facts if fact.type.endswith(ISSUED) and CENTRAL in fact.to)


def _copies(seen: Evidence, facts: Sequence[Fact]) -> dict[tuple[str, str], int]:
    """How often the axis carried a document to the central organ: (sender, subject)."""
    carried: Counter[tuple[str, str]] = Counter()
    for letter in seen.letters or ():
        if letter.kind == "document":
            carried[letter.sender, letter.document] += letter.copies
    return {(fact.sender, fact.subject): carried[fact.sender, fact.document] for fact in _central(seen, facts)}


def _shown_answers(seen: Evidence, facts: Sequence[Fact]) -> Iterator[tuple[str, str, str, int, int]]:
    """(subject, organ, code, times shown at the document's transfer, times given); documents that were changed later
    show answers at the change."""
    issued = {fact.subject: fact for fact in facts if fact.kind == "document"}
    changes = Counter(fact.subject for fact in facts if fact.kind == "document")
    given = Counter((fact.subject, fact.sender, fact.code) for fact in facts if fact.kind == "status")
    counted: Counter[tuple[str, str, str]] = Counter()
    for subject, fact in issued.items():
        shown = seen.shown.get(fact.transfer)
        for organ, codes in (shown.answers if shown else {}).items():
            if organ != CENTRAL:
                counted.update((subject, organ, code) for code in codes)
    for subject, organ, code in dict.fromkeys([*given, *counted]):
        if changes[subject] == 1:
            yield subject, organ, code, counted[subject, organ, code], given[subject, organ, code]
