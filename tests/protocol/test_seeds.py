"""The same promises under a plain random driver: up to 35 % loss and six wipes a life. A seed is a life."""

import pytest

from .simulation.driver import Counts, Driver
from .simulation.wire import Violation

CORE_SEEDS = range(60)
MORE_SEEDS = range(60, 2060)
GROUP = 100


def live(seed: int) -> Counts:
    try:
        return Driver(seed).run()
    except Violation as violation:
        violation.add_note(f"seed {seed}")
        raise


def test_sixty_lives_settle_once_and_in_order() -> None:
    lives = [live(seed) for seed in CORE_SEEDS]

    # A driver that does nothing would break no promise: these lives were eventful.
    assert sum(life.wipes for life in lives) > 100
    assert sum(life.facts for life in lives) > 4000
    assert sum(life.refused for life in lives) > 200
    assert sum(life.custody_moves for life in lives) > 100
    assert sum(life.voids for life in lives) > 20
    assert sum(life.closed for life in lives) > 20
    assert sum(life.lost for life in lives) > 2000
    assert max(life.loss for life in lives) > 0.3


def test_a_seed_is_one_life() -> None:
    assert live(7) == live(7)


@pytest.mark.more
@pytest.mark.parametrize("first", MORE_SEEDS[::GROUP])
def test_many_more_lives(first: int) -> None:
    for seed in range(first, first + GROUP):
        live(seed)
