"""How organs are searched, and what an entry of the directory must keep to beside the others. Pure.

Search: by every word, in name or code, with or without the accents of Vietnamese.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from contracts.identifiers import organ_key
from contracts.levels import Level
from contracts.messages.registry import Alias, OrganChanged, Superior

RANK = {Level.CENTRAL: 0, Level.PROVINCE: 1, Level.DISTRICT: 2, Level.COMMUNE: 3}
MAX_STEPS = 5000
"""So many dated superiors are followed in search of a cycle; no administration comes near."""

Window = tuple[date, date]


@dataclass(frozen=True, slots=True)
class Fault:
    """Where an entry is wrong (JSON pointer) and how; never with its values."""

    pointer: str
    problem: str


@dataclass(frozen=True, slots=True)
class _Claim:
    """A code means an organ for some time. Of two claims that meet, the one with the lower place came first."""

    place: int
    organ: str
    window: Window


class Scene:
    """The organs as they would be after a change, by code and by alias.

    `organs` in order: an entry gives way to those before it. `promised` are keys that are to exist, of which nothing
    else is known.
    """

    def __init__(self, organs: Iterable[OrganChanged], promised: Iterable[str] = ()) -> None:
        self.promised = frozenset(promised)
        self.organs: dict[str, OrganChanged] = {organ_key(organ.code): organ for organ in organs}
        self._places = {key: place for place, key in enumerate(self.organs)}
        self._claims: dict[str, list[_Claim]] = {}
        for key, organ in self.organs.items():
            place = self._places[key]
            for code, window, _ in _names(organ):
                self._claims.setdefault(code, []).append(_Claim(place, key, window))

    def find(self, code: str) -> OrganChanged | None:
        """Whom the code ever means: by its own code first, else whoever bears the alias last."""
        key = organ_key(code)
        if key in self.organs:
            return self.organs[key]
        claims = self._claims.get(key)
        return self.organs[max(claims, key=lambda claim: claim.window[0]).organ] if claims else None

    def taken(self, code: str, organ: str, window: Window) -> bool:
        """Whether another organ, of those before this one, has the code in that time."""
        place = self._places[organ]
        return any(
            claim.organ != organ and claim.place < place and _meet(claim.window, window)
            for claim in self._claims.get(code, ())
        )


def fold(text: str) -> str:
    """Lower case without accents, one blank between words: `Phường  Đồng Tiến` is `phuong dong tien`."""
    plain = "".join(char for char in unicodedata.normalize("NFD", text) if not unicodedata.combining(char))
    return " ".join(plain.replace("đ", "d").replace("Đ", "D").casefold().split())


def search_text(organ: OrganChanged) -> str:
    """What an organ is found by: name, code and aliases."""
    return fold(" ".join((organ.name, organ.code, *(alias.code for alias in organ.aliases))))


def search_words(query: str) -> list[str]:
    """All of these must occur; none given finds everything."""
    return fold(query).split()


def canonical(organ: OrganChanged, scene: Scene) -> OrganChanged:
    """The entry with superiors and successors by their own codes, where they are known."""

    def code_of(code: str) -> str:
        found = scene.find(code)
        return found.code if found else code

    superiors = [
        fact if code_of(fact.organ) == fact.organ else fact.model_copy(update={"organ": code_of(fact.organ)})
        for fact in organ.superiors
    ]
    successors = list(dict.fromkeys(code_of(code) for code in organ.successors))
    default = None if organ.default_successor is None else code_of(organ.default_successor)
    changed = {"superiors": superiors, "successors": successors, "default_successor": default}
    return (
        organ
        if all(getattr(organ, name) == value for name, value in changed.items())
        else organ.model_copy(update=changed)
    )


def references(organ: OrganChanged) -> Iterator[str]:
    """Keys of the organs an entry names."""
    named = (*(fact.organ for fact in organ.superiors), *organ.successors, organ.default_successor)
    yield from (organ_key(code) for code in named if code is not None)


def judge(organ: OrganChanged, scene: Scene, held: OrganChanged | None = None) -> list[Fault]:
    """What is wrong with an entry of the scene; `held` is what it replaces."""
    faults = [*_dates(organ), *_home(organ), *_superiors(organ, scene), *_codes(organ, scene)]
    faults += _successors(organ, scene)
    if held is not None and held.level != organ.level:
        faults += _inferiors(organ, scene)
    return faults or list(_cycles(organ, scene))


def brought(faults: Sequence[Fault], organ: OrganChanged, held: OrganChanged, before: Scene) -> list[Fault]:
    """The faults that come with a change. What was wrong in `before` and stays as it was must not hinder another
    change: an organ can be suspended whatever else is wrong with it."""
    old = set(judge(held, before))
    changed = {name for name in OrganChanged.model_fields if getattr(organ, name) != getattr(held, name)}
    return [fault for fault in faults if fault not in old or fault.pointer.split("/")[1] in changed]


def _dates(organ: OrganChanged) -> Iterator[Fault]:
    if not _begins_first(organ):
        yield Fault("/valid_to", "must be later than valid_from")
    listed: dict[str, Sequence[Superior | Alias]] = {"superiors": organ.superiors, "aliases": organ.aliases}
    for name, facts in listed.items():
        for place, fact in enumerate(facts):
            if not _begins_first(fact):
                yield Fault(f"/{name}/{place}/valid_to", "must be later than valid_from")


def _home(organ: OrganChanged) -> Iterator[Fault]:
    if organ.home == "axis" and organ.level != Level.CENTRAL:
        yield Fault("/home", "only central organs are reached over the national axis")
    if organ.home == "office" and organ.level == Level.CENTRAL:
        yield Fault("/home", "the central level has no office here: axis or vxp")


def _superiors(organ: OrganChanged, scene: Scene) -> Iterator[Fault]:
    key = organ_key(organ.code)
    for place, fact in enumerate(organ.superiors):
        pointer = f"/superiors/{place}/organ"
        superior = scene.find(fact.organ)
        if superior is None:
            if organ_key(fact.organ) not in scene.promised:
                yield Fault(pointer, "no such organ")
        elif organ_key(superior.code) == key:
            yield Fault(pointer, "an organ is not its own superior")
        elif RANK[superior.level] > RANK[organ.level]:
            yield Fault(pointer, "the superior is of a lower level")
        if any(_meet(_window(fact), _window(other)) for other in organ.superiors[:place]):
            yield Fault(f"/superiors/{place}/valid_from", "two superiors at the same time")


def _codes(organ: OrganChanged, scene: Scene) -> Iterator[Fault]:
    key = organ_key(organ.code)
    own: dict[str, list[Window]] = {}
    for code, window, pointer in _names(organ):
        if scene.taken(code, key, window):
            yield Fault(pointer, "the code means another organ at the same time")
        elif pointer != "/code" and code == key:
            yield Fault(pointer, "is the organ's own code")
        elif any(_meet(window, other) for other in own.get(code, ())):
            yield Fault(pointer, "the alias is given twice for the same time")
        own.setdefault(code, []).append(window)


def _successors(organ: OrganChanged, scene: Scene) -> Iterator[Fault]:
    key = organ_key(organ.code)
    if organ.successors and organ.valid_to is None:
        yield Fault("/successors", "only an organ that ends has successors: give valid_to")
    for place, code in enumerate(organ.successors):
        successor = scene.find(code)
        if successor is None:
            if organ_key(code) not in scene.promised:
                yield Fault(f"/successors/{place}", "no such organ")
        elif organ_key(successor.code) == key:
            yield Fault(f"/successors/{place}", "an organ is not its own successor")
    if organ.default_successor is not None:
        keys = {organ_key(code) for code in organ.successors}
        if organ_key(organ.default_successor) not in keys:
            yield Fault("/default_successor", "is not among the successors")


def _inferiors(organ: OrganChanged, scene: Scene) -> Iterator[Fault]:
    key = organ_key(organ.code)
    for other in scene.organs.values():
        below = any(organ_key(fact.organ) == key for fact in other.superiors)
        if below and RANK[other.level] < RANK[organ.level]:
            yield Fault("/level", "organs below it are of a higher level")
            return


def _cycles(organ: OrganChanged, scene: Scene) -> Iterator[Fault]:
    for place, fact in enumerate(organ.superiors):
        if _comes_back(organ, fact, scene):
            yield Fault(f"/superiors/{place}/organ", "the superiors go round in a circle")
    for place, code in enumerate(organ.successors):
        if _succeeds_itself(organ, code, scene):
            yield Fault(f"/successors/{place}", "the successors go round in a circle")


def _comes_back(organ: OrganChanged, first: Superior, scene: Scene) -> bool:
    """Whether at some date the superiors lead back. Levels never fall on the way up, so all are of this one's level."""
    key = organ_key(organ.code)
    waiting = [(organ_key(first.organ), _window(first))]
    seen: set[tuple[str, Window]] = set()
    while waiting and len(seen) < MAX_STEPS:
        at, window = waiting.pop()
        if at == key:
            return True
        above = scene.organs.get(at)
        if above is None or above.level != organ.level or (at, window) in seen:
            continue
        seen.add((at, window))
        for fact in above.superiors:
            common = _common(window, _window(fact))
            if common[0] < common[1]:
                waiting.append((organ_key(fact.organ), common))
    return bool(waiting)


def _succeeds_itself(organ: OrganChanged, first: str, scene: Scene) -> bool:
    key = organ_key(organ.code)
    waiting, seen = [organ_key(first)], set[str]()
    while waiting:
        at = waiting.pop()
        if at == key:
            return True
        if at not in seen and at in scene.organs:
            seen.add(at)
            waiting += [organ_key(code) for code in scene.organs[at].successors]
    return False


def _names(organ: OrganChanged) -> Iterator[tuple[str, Window, str]]:
    """Code, when it means this organ, and where it is written; an alias means nothing beyond its organ's own dates."""
    whole = _window(organ)
    yield organ_key(organ.code), whole, "/code"
    for place, alias in enumerate(organ.aliases):
        yield organ_key(alias.code), _common(_window(alias), whole), f"/aliases/{place}/code"


def _window(dated: OrganChanged | Superior | Alias) -> Window:
    return dated.valid_from or date.min, dated.valid_to or date.max


def _common(one: Window, other: Window) -> Window:
    return max(one[0], other[0]), min(one[1], other[1])


def _meet(one: Window, other: Window) -> bool:
    begin, end = _common(one, other)
    return begin < end


def _begins_first(dated: OrganChanged | Superior | Alias) -> bool:
    return dated.valid_from is None or dated.valid_to is None or dated.valid_from < dated.valid_to


def with_entry(organs: Iterable[OrganChanged], entry: OrganChanged) -> Sequence[OrganChanged]:
    """The organs with this entry in place of the one of its code, behind all others."""
    key = organ_key(entry.code)
    return [*(organ for organ in organs if organ_key(organ.code) != key), entry]
