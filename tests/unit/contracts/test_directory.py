"""Resolution is a function of registry and date: aliases, eras, successors, loops; and it stays cheap."""

import random
import statistics
import time
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.directory import Directory, Resolution, is_closed, is_valid, local_date, shown
from contracts.levels import Level
from contracts.messages.registry import Alias, OrganChanged, Superior

REFORM = date(2025, 7, 1)
BEFORE = date(2025, 6, 30)


def organ(code: str, version: int = 1, **fields: object) -> OrganChanged:
    return OrganChanged.model_validate(
        {"code": code, "version": version, "name": f"Organ {code}", "level": Level.COMMUNE, **fields}
    )


class TestFind:
    def test_compares_codes_trimmed_and_without_case(self) -> None:
        directory = Directory.from_organs([organ("vxp.saas.03")])
        found = directory.find("  VXP.Saas.03 ", REFORM)
        assert found is not None
        assert found.code == "vxp.saas.03"

    def test_finds_nobody_under_a_code_nobody_bears(self) -> None:
        assert Directory.from_organs([organ("H28")]).find("H29", REFORM) is None

    def test_finds_closed_organ_with_its_validity(self) -> None:
        directory = Directory.from_organs([organ("H28", valid_to=REFORM)])
        found = directory.find("H28", REFORM)
        assert found is not None
        assert is_closed(found, REFORM)
        assert not is_closed(found, BEFORE)

    def test_alias_counts_from_its_first_day_until_the_day_before_its_end(self) -> None:
        alias = Alias(code="000.00.00.H57", valid_from=date(2025, 1, 1), valid_to=REFORM)
        directory = Directory.from_organs([organ("H57", aliases=[alias])])
        assert directory.find("000.00.00.H57", date(2024, 12, 31)) is None
        assert directory.find("000.00.00.H57", date(2025, 1, 1)) is not None
        assert directory.find("000.00.00.h57", BEFORE) is not None
        assert directory.find("000.00.00.H57", REFORM) is None

    def test_alias_in_use_until_the_organ_closed_still_means_it(self) -> None:
        alias = Alias(code="000.00.00.H28", valid_to=REFORM)
        directory = Directory.from_organs([organ("H28", valid_to=REFORM, aliases=[alias])])
        found = directory.find("000.00.00.H28", date(2026, 1, 1))
        assert found is not None
        assert found.code == "H28"

    def test_own_code_goes_before_an_alias_of_another(self) -> None:
        directory = Directory.from_organs([organ("A1", aliases=[Alias(code="B1")]), organ("B1")])
        found = directory.find("B1", REFORM)
        assert found is not None
        assert found.code == "B1"

    def test_code_passed_on_means_the_new_bearer_from_the_date(self) -> None:
        heir = organ("H44.1", valid_from=REFORM, aliases=[Alias(code="H28.1")])
        directory = Directory.from_organs([organ("H28.1", valid_to=REFORM), heir])
        found_before, found_after = directory.find("H28.1", BEFORE), directory.find("H28.1", REFORM)
        assert found_before is not None
        assert found_after is not None
        assert (found_before.code, found_after.code) == ("H28.1", "H44.1")

    def test_alias_yet_to_come_means_nobody(self) -> None:
        directory = Directory.from_organs([organ("H57", aliases=[Alias(code="K57", valid_from=REFORM)])])
        assert directory.find("K57", BEFORE) is None


class TestPut:
    def test_newer_version_replaces_codes_and_aliases(self) -> None:
        directory = Directory.from_organs([organ("H57", 1, aliases=[Alias(code="OLD.1")])])
        assert directory.put(organ("h57", 2, aliases=[Alias(code="NEW.1")]))
        assert directory.find("OLD.1", REFORM) is None
        found = directory.find("NEW.1", REFORM)
        assert found is not None
        assert found.version == 2
        assert len(directory) == 1

    @pytest.mark.parametrize("version", [1, 2])
    def test_older_or_same_version_changes_nothing(self, version: int) -> None:
        directory = Directory.from_organs([organ("H57", 2)])
        assert not directory.put(organ("H57", version, suspended=True))
        assert directory.resolve("H57", REFORM).problem is None

    def test_copy_is_independent(self) -> None:
        directory = Directory.from_organs([organ("H57")])
        twin = directory.copy()
        twin.put(organ("H57", 2, aliases=[Alias(code="K57")]))
        twin.put(organ("H58"))
        assert directory.find("K57", REFORM) is None
        assert {held.code for held in directory} == {"H57"}
        assert twin.find("K57", REFORM) is not None


class TestResolve:
    def test_valid_organ_receives(self) -> None:
        held = organ("H28", valid_from=REFORM)
        assert Directory.from_organs([held]).resolve("h28", REFORM) == Resolution(held)

    def test_organ_not_yet_valid_is_unknown(self) -> None:
        directory = Directory.from_organs([organ("H28", valid_from=REFORM)])
        assert directory.resolve("H28", BEFORE) == Resolution(problem="recipient.unknown")

    def test_suspended_organ_is_named(self) -> None:
        held = organ("H28", suspended=True)
        assert Directory.from_organs([held]).resolve("H28", REFORM) == Resolution(held, "recipient.suspended")

    def test_closed_organ_goes_to_its_only_successor(self) -> None:
        heir = organ("H44", valid_from=REFORM)
        directory = Directory.from_organs([organ("H28", valid_to=REFORM, successors=["H44", "h44"]), heir])
        assert directory.resolve("H28", BEFORE).redirected_from is None
        assert directory.resolve("h28", REFORM) == Resolution(heir, None, "H28")

    def test_default_goes_before_other_successors(self) -> None:
        closed = organ("A1", valid_to=REFORM, successors=["B1", "C1"], default_successor="C1")
        heir = organ("C1")
        assert Directory.from_organs([closed, organ("B1"), heir]).resolve("A1", REFORM) == Resolution(heir, None, "A1")

    def test_successors_are_followed_to_the_end(self) -> None:
        chain = [
            organ("A1", valid_to=date(2020, 1, 1), successors=["B1"]),
            organ("B1", valid_to=date(2023, 1, 1), default_successor="C1", successors=["X1", "C1"]),
            organ("C1", suspended=True),
        ]
        assert Directory.from_organs(chain).resolve("A1", REFORM) == Resolution(chain[2], "recipient.suspended", "A1")

    def test_several_successors_without_default_wait_for_a_person(self) -> None:
        divided = organ("A1", valid_to=REFORM, successors=["B1", "C1"])
        directory = Directory.from_organs([divided, organ("B1"), organ("C1")])
        assert directory.resolve("A1", REFORM) == Resolution(divided, "recipient.undecided")

    def test_undecided_further_on_tells_both_organs(self) -> None:
        divided = organ("B1", valid_to=REFORM, successors=["C1", "D1"])
        directory = Directory.from_organs([organ("A1", valid_to=BEFORE, successors=["B1"]), divided])
        assert directory.resolve("A1", REFORM) == Resolution(divided, "recipient.undecided", "A1")

    def test_closed_without_successor_is_unknown(self) -> None:
        assert (
            Directory.from_organs([organ("A1", valid_to=REFORM)]).resolve("A1", REFORM).problem == "recipient.unknown"
        )

    def test_successor_not_yet_valid_is_unknown(self) -> None:
        closed = organ("A1", valid_to=BEFORE, successors=["B1"])
        directory = Directory.from_organs([closed, organ("B1", valid_from=REFORM)])
        assert directory.resolve("A1", BEFORE).problem == "recipient.unknown"
        assert directory.resolve("A1", REFORM).organ is not None

    def test_closed_code_registered_as_alias_is_told_as_redirect(self) -> None:
        heir = organ("H44", aliases=[Alias(code="H62", kind="closed", valid_from=REFORM), Alias(code="000.00.00.H44")])
        directory = Directory.from_organs([heir])
        assert directory.resolve("h62", REFORM) == Resolution(heir, None, "H62")
        assert directory.resolve("000.00.00.H44", REFORM) == Resolution(heir)

    @pytest.mark.parametrize("ring", [["A1"], ["A1", "B1"], ["A1", "B1", "C1"]])
    def test_loop_of_closed_organs_ends(self, ring: list[str]) -> None:
        closed = [organ(code, valid_to=REFORM, successors=[ring[(at + 1) % len(ring)]]) for at, code in enumerate(ring)]
        assert Directory.from_organs(closed).resolve("A1", REFORM) == Resolution(problem="recipient.unknown")


class TestSuperior:
    def test_is_a_dated_fact(self) -> None:
        commune = organ(
            "C1",
            superiors=[Superior(organ="D1", valid_to=REFORM), Superior(organ="P1", valid_from=REFORM)],
            aliases=[Alias(code="C1.OLD")],
        )
        directory = Directory.from_organs([commune, organ("D1", valid_to=REFORM), organ("P1")])
        before, after = directory.superior("c1.old", BEFORE), directory.superior("C1", REFORM)
        assert before is not None
        assert after is not None
        assert (before.code, after.code) == ("D1", "P1")

    def test_youngest_of_overlapping_facts_counts(self) -> None:
        facts = [Superior(organ="P2", valid_from=BEFORE), Superior(organ="P1")]
        directory = Directory.from_organs([organ("C1", superiors=facts), organ("P1"), organ("P2")])
        chosen = directory.superior("C1", REFORM)
        assert chosen is not None
        assert chosen.code == "P2"

    def test_nobody_above(self) -> None:
        directory = Directory.from_organs([organ("C1", superiors=[Superior(organ="D1", valid_to=BEFORE)])])
        assert directory.superior("C1", REFORM) is None
        assert directory.superior("X1", REFORM) is None


def test_day_is_judged_in_vietnam() -> None:
    assert local_date(datetime(2025, 6, 30, 16, 59, 59, tzinfo=UTC)) == BEFORE
    assert local_date(datetime(2025, 6, 30, 17, 0, tzinfo=UTC)) == REFORM


def test_moments_are_told_in_vietnamese_time_to_the_millisecond() -> None:
    assert shown(datetime(2025, 6, 30, 17, 0, 0, 120_999, tzinfo=UTC)) == "2025-07-01T00:00:00.120+07:00"
    assert shown(datetime(2025, 6, 30, 17, 0, tzinfo=UTC)) == "2025-07-01T00:00:00.000+07:00"
    assert shown(None) is None


CODES = ["A1", "B1", "C1", "D1", "E1", "F1"]
DAYS = st.none() | st.dates(date(2025, 1, 1), date(2025, 1, 12))
ON = st.dates(date(2024, 12, 31), date(2025, 1, 13))
ALIASES = st.builds(
    Alias, code=st.sampled_from([*CODES, "a1", "Z1", "Z2"]), kind=st.sampled_from(["old", "closed"]),
    valid_from=DAYS, valid_to=DAYS,
)  # fmt: skip
ORGANS = st.builds(
    OrganChanged,
    code=st.sampled_from(CODES),
    version=st.integers(1, 4),
    name=st.just("organ"),
    level=st.just(Level.COMMUNE),
    aliases=st.lists(ALIASES, max_size=3),
    valid_from=DAYS,
    valid_to=DAYS,
    successors=st.lists(st.sampled_from(CODES), max_size=2),
    default_successor=st.none() | st.sampled_from(CODES),
    suspended=st.booleans(),
)
REGISTRIES = st.lists(ORGANS, max_size=10, unique_by=lambda held: (held.code, held.version))


@given(REGISTRIES, st.randoms(use_true_random=False), st.sampled_from([*CODES, "Z1", "z2"]), ON)
def test_resolution_is_a_function_of_registry_and_date(
    registry: list[OrganChanged], shuffler: random.Random, code: str, on: date
) -> None:
    shuffled = registry.copy()
    shuffler.shuffle(shuffled)
    newest = {held.code: held for held in sorted(registry, key=lambda held: held.version)}
    one, other = Directory.from_organs(registry), Directory.from_organs([*shuffled, *registry])
    whole = Directory.from_organs(newest.values())
    assert one.resolve(code, on) == other.resolve(code, on) == whole.resolve(code, on)
    assert one.find(code, on) == other.find(code, on) == whole.find(code, on)


@given(REGISTRIES, st.sampled_from([*CODES, "Z1"]), ON)
def test_whoever_receives_is_valid_and_the_problem_tells_why_not(
    registry: list[OrganChanged], code: str, on: date
) -> None:
    directory = Directory.from_organs(registry)
    found = directory.resolve(code, on)
    if found.problem == "recipient.unknown":
        assert found.organ is None
        return
    assert found.organ is not None
    if found.problem == "recipient.undecided":
        assert is_closed(found.organ, on)
        assert len(set(found.organ.successors)) > 1
        assert found.organ.default_successor is None
        return
    assert is_valid(found.organ, on)
    assert (found.problem == "recipient.suspended") == found.organ.suspended
    written = directory.find(code, on)
    assert written is not None
    assert found.redirected_from is not None or written == found.organ


@settings(max_examples=20)
@given(st.permutations(range(40)), st.integers(0, 39))
def test_any_chain_of_closed_organs_ends(heirs: list[int], start: int) -> None:
    ring = [organ(f"R{at}", valid_to=REFORM, successors=[f"R{heir}"]) for at, heir in enumerate(heirs)]
    assert Directory.from_organs(ring).resolve(f"R{start}", REFORM).problem == "recipient.unknown"


def test_routing_cost_does_not_grow_with_the_registry() -> None:
    """150 recipients among 300 organs and among 14 000: a scan would cost some 47 times as much."""
    small, large = _median_cost(300), _median_cost(14_000)
    assert large < 10 * small


def _median_cost(size: int) -> float:
    organs = [organ(f"000.{n}.H28", aliases=[Alias(code=f"H28.{n}")]) for n in range(size)]
    directory = Directory.from_organs(organs)
    written = [held.aliases[0].code.lower() for held in organs[:: size // 150]][:150]
    durations = []
    for _ in range(21):
        began = time.perf_counter()
        found = [directory.resolve(code, REFORM) for code in written]
        durations.append(time.perf_counter() - began)
        assert all(each.problem is None for each in found)
    return statistics.median(durations)
