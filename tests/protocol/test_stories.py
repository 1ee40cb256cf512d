"""Single stories, each told once by a seed: rules the protocol needs although its first reading does not show them."""

from collections.abc import Callable

import pytest

from .simulation.log import Fate
from .simulation.wire import Carried, Mistake, Violation
from .simulation.world import World


class Story:
    """A world whose network is well except where the story says."""

    def __init__(self, mistake: Mistake | None = None) -> None:
        self.fate = Fate.KEPT
        self.world = World(lambda: self.fate, mistake)

    def turn(self, end: str) -> None:
        """Twice, for one process may relay what the other has written."""
        for process in self.world.ends[end] * 2:
            self.world.turn(process)

    def bustle(self, rounds: int = 6) -> None:
        for _ in range(rounds):
            self.world.bustle()
            self.world.checks.step()


def closed_while_under_way(mistake: Mistake | None) -> None:
    """The office applies a record after its delivery was closed, and the receipt that says so is lost."""
    story = Story(mistake)
    story.world.issue("c1", "p0", ("p1",))
    story.turn("commune")
    story.turn("gateway")
    entry = next(iter(story.world.gateway.ledger.values()))
    story.world.close(entry, "p1")
    story.turn("gateway")
    story.turn("commune")
    story.turn("province")
    story.fate = Fate.LOST
    story.turn("gateway")
    story.world.heal()


def made_anew_under_a_reader(mistake: Mistake | None) -> None:
    """A topic is recreated and filled to just where a live reader stands: it sees nothing and commits nothing."""
    story = Story(mistake)
    for _ in range(2):
        story.world.issue("c1", "p1", ("p1",))
    story.bustle()
    story.world.log.recreate("deliver.province")
    for _ in range(2):
        story.world.issue("c1", "p1", ("p1",))
    story.turn("commune")
    story.turn("gateway")
    story.world.heal()


def commits_forgotten_under_a_reader(mistake: Mistake | None) -> None:
    """A hop is lost, and so are the group's offsets; its live reader stands at the end and has nothing to commit."""
    story = Story(mistake)
    world = story.world
    world.issue("c1", "p1", ("p1",))
    story.bustle()
    world.issue("c1", "p1", ("p1",))
    story.turn("commune")
    story.fate = Fate.LOST
    story.turn("gateway")
    story.fate = Fate.KEPT
    story.turn("province")
    world.log.committed.clear()
    world.heal()


def expired_before_it_was_read(mistake: Mistake | None) -> None:
    """An office was away for longer than the log is kept; back again, it stands at the end and commits nothing."""
    story = Story(mistake)
    world = story.world
    world.issue("c1", "p1", ("p1",))
    story.bustle()
    for process in world.ends["province"]:
        process.paused = True
    world.issue("c1", "p1", ("p1",))
    story.bustle()
    place = ("deliver.province", 1)
    world.log.expire(place, world.log.end(place))
    world.heal()


STORIES = [
    closed_while_under_way,
    made_anew_under_a_reader,
    commits_forgotten_under_a_reader,
    expired_before_it_was_read,
]


@pytest.mark.parametrize("story", STORIES)
def test_ends_well(story: Callable[[Mistake | None], None]) -> None:
    story(None)


def test_a_sender_told_too_early_of_a_closed_delivery_never_learns_the_truth() -> None:
    with pytest.raises(Violation, match="the sender learns each delivery"):
        closed_while_under_way(Mistake.HASTY_CLOSE)


def test_a_closed_delivery_that_ignores_its_receipt_is_not_what_the_office_did() -> None:
    with pytest.raises(Violation, match="a delivery's state is what its office did"):
        closed_while_under_way(Mistake.DEAF_CLOSE)


def test_a_guard_that_waits_for_a_first_commit_waits_for_ever() -> None:
    with pytest.raises(Violation, match=r"settled in time|every wait has a timer"):
        commits_forgotten_under_a_reader(Mistake.ENDLESS_GUARD)


def test_a_guard_that_waits_for_what_expired_waits_for_ever() -> None:
    with pytest.raises(Violation, match=r"settled in time|every wait has a timer"):
        expired_before_it_was_read(Mistake.STARTLESS_GUARD)


def test_a_hop_closed_before_it_was_read_does_not_keep_later_ones_back() -> None:
    story = Story()
    world = story.world
    world.offices["province"].jammed.add("p0")
    for _ in range(3):
        world.issue("c1", "p0", ("p1",))
    story.bustle()
    assert world.offices["province"].hops.get("p0", 0) == 0

    world.close(next(iter(world.gateway.ledger.values())), "p1")
    world.offices["province"].jammed.clear()
    story.bustle()
    world.heal()

    assert world.offices["province"].hops["p0"] == 3


def test_an_organ_whose_successor_is_undecided_gets_a_hop_of_its_own_later() -> None:
    story = Story()
    world = story.world
    world.gateway.undecided.add("p2")
    world.issue("c1", "p0", ("p1", "p2"))
    world.issue("c1", "p0", ("p2",))
    story.bustle()
    world.settle_successor("p2")
    story.bustle()
    world.heal()

    carried = [hop.record for hop in world.gateway.hops.values()]
    assert [(record.hop, record.organs) for record in carried] == [(1, ("p1",)), (2, ("p2",)), (3, ("p2",))]
    assert all(isinstance(record, Carried) for record in carried)


def decided_by_the_registry_while_something_waits(mistake: Mistake | None = None) -> Story:
    story = Story(mistake)
    world = story.world
    world.gateway.undecided.add("p2")
    world.issue("c1", "p0", ("p1", "p2"))
    story.bustle()
    world.gateway.default_successor("p2")
    world.issue("c1", "p0", ("p2",))
    story.bustle()
    world.heal()
    return story


def test_nothing_overtakes_what_waits_for_a_successor_though_the_registry_has_one_by_now() -> None:
    world = decided_by_the_registry_while_something_waits().world

    carried = [hop.record for hop in world.gateway.hops.values()]
    assert [(record.hop, record.organs) for record in carried] == [(1, ("p1",)), (2, ("p2",)), (3, ("p2",))]
    assert [record.fact.sequence for record in carried] == [1, 1, 2]


def test_the_order_of_the_ledger_is_watched() -> None:
    with pytest.raises(Violation, match="in the order of the ledger"):
        decided_by_the_registry_while_something_waits(Mistake.OVERTAKING)


def test_what_is_closed_while_it_waits_does_not_hold_up_those_behind() -> None:
    story = Story()
    world = story.world
    world.gateway.undecided.add("p2")
    for _ in range(2):
        world.issue("c1", "p0", ("p2",))
    story.bustle()
    world.close(next(iter(world.gateway.ledger.values())), "p2")
    story.bustle()
    world.settle_successor("p2")
    world.heal()

    carried = [hop.record for hop in world.gateway.hops.values()]
    assert [(record.hop, record.organs, record.fact.sequence) for record in carried] == [(1, ("p2",), 2)]


def test_an_office_away_for_a_week_finds_each_record_once() -> None:
    story = Story()
    world = story.world
    world.issue("c1", "p1", ("p1",))
    story.bustle()
    for process in world.ends["province"]:
        process.paused = True
    before = world.log.end(("deliver.province", 1))
    world.issue("c1", "p1", ("p1",))
    for _ in range(7 * 24):
        world.now += 3600
        story.bustle(2)

    assert world.log.end(("deliver.province", 1)) == before + 1
    world.heal()


def test_a_record_waits_once_also_where_its_reader_never_had_one_to_commit() -> None:
    """The office was there before anything came, and is away when the first record does."""
    story = Story()
    world = story.world
    story.bustle()
    for process in world.ends["province"]:
        process.paused = True
    world.issue("c1", "p1", ("p1",))
    for _ in range(7 * 24):
        world.now += 3600
        story.bustle(2)

    assert world.log.end(("deliver.province", 1)) == 1
    world.heal()


def test_the_snapshot_of_a_transfer_must_know_what_was_accepted_before_it() -> None:
    """The receiver pays while the custodian, who has not heard of it, offers the dossier to a third organ."""
    story = Story()
    world = story.world
    world.open_dossier("c1", "d1", "p1")
    assert world.act("c1", "d1", "transfer", taker="p1") == ""
    story.bustle()
    assert world.act("p1", "d1", "accept_custody") == ""
    story.bustle()
    for action in ("accept", "request_payment"):
        assert world.act("p1", "d1", action) == ""
    story.bustle()
    assert world.act("c1", "d1", "pay") == ""
    story.turn("commune")
    story.turn("gateway")
    assert world.act("p1", "d1", "transfer", taker="c2") == ""
    story.bustle()
    refused = [row.fact.action for row in world.offices["province"].rows.values() if row.refused]
    assert refused == ["transfer"]

    assert world.act("p1", "d1", "transfer", taker="c2") == ""
    story.bustle()
    world.heal()
    assert world.gateway.dossiers["d1"].stamp.offer is not None
