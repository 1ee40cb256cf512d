"""A sound run, and the faults to plant into it with the kinds under which each must be found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tests.chaos.evidence import (
    CENTRAL,
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

COMMUNE, DISTRICT, OTHER = "commune", "district", "other"
CODE, DOCUMENT = "commune-20240603-0000001", "9e2c0000-0000-4000-8000-000000000001"
NAMED, DOWN = "document-id-1", "document-id-2"
SUBJECTS = {"dossier": CODE, "document": DOCUMENT, "status": DOCUMENT}
CODES = {"arrived": "01", "done": "06", "home": "01", "filed": "03"}


def fact(
    name: str, sender: str, to: set[str], place: int, *, kind: str = "dossier", race: str = "", document: str = ""
) -> Fact:
    subject = "down" if document == DOWN else SUBJECTS[kind]
    return Fact(
        transfer=name,
        subject=subject,
        sender=sender,
        kind=kind,
        type=f"vn.lienthong.{name}" if kind != "document" else f"vn.lienthong.document.{name}",
        document=document or ("" if kind == "dossier" else NAMED),
        code=CODES.get(name, ""),
        to=frozenset(to),
        chain=subject if kind == "dossier" else f"{subject} {sender}",
        place=place,
        race=race,
    )


def item(of: Fact) -> Item:
    return Item(
        id=of.transfer,
        kind=of.kind,
        type=of.type,
        subject=of.subject,
        sender=of.sender,
        document=of.document,
        code=of.code,
    )


def from_central(id_: str, kind: str, *, document: str, code: str = "") -> Item:
    subject = DOCUMENT if document == NAMED else "down"
    return Item(id=id_, kind=kind, type="any", subject=subject, sender=CENTRAL, document=document, code=code)


def sound() -> Evidence:
    """A dossier offered, recalled and taken at once (taken won), completed; a document, also to the central organ, and
    the answers to it; a document of the central organ and two answers to that."""
    facts = [
        fact("submitted", COMMUNE, set(), 1),
        fact("offered", COMMUNE, {DISTRICT}, 2),
        fact("taken", DISTRICT, {COMMUNE}, 3, race="one"),
        fact("recalled", COMMUNE, {DISTRICT}, 4, race="one"),
        fact("completed", DISTRICT, {COMMUNE}, 5),
        fact("issued", COMMUNE, {DISTRICT, OTHER, CENTRAL}, 6, kind="document"),
        fact("arrived", DISTRICT, {COMMUNE}, 7, kind="status"),
        fact("done", DISTRICT, {COMMUNE}, 8, kind="status"),
        fact("home", OTHER, {CENTRAL}, 9, kind="status", document=DOWN),
        fact("filed", OTHER, {CENTRAL}, 10, kind="status", document=DOWN),
    ]
    by_name = {each.transfer: each for each in facts}
    shown = {
        each.transfer: Shown(state="handed_over", deliveries=dict.fromkeys(each.to, "handed_over")) for each in facts
    }
    shown["recalled"] = Shown(state="refused", code="custody.offer_closed")
    shown["issued"] = replace(shown["issued"], answers={DISTRICT: ("01", "06"), CENTRAL: ("01", "03", "06")})
    answers = [from_central(f"answer {code}", "status", document=NAMED, code=code) for code in ("01", "03", "06")]
    state = Mirror(status=9, custodian=COMMUNE, epoch=3, version=4)
    receipt = Item(id="word", kind="receipt", type="receipt.refused", subject=CODE, sender="gateway")
    return Evidence(
        facts=facts,
        shown=shown,
        inboxes={
            COMMUNE: [item(by_name[name]) for name in ("taken", "arrived", "completed", "done")] + [receipt, *answers],
            DISTRICT: [item(by_name[name]) for name in ("offered", "issued")],
            OTHER: [item(by_name["issued"]), from_central("sent down", "document", document=DOWN)],
        },
        outside=[Outside(organ=OTHER, document=DOWN)],
        letters=[
            Letter(kind="document", sender=COMMUNE, document=NAMED),
            Letter(kind="status", sender=OTHER, document=DOWN, code="01"),
            Letter(kind="status", sender=OTHER, document=DOWN, code="03"),
        ],
        gateway={CODE: state},
        parties={CODE: frozenset({COMMUNE, DISTRICT})},
        mirrors={(COMMUNE, CODE): state, (DISTRICT, CODE): state},
        words={(COMMUNE, CODE): "held", (DISTRICT, CODE): "none"},
        histories={CODE: ("submitted", "offered", "taken", "completed")},
        sightings={Sighting(CODE, 1, COMMUNE), Sighting(CODE, 2, DISTRICT), Sighting(CODE, 3, COMMUNE)},
        replays=[Replay("commune: POST /v1/dossiers key", (201, "one"), (201, "one"))],
    )


def drop(seen: Evidence) -> None:
    del seen.inboxes[OTHER][0]


def _wrong_kind(seen: Evidence) -> None:
    seen.inboxes[OTHER][0] = replace(seen.inboxes[OTHER][0], kind="status")


def _untold(seen: Evidence) -> None:
    seen.shown["issued"] = replace(seen.shown["issued"], deliveries={DISTRICT: "handed_over", CENTRAL: "handed_over"})


def _twice(seen: Evidence) -> None:
    seen.inboxes[OTHER].append(seen.inboxes[OTHER][0])


def _receipt_twice(seen: Evidence) -> None:
    seen.inboxes[COMMUNE].append(seen.inboxes[COMMUNE][4])


def _effect_of_refused(seen: Evidence) -> None:
    seen.inboxes[DISTRICT].append(item(seen.facts[3]))


def _stray(seen: Evidence) -> None:
    seen.inboxes[OTHER].append(item(seen.facts[1]))


def _unknown(seen: Evidence) -> None:
    seen.inboxes[COMMUNE].append(replace(seen.inboxes[COMMUNE][0], id="nobody was told"))


def _unnamed_twice(seen: Evidence) -> None:
    taken = seen.inboxes[COMMUNE][0]
    seen.unnamed.append(Unnamed(taken.subject, taken.type, taken.sender))
    seen.inboxes[COMMUNE] += [replace(taken, id="once"), replace(taken, id="again")]


def _swapped(seen: Evidence) -> None:
    seen.inboxes[COMMUNE][1], seen.inboxes[COMMUNE][3] = seen.inboxes[COMMUNE][3], seen.inboxes[COMMUNE][1]


def _history_swapped(seen: Evidence) -> None:
    seen.histories[CODE] = ("submitted", "offered", "completed", "taken")


def _history_double(seen: Evidence) -> None:
    seen.histories[CODE] += ("completed",)


def _history_gap(seen: Evidence) -> None:
    seen.histories[CODE] = ("submitted", "taken", "completed")


def _history_stranger(seen: Evidence) -> None:
    seen.histories[CODE] += ("nobody was told",)


def _two_holders(seen: Evidence) -> None:
    seen.sightings.add(Sighting(CODE, 2, COMMUNE))


def _both_win(seen: Evidence) -> None:
    seen.shown["recalled"] = Shown(state="handed_over", deliveries={DISTRICT: "handed_over"})
    seen.inboxes[DISTRICT].append(item(seen.facts[3]))
    seen.histories[CODE] = ("submitted", "offered", "taken", "recalled", "completed")
    _version(seen, 5)


def other_answer(seen: Evidence) -> None:
    seen.replays[0] = replace(seen.replays[0], again=(201, "other"), texts=("one", "other"))


def _open(seen: Evidence) -> None:
    seen.shown["done"] = Shown(state="routed", deliveries={COMMUNE: "open"})


def _vanished(seen: Evidence) -> None:
    del seen.shown["done"]


def _refused(seen: Evidence) -> None:
    seen.shown["done"] = Shown(state="refused", code="document.unknown")
    seen.shown["issued"] = replace(seen.shown["issued"], answers={DISTRICT: ("01",)})
    seen.inboxes[COMMUNE] = [each for each in seen.inboxes[COMMUNE] if each.id != "done"]


def _wrong_code(seen: Evidence) -> None:
    seen.shown["recalled"] = Shown(state="refused", code="custody.stale")


def _partly(seen: Evidence) -> None:
    states = {DISTRICT: "handed_over", OTHER: "refused", CENTRAL: "handed_over"}
    seen.shown["issued"] = replace(seen.shown["issued"], state="partly", deliveries=states)


def _old_mirror(seen: Evidence) -> None:
    seen.mirrors[DISTRICT, CODE] = replace(seen.mirrors[DISTRICT, CODE], epoch=2)


def _no_mirror(seen: Evidence) -> None:
    del seen.mirrors[DISTRICT, CODE]


def _unknown_at_gateway(seen: Evidence) -> None:
    seen.gateway.clear()


def _failed(seen: Evidence) -> None:
    seen.failures.append(Failure("POST /v1/dossiers answered 500"))


def _version(seen: Evidence, version: int) -> None:
    state = replace(seen.gateway[CODE], version=version)
    seen.gateway[CODE] = state
    seen.mirrors = dict.fromkeys(seen.mirrors, state)


def _effect_lost(seen: Evidence) -> None:
    _version(seen, 3)


def _effect_twice(seen: Evidence) -> None:
    _version(seen, 5)


def _answer_twice(seen: Evidence) -> None:
    seen.shown["issued"] = replace(seen.shown["issued"], answers={DISTRICT: ("01", "01", "06")})


def _answer_not_shown(seen: Evidence) -> None:
    seen.shown["issued"] = replace(seen.shown["issued"], answers={DISTRICT: ("01",)})


def _two_hold_at_the_end(seen: Evidence) -> None:
    seen.words[DISTRICT, CODE] = "held"


def _nobody_may_act(seen: Evidence) -> None:
    seen.words[COMMUNE, CODE] = "taking"


def _nobody_holds(seen: Evidence) -> None:
    seen.gateway[CODE] = replace(seen.gateway[CODE], custodian="")
    seen.mirrors = dict.fromkeys(seen.mirrors, seen.gateway[CODE])


def _other_acts(seen: Evidence) -> None:
    seen.words.update({(COMMUNE, CODE): "none", (DISTRICT, CODE): "held"})


def _not_with_the_axis(seen: Evidence) -> None:
    assert seen.letters is not None
    del seen.letters[0]
    seen.inboxes[COMMUNE] = [each for each in seen.inboxes[COMMUNE] if each.sender != CENTRAL]


def _status_not_with_the_axis(seen: Evidence) -> None:
    assert seen.letters is not None
    del seen.letters[2]


def _twice_with_the_axis(seen: Evidence) -> None:
    assert seen.letters is not None
    seen.letters.append(seen.letters[0])


def _disorder_at_the_axis(seen: Evidence) -> None:
    assert seen.letters is not None
    seen.letters[1:] = reversed(seen.letters[1:])


def _not_sent_down(seen: Evidence) -> None:
    del seen.inboxes[OTHER][1]


def _sent_down_twice(seen: Evidence) -> None:
    seen.inboxes[OTHER].append(replace(seen.inboxes[OTHER][1], id="another"))


def _sent_down_to_a_stranger(seen: Evidence) -> None:
    seen.inboxes[DISTRICT].append(seen.inboxes[OTHER][1])


def _central_answer_missing(seen: Evidence) -> None:
    del seen.inboxes[COMMUNE][-1]


def _central_answer_twice(seen: Evidence) -> None:
    seen.inboxes[COMMUNE].append(replace(seen.inboxes[COMMUNE][-1], id="another"))


def _shown_after_its_acknowledgement(seen: Evidence) -> None:
    seen.inboxes[DISTRICT].append(seen.inboxes[DISTRICT][0])


PLANTED: list[tuple[Callable[[Evidence], None], set[str]]] = [
    (drop, {"lost"}),
    (_wrong_kind, {"lost"}),
    (_untold, {"lost"}),
    (_twice, {"double"}),
    (_receipt_twice, {"double"}),
    (_effect_of_refused, {"double"}),
    (_stray, {"double"}),
    (_unknown, {"double"}),
    (_unnamed_twice, {"effects"}),
    (_swapped, {"disorder"}),
    (_history_swapped, {"disorder"}),
    (_history_double, {"effects"}),
    (_history_gap, {"disorder"}),
    (_history_stranger, {"disorder"}),
    (_two_holders, {"custody"}),
    (_both_win, {"custody"}),
    (_two_hold_at_the_end, {"custody"}),
    (_nobody_may_act, {"custody"}),
    (_nobody_holds, {"custody"}),
    (_other_acts, {"custody"}),
    (_effect_lost, {"lost"}),
    (_effect_twice, {"effects"}),
    (_answer_twice, {"double"}),
    (_answer_not_shown, {"lost"}),
    (_not_with_the_axis, {"lost"}),
    (_status_not_with_the_axis, {"lost"}),
    (_twice_with_the_axis, {"double"}),
    (_disorder_at_the_axis, {"disorder"}),
    (_not_sent_down, {"lost"}),
    (_sent_down_twice, {"double"}),
    (_sent_down_to_a_stranger, {"double"}),
    (_central_answer_missing, {"lost"}),
    (_central_answer_twice, {"double"}),
    (_shown_after_its_acknowledgement, {"double"}),
    (other_answer, {"changed"}),
    (_open, {"unfinished"}),
    (_vanished, {"unfinished"}),
    (_refused, {"refused"}),
    (_wrong_code, {"refused"}),
    (_partly, {"refused", "lost"}),
    (_old_mirror, {"mirrors"}),
    (_no_mirror, {"mirrors"}),
    (_unknown_at_gateway, {"mirrors"}),
    (_failed, {"failed"}),
]
