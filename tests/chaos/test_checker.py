"""The checker can fail: each planted fault is found under its own name, and a sound run has none."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace

import pytest

from tests.chaos.checker import judge
from tests.chaos.evidence import Evidence, Fact, Item, Mirror, Replay, Shown, Sighting, Unnamed

COMMUNE, DISTRICT, OTHER = "commune", "district", "other"
CODE, DOCUMENT = "commune-20240603-0000001", "9e2c0000-0000-4000-8000-000000000001"


def fact(name: str, sender: str, to: set[str], place: int, *, kind: str = "dossier", race: str = "") -> Fact:
    subject = CODE if kind == "dossier" else DOCUMENT
    return Fact(
        transfer=name,
        subject=subject,
        sender=sender,
        kind=kind,
        type=f"vn.lienthong.{name}",
        to=frozenset(to),
        chain=subject if kind == "dossier" else f"{subject} {sender}",
        place=place,
        race=race,
    )


def item(of: Fact) -> Item:
    return Item(id=of.transfer, kind=of.kind, type=of.type, subject=of.subject, sender=of.sender)


def sound() -> Evidence:
    """A dossier offered, recalled and taken at once (taken won), completed; a document and two answers to it."""
    facts = [
        fact("submitted", COMMUNE, set(), 1),
        fact("offered", COMMUNE, {DISTRICT}, 2),
        fact("taken", DISTRICT, {COMMUNE}, 3, race="one"),
        fact("recalled", COMMUNE, {DISTRICT}, 4, race="one"),
        fact("completed", DISTRICT, {COMMUNE}, 5),
        fact("issued", COMMUNE, {DISTRICT, OTHER}, 6, kind="document"),
        fact("arrived", DISTRICT, {COMMUNE}, 7, kind="status"),
        fact("done", DISTRICT, {COMMUNE}, 8, kind="status"),
    ]
    by_name = {each.transfer: each for each in facts}
    shown = {
        each.transfer: Shown(state="handed_over", deliveries=dict.fromkeys(each.to, "handed_over")) for each in facts
    }
    shown["recalled"] = Shown(state="refused", code="custody.offer_closed")
    state = Mirror(status=9, custodian=COMMUNE, epoch=3, version=4)
    receipt = Item(id="word", kind="receipt", type="receipt.refused", subject=CODE, sender="gateway")
    return Evidence(
        facts=facts,
        shown=shown,
        inboxes={
            COMMUNE: [item(by_name[name]) for name in ("taken", "arrived", "completed", "done")] + [receipt],
            DISTRICT: [item(by_name[name]) for name in ("offered", "issued")],
            OTHER: [item(by_name["issued"])],
        },
        gateway={CODE: state},
        parties={CODE: frozenset({COMMUNE, DISTRICT})},
        mirrors={(COMMUNE, CODE): state, (DISTRICT, CODE): state},
        histories={CODE: ("submitted", "offered", "taken", "completed")},
        sightings={Sighting(CODE, 1, COMMUNE), Sighting(CODE, 2, DISTRICT), Sighting(CODE, 3, COMMUNE)},
        replays=[Replay("POST /v1/dossiers", (201, b"{}"), (201, b"{}"))],
    )


def _drop(seen: Evidence) -> None:
    seen.inboxes[OTHER].clear()


def _wrong_kind(seen: Evidence) -> None:
    seen.inboxes[OTHER][0] = replace(seen.inboxes[OTHER][0], kind="status")


def _untold(seen: Evidence) -> None:
    seen.shown["issued"] = Shown(state="handed_over", deliveries={DISTRICT: "handed_over"})


def _twice(seen: Evidence) -> None:
    seen.inboxes[OTHER].append(seen.inboxes[OTHER][0])


def _receipt_twice(seen: Evidence) -> None:
    seen.inboxes[COMMUNE].append(seen.inboxes[COMMUNE][-1])


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


def _other_answer(seen: Evidence) -> None:
    seen.replays[0] = replace(seen.replays[0], again=(201, b'{"code": "other"}'))


def _open(seen: Evidence) -> None:
    seen.shown["done"] = Shown(state="routed", deliveries={COMMUNE: "open"})


def _vanished(seen: Evidence) -> None:
    del seen.shown["done"]


def _refused(seen: Evidence) -> None:
    seen.shown["done"] = Shown(state="refused", code="document.unknown")
    seen.inboxes[COMMUNE] = [each for each in seen.inboxes[COMMUNE] if each.id != "done"]


def _wrong_code(seen: Evidence) -> None:
    seen.shown["recalled"] = Shown(state="refused", code="custody.stale")


def _partly(seen: Evidence) -> None:
    seen.shown["issued"] = Shown(state="partly", deliveries={DISTRICT: "handed_over", OTHER: "refused"})


def _old_mirror(seen: Evidence) -> None:
    seen.mirrors[DISTRICT, CODE] = replace(seen.mirrors[DISTRICT, CODE], version=3)


def _no_mirror(seen: Evidence) -> None:
    del seen.mirrors[DISTRICT, CODE]


def _unknown_at_gateway(seen: Evidence) -> None:
    seen.gateway.clear()


def _failed(seen: Evidence) -> None:
    seen.failures.append("POST /v1/dossiers answered 500")


PLANTED: list[tuple[Callable[[Evidence], None], set[str]]] = [
    (_drop, {"lost"}),
    (_wrong_kind, {"lost"}),
    (_untold, {"lost"}),
    (_twice, {"double"}),
    (_receipt_twice, {"double"}),
    (_effect_of_refused, {"double"}),
    (_stray, {"double"}),
    (_unknown, {"double"}),
    (_unnamed_twice, {"double"}),
    (_swapped, {"disorder"}),
    (_history_swapped, {"disorder"}),
    (_history_double, {"disorder"}),
    (_history_gap, {"disorder"}),
    (_history_stranger, {"disorder"}),
    (_two_holders, {"custody"}),
    (_both_win, {"custody"}),
    (_other_answer, {"changed"}),
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


def test_a_sound_run_has_no_findings() -> None:
    report = judge(sound())
    assert report.sound, report.details()
    assert report.line("mini chaos", 7).startswith(
        "mini chaos: 7 faults, 8 accepted, lost 0, double 0, disorder 0, custody 0, changed 0"
    )


@pytest.mark.parametrize(("plant", "kinds"), PLANTED, ids=lambda each: getattr(each, "__name__", None))
def test_a_planted_fault_is_found(plant: Callable[[Evidence], None], kinds: set[str]) -> None:
    seen = deepcopy(sound())
    plant(seen)
    report = judge(seen)
    assert {kind for kind, found in report.findings.items() if found} == kinds, report.details()


def test_an_own_step_may_stand_before_a_delivered_one_it_was_built_on() -> None:
    seen = sound()
    seen.histories[CODE] = ("submitted", "taken", "offered", "completed")
    assert judge(seen).sound, judge(seen).details()


def test_an_act_whose_answer_was_lost_may_have_taken_effect_once() -> None:
    seen = sound()
    taken = seen.inboxes[COMMUNE][0]
    seen.facts = [each for each in seen.facts if each.transfer != "taken"]
    assert not judge(seen).sound
    seen.unnamed.append(Unnamed(taken.subject, taken.type, taken.sender))
    assert judge(seen).sound, judge(seen).details()
