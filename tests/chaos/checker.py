"""Judges a chaos run by counting from the outside: accepted = effective once at each recipient, in order. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.chaos.evidence import Evidence, Fact, Item

FINAL = frozenset({"handed_over", "partly", "refused", "closed"})
RECEIPT = "receipt"


@dataclass(frozen=True, slots=True)
class Report:
    """Findings by kind; a sound run has none."""

    accepted: int
    findings: Mapping[str, Sequence[str]]

    @property
    def sound(self) -> bool:
        return not any(self.findings.values())

    def line(self, name: str, faults: int) -> str:
        counts = ", ".join(f"{kind} {len(found)}" for kind, found in self.findings.items())
        return f"{name}: {faults} faults, {self.accepted} accepted, {counts}"

    def details(self, most: int = 10) -> str:
        """The first findings of each kind, one a line."""
        return "\n".join(f"{kind}: {each}" for kind, found in self.findings.items() for each in found[:most])


def judge(evidence: Evidence) -> Report:
    checks = {
        "lost": lost,
        "double": double,
        "disorder": disorder,
        "custody": custody,
        "changed": changed,
        "unfinished": unfinished,
        "refused": refused,
        "mirrors": mirrors,
        "failed": lambda seen: iter(seen.failures),
    }
    findings = {kind: list(check(evidence)) for kind, check in checks.items()}
    return Report(len(evidence.facts), findings)


def lost(seen: Evidence) -> Iterator[str]:
    """An effective fact is in the inbox of everyone it is due to, and its sender is told so."""
    held = {organ: {(item.id, item.kind) for item in items} for organ, items in seen.inboxes.items()}
    for fact in _effective(seen):
        shown = seen.shown.get(fact.transfer)
        told = {organ for organ, state in shown.deliveries.items() if state == "handed_over"} if shown else set()
        for organ in sorted(fact.to):
            if (fact.transfer, fact.kind) not in held.get(organ, set()):
                yield f"{_name(fact)}: not in the inbox of {organ}"
            elif shown and shown.state in FINAL and organ not in told:
                yield f"{_name(fact)}: its sender is not told that {organ} has it"


def double(seen: Evidence) -> Iterator[str]:
    """No item twice, none for an organ it was not due to, none that nobody was told of, none of a refused fact."""
    facts = {fact.transfer: fact for fact in seen.facts}
    effective = {fact.transfer for fact in _effective(seen)}
    allowed = {(each.subject, each.type, each.sender) for each in seen.unnamed}
    unnamed: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for organ, items in seen.inboxes.items():
        counts = Counter(item.id for item in items)
        for item in {each.id: each for each in items}.values():
            if counts[item.id] > 1:
                yield f"{item.type} {item.id}: {counts[item.id]} times in the inbox of {organ}"
            if item.kind == RECEIPT:
                continue
            fact, act = facts.get(item.id), (item.subject, item.type, item.sender)
            if fact is None and act in allowed:
                unnamed[act].add(item.id)
            elif fact is None:
                yield f"{item.type} {item.id} of {item.subject}: at {organ}, but nobody was told that it was accepted"
            elif organ not in fact.to:
                yield f"{_name(fact)}: in the inbox of {organ}, to whom it was not due"
            elif item.id not in effective:
                yield f"{_name(fact)}: in the inbox of {organ} although it was refused"
    yield from (f"{act}: took effect {len(ids)} times" for act, ids in unnamed.items() if len(ids) > 1)


def disorder(seen: Evidence) -> Iterator[str]:
    """Per chain and recipient in the order of acceptance; the receiving organ's history has every step once."""
    places = {fact.transfer: fact for fact in seen.facts}
    for organ, items in seen.inboxes.items():
        last: dict[str, Fact] = {}
        for fact in (places[item.id] for item in items if item.id in places):
            before = last.get(fact.chain)
            if before and before.place > fact.place:
                yield f"{_name(fact)}: at {organ} behind {_name(before)}"
            last[fact.chain] = fact
    open_ended = {each.subject for each in seen.unnamed}
    for code, history in seen.histories.items():
        accepted = [fact.transfer for fact in sorted(_effective(seen), key=_place) if fact.subject == code]
        listed = [each for each in history if each in places]
        if code not in open_ended and (len(listed) < len(history) or not _same_order(listed, accepted, places)):
            yield f"{code}: its history is {_types(history, places)}, accepted were {_types(accepted, places)}"


def _same_order(listed: Sequence[str], accepted: Sequence[str], places: Mapping[str, Fact]) -> bool:
    """Own steps stand where they were taken, delivered ones in the order of the hub: a stamp that came with a receipt
    may let the organ act on a step that is still on its way to it."""
    own = places[accepted[0]].sender

    def parted(transfers: Sequence[str]) -> tuple[list[str], list[str]]:
        mine = [each for each in transfers if places[each].sender == own]
        return mine, [each for each in transfers if places[each].sender != own]

    return parted(listed) == parted(accepted)


def custody(seen: Evidence) -> Iterator[str]:
    """At most one organ holds a dossier in an epoch, and of a race at most one side wins."""
    holders: dict[tuple[str, int], set[str]] = defaultdict(set)
    for sighting in seen.sightings:
        holders[sighting.code, sighting.epoch].add(sighting.organ)
    for (code, epoch), organs in sorted(holders.items()):
        if len(organs) > 1:
            yield f"{code}: held by {' and '.join(sorted(organs))} in epoch {epoch}"
    winners = Counter(fact.race for fact in _effective(seen) if fact.race)
    yield from (f"race {race}: {count} sides won" for race, count in winners.items() if count > 1)


def changed(seen: Evidence) -> Iterator[str]:
    """The same key gets the same answer for ever."""
    for replay in seen.replays:
        if replay.first != replay.again:
            yield f"{replay.request}: first {_answer(replay.first)}, then {_answer(replay.again)}"


def unfinished(seen: Evidence) -> Iterator[str]:
    """Every transfer of every sender ends."""
    for fact in seen.facts:
        shown = seen.shown.get(fact.transfer)
        if shown is None or shown.state not in FINAL:
            yield f"{_name(fact)}: {shown.state if shown else 'unknown to its sender'}"


def refused(seen: Evidence) -> Iterator[str]:
    """Nothing valid is refused; of a race the loser is, with the one right code."""
    for fact in seen.facts:
        shown = seen.shown.get(fact.transfer)
        if shown and shown.state in ("refused", "partly") and not (fact.race and shown.code == "custody.offer_closed"):
            yield f"{_name(fact)}: {shown.state} {shown.code} {dict(shown.deliveries)}"


def mirrors(seen: Evidence) -> Iterator[str]:
    """Every party sees what the gateway has."""
    for code in sorted({fact.subject for fact in seen.facts if fact.kind == "dossier"}):
        truth = seen.gateway.get(code)
        if truth is None:
            yield f"{code}: unknown to the gateway"
            continue
        for organ in sorted(seen.parties[code]):
            mirror = seen.mirrors.get((organ, code))
            if mirror != truth:
                yield f"{code}: {organ} sees {mirror}, the gateway has {truth}"


def _effective(seen: Evidence) -> Iterator[Fact]:
    """Accepted facts the gateway did not refuse."""
    for fact in seen.facts:
        shown = seen.shown.get(fact.transfer)
        if shown is None or shown.state != "refused":
            yield fact


def _place(fact: Fact) -> int:
    return fact.place


def _types(transfers: Sequence[str], facts: Mapping[str, Fact]) -> str:
    return " ".join(facts[each].type.rpartition(".")[2] if each in facts else each for each in transfers)


def _name(fact: Fact | Item) -> str:
    return f"{fact.type} of {fact.subject}"


def _answer(answer: tuple[int, bytes]) -> str:
    return f"{answer[0]} {answer[1][:200].decode(errors='replace')}"
