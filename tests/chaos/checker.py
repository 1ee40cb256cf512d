"""Judges a chaos run by counting from the outside: accepted = effective once at each recipient, in order. Pure.

`python -m tests.chaos.checker HISTORY` judges a file of `history` and prints its report.
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from tests.chaos import history, outside, report
from tests.chaos.evidence import CENTRAL, Evidence, Fact
from tests.chaos.findings import Finding, Report

FINAL = frozenset({"handed_over", "partly", "refused", "closed"})
CLOSED = frozenset({3, 7, 10})
"""Statuses of a dossier with which nobody needs to do anything."""
RECEIPT = "receipt"


def judge(evidence: Evidence) -> Report:
    """Of a run that was looked at to its end."""
    checks: dict[str, Callable[[Evidence], Iterator[Finding]]] = {
        "lost": lost,
        "double": double,
        "effects": effects,
        "disorder": disorder,
        "custody": custody,
        "changed": changed,
        "unfinished": unfinished,
        "refused": refused,
        "mirrors": mirrors,
        "failed": failed,
    }
    findings = {kind: list(check(evidence)) for kind, check in checks.items()}
    return Report(len(evidence.facts), findings)


def judge_early(evidence: Evidence) -> Report:
    """Of a run that was cut off: what can be said without the last look."""
    findings = {
        "custody": list(held_by_two(evidence)),
        "changed": list(changed(evidence)),
        "failed": list(failed(evidence)),
    }
    return Report(len(evidence.facts), findings)


def lost(seen: Evidence) -> Iterator[Finding]:
    """An effective fact is in the inbox of everyone it is due to, its sender is told so, the gateway's dossier has it,
    and an answer stands at its document."""
    held = {organ: {(item.id, item.kind) for item in items} for organ, items in seen.inboxes.items()}
    for fact in effective(seen):
        shown = seen.shown.get(fact.transfer)
        told = {organ for organ, state in shown.deliveries.items() if state == "handed_over"} if shown else set()
        for organ in sorted(fact.to):
            if organ != CENTRAL and (fact.transfer, fact.kind) not in held.get(organ, set()):
                yield _of(fact, f"{_name(fact)}: not in the inbox of {organ}")
            elif shown and shown.state in FINAL and organ not in told:
                yield _of(fact, f"{_name(fact)}: its sender is not told that {organ} has it")
    for code, truth, count in _versions(seen):
        if truth < count:
            yield Finding(f"{code}: {truth} facts took effect at the gateway, accepted were {count}", code)
    yield from outside.lost(seen, list(effective(seen)))


def double(seen: Evidence) -> Iterator[Finding]:
    """No item twice, none for an organ it was not due to, none that nobody was told of, none of a refused fact."""
    facts = {fact.transfer: fact for fact in seen.facts}
    taken = {fact.transfer for fact in effective(seen)}
    allowed = {(each.subject, each.type, each.sender) for each in seen.unnamed}
    for organ, items in seen.inboxes.items():
        counts = Counter(item.id for item in items)
        for item in {each.id: each for each in items}.values():
            if counts[item.id] > 1:
                text = f"{item.type} {item.id}: {counts[item.id]} times in the inbox of {organ}"
                yield Finding(text, item.subject)
            if item.kind == RECEIPT or item.sender == CENTRAL:
                continue
            fact = facts.get(item.id)
            if fact is None:
                if (item.subject, item.type, item.sender) not in allowed:
                    text = f"{item.type} {item.id} of {item.subject}: at {organ}, but nobody was told it was accepted"
                    yield Finding(text, item.subject)
            elif organ not in fact.to:
                yield _of(fact, f"{_name(fact)}: in the inbox of {organ}, to whom it was not due")
            elif item.id not in taken:
                yield _of(fact, f"{_name(fact)}: in the inbox of {organ} although it was refused")
    yield from outside.double(seen, list(effective(seen)))


def effects(seen: Evidence) -> Iterator[Finding]:
    """What was accepted once took effect once: in histories, at the gateway, as an answer to a document."""
    for code, steps in seen.histories.items():
        for transfer, count in Counter(steps).items():
            if count > 1:
                yield Finding(f"{code}: its history has the step {transfer} {count} times", code)
    named = {fact.transfer for fact in seen.facts}
    unnamed: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for items in seen.inboxes.values():
        for item in items:
            if item.id not in named:
                unnamed[item.subject, item.type, item.sender].add(item.id)
    for act in {(each.subject, each.type, each.sender): None for each in seen.unnamed}:
        if len(unnamed[act]) > 1:
            yield Finding(f"{act}: took effect {len(unnamed[act])} times", act[0])
    loose = Counter(each.subject for each in seen.unnamed)
    for code, truth, count in _versions(seen):
        if truth > count + loose[code]:
            yield Finding(f"{code}: {truth} facts took effect at the gateway, accepted were {count}", code)


def disorder(seen: Evidence) -> Iterator[Finding]:
    """Per chain and recipient in the order of acceptance; the receiving organ's history has every step once."""
    places = {fact.transfer: fact for fact in seen.facts}
    for organ, items in seen.inboxes.items():
        last: dict[str, Fact] = {}
        for transfer in dict.fromkeys(item.id for item in items):
            if (fact := places.get(transfer)) is None:
                continue
            before = last.get(fact.chain)
            if before and before.place > fact.place:
                yield _of(fact, f"{_name(fact)}: at {organ} behind {_name(before)}")
            last[fact.chain] = fact
    open_ended = {each.subject for each in seen.unnamed}
    accepted: dict[str, list[str]] = defaultdict(list)
    for fact in sorted(effective(seen), key=_place):
        accepted[fact.subject].append(fact.transfer)
    for code, steps in seen.histories.items():
        once = list(dict.fromkeys(steps))
        listed = [each for each in once if each in places]
        if code not in open_ended and (len(listed) < len(once) or not _same_order(listed, accepted[code], places)):
            told = f"{code}: its history is {_types(once, places)}, accepted were {_types(accepted[code], places)}"
            yield Finding(told, code)
    yield from outside.disorder(seen, list(effective(seen)))


def custody(seen: Evidence) -> Iterator[Finding]:
    """As `held_by_two`; of a race at most one side wins, and a dossier that is not closed has somebody who may act."""
    yield from held_by_two(seen)
    winners = Counter((fact.subject, fact.race) for fact in effective(seen) if fact.race)
    yield from (
        Finding(f"race {race}: {count} sides won", code) for (code, race), count in winners.items() if count > 1
    )
    for code, truth in seen.gateway.items():
        acting = sorted(organ for organ in seen.parties[code] if seen.words.get((organ, code)) == "held")
        if len(acting) > 1:
            yield Finding(f"{code}: held by {' and '.join(acting)} at the end", code)
        elif truth.status not in CLOSED and not truth.custodian:
            yield Finding(f"{code}: nobody holds it, says the gateway (status {truth.status})", code)
        elif truth.status not in CLOSED and not truth.offer and acting != [truth.custodian]:
            told = acting[0] if acting else "nobody"
            yield Finding(f"{code}: {told} may act, the gateway has {truth.custodian} (status {truth.status})", code)


def held_by_two(seen: Evidence) -> Iterator[Finding]:
    """At most one organ holds a dossier in an epoch, at any time of the run."""
    holders: dict[tuple[str, int], set[str]] = defaultdict(set)
    for sighting in seen.sightings:
        holders[sighting.code, sighting.epoch].add(sighting.organ)
    for (code, epoch), organs in sorted(holders.items()):
        if len(organs) > 1:
            yield Finding(f"{code}: held by {' and '.join(sorted(organs))} in epoch {epoch}", code)


def changed(seen: Evidence) -> Iterator[Finding]:
    """The same key gets the same answer for ever."""
    for replay in seen.replays:
        if replay.first != replay.again:
            first, again = replay.texts
            text = f"{replay.request}: first {replay.first[0]} {first}, then {replay.again[0]} {again}"
            yield Finding(text, replay.request.rpartition(" ")[2])


def unfinished(seen: Evidence) -> Iterator[Finding]:
    """Every transfer of every sender ends."""
    for fact in seen.facts:
        shown = seen.shown.get(fact.transfer)
        if shown is None or shown.state not in FINAL:
            yield _of(fact, f"{_name(fact)}: {shown.state if shown else 'unknown to its sender'}")


def refused(seen: Evidence) -> Iterator[Finding]:
    """Nothing valid is refused; of a race the loser is, with the one right code."""
    for fact in seen.facts:
        shown = seen.shown.get(fact.transfer)
        if shown and shown.state in ("refused", "partly") and not (fact.race and shown.code == "custody.offer_closed"):
            yield _of(fact, f"{_name(fact)}: {shown.state} {shown.code} {dict(shown.deliveries)}")


def mirrors(seen: Evidence) -> Iterator[Finding]:
    """Every party sees what the gateway has."""
    for code in sorted({fact.subject for fact in seen.facts if fact.kind == "dossier"}):
        truth = seen.gateway.get(code)
        if truth is None:
            yield Finding(f"{code}: unknown to the gateway", code)
            continue
        for organ in sorted(seen.parties[code]):
            mirror = seen.mirrors.get((organ, code))
            if mirror != truth:
                yield Finding(f"{code}: {organ} sees {mirror}, the gateway has {truth}", code)


def failed(seen: Evidence) -> Iterator[Finding]:
    """What loaders met."""
    yield from (Finding(each.what, each.subject) for each in seen.failures)


def effective(seen: Evidence) -> Iterator[Fact]:
    """Accepted facts the gateway did not refuse."""
    for fact in seen.facts:
        shown = seen.shown.get(fact.transfer)
        if shown is None or shown.state != "refused":
            yield fact


def _versions(seen: Evidence) -> Iterator[tuple[str, int, int]]:
    """The gateway counts every fact of a dossier that took effect."""
    counts = Counter(fact.subject for fact in effective(seen) if fact.kind == "dossier")
    for code, truth in seen.gateway.items():
        yield code, truth.version, counts[code]


def _same_order(listed: Sequence[str], accepted: Sequence[str], places: Mapping[str, Fact]) -> bool:
    """Own steps stand where they were taken, delivered ones in the order of the hub: a stamp that came with a receipt
    may let the organ act on a step that is still on its way to it."""
    own = places[accepted[0]].sender if accepted else ""

    def parted(transfers: Sequence[str]) -> tuple[list[str], list[str]]:
        mine = [each for each in transfers if places[each].sender == own]
        return mine, [each for each in transfers if places[each].sender != own]

    return parted(listed) == parted(accepted)


def _place(fact: Fact) -> int:
    return fact.place


def _types(transfers: Sequence[str], facts: Mapping[str, Fact]) -> str:
    return " ".join(facts[each].type.rpartition(".")[2] if each in facts else each for each in transfers)


def _name(fact: Fact) -> str:
    return f"{fact.type} of {fact.subject}"


def _of(fact: Fact, text: str) -> Finding:
    return Finding(text, fact.subject)


def main(file: Path) -> int:
    """Prints the report of a history; 0 when it is sound."""
    seen, course = history.read(file)
    judged = judge_early(seen) if "seen" not in course.ends else judge(seen)
    told = report.Telling(judged, seen, course, file)
    print(told.text())
    print(told.line())
    return 0 if told.report.sound else 1


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("python -m tests.chaos.checker HISTORY")
    sys.exit(main(Path(sys.argv[1])))
