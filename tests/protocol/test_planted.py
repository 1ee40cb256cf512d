"""The checks must see: each rule left out on purpose is found, by seeds and, in the long run, by the state machine."""

from collections.abc import Iterable

import pytest
from hypothesis import Phase
from hypothesis.stateful import run_state_machine_as_test

from .machine import core_settings, life_with
from .simulation.driver import Driver
from .simulation.wire import Mistake, Violation

SEEDS = range(120)

LATE = {"each fact is routed in time", "each fact is settled in time", "an unrouted tail is routed whole"}
DOUBLE_NUMBER = {
    "a receipt names a hop of its office",
    "a delivery's state is what its office did",
    "hops are applied as the gateway numbered them",
    "no hop waits behind another",
}
WRONG_STAMP = {
    "a refused fact gives its sender the gateway's stamp",
    "at most one organ may act by custody",
    "every mirror's stamp equals the gateway's",
}
FOUND_BY = {
    Mistake.SILENT_DUPLICATE: LATE,
    Mistake.PARKED_GAP: LATE,
    Mistake.VERSIONLESS_STAMP: WRONG_STAMP,
    Mistake.UNLOCKED_HOP: LATE | DOUBLE_NUMBER,
    Mistake.SINGLE_RESEND: LATE,
    Mistake.BARE_SNAPSHOT: {"every mirror's history equals the gateway's"},
    Mistake.DEAF_CLOSE: {"a delivery's state is what its office did"},
    Mistake.HASTY_CLOSE: {"the sender learns each delivery"},
    Mistake.OVERTAKING: {"an organ gets the facts of a subject in the order of the ledger"},
    Mistake.UNSORTED_LOCKS: {"no deadlock"},
}
BY_MACHINE = [
    Mistake.SILENT_DUPLICATE,
    Mistake.PARKED_GAP,
    Mistake.VERSIONLESS_STAMP,
    Mistake.UNLOCKED_HOP,
    Mistake.SINGLE_RESEND,
]


def live_all(seeds: Iterable[int], mistake: Mistake) -> None:
    for seed in seeds:
        Driver(seed, mistake).run()


@pytest.mark.parametrize("mistake", FOUND_BY, ids=lambda mistake: mistake.name)
def test_seeds_find_the_planted_mistake(mistake: Mistake) -> None:
    with pytest.raises(Violation) as found:
        live_all(SEEDS, mistake)

    assert found.value.promise in FOUND_BY[mistake]


@pytest.mark.more
@pytest.mark.parametrize("mistake", BY_MACHINE, ids=lambda mistake: mistake.name)
def test_the_machine_finds_the_planted_mistake(mistake: Mistake) -> None:
    with pytest.raises(Violation) as found:
        run_state_machine_as_test(life_with(mistake), settings=core_settings(3000, phases=(Phase.generate,)))

    assert found.value.promise in FOUND_BY[mistake]
