"""The organ directory in the database: versions, the copy in memory, and the filters of the list."""

from datetime import date

import pytest

from contracts.identifiers import organ_key
from contracts.levels import Level
from contracts.messages.registry import Alias, OrganChanged, Superior
from gateway.organs import actions, store
from gateway.organs.rules import search_words
from gateway.organs.snapshot import OrganSnapshot
from gateway.organs.store import Filter
from services.kernel.database import Database
from tests.integration.gateway_identity.conftest import ACT

REFORM = date(2025, 7, 1)
BEFORE = date(2025, 6, 30)


def organ(code: str, level: Level = Level.COMMUNE, **fields: object) -> OrganChanged:
    return OrganChanged.model_validate(
        {"code": code, "version": 1, "name": f"Cơ quan {code}", "level": level.value, **fields}
    )


async def load(database: Database, *organs: OrganChanged) -> int:
    async with database.transaction() as conn:
        return await actions.load(conn, organs, by=ACT)


async def snapshot(database: Database) -> OrganSnapshot:
    made = OrganSnapshot()
    async with database.read() as conn:
        await made.refresh(conn)
    return made


async def codes(database: Database, *, after: str = "", limit: int = 100, **chosen: object) -> list[str]:
    filtered = Filter(**{"on": REFORM, **chosen})  # type: ignore[arg-type]
    async with database.read() as conn:
        return [key for key, _ in await store.page(conn, filtered, after=after, limit=limit)]


class TestLoad:
    async def test_raises_the_version_of_what_changed_only(self, database: Database) -> None:
        assert await load(database, organ("H28"), organ("H44")) == 2
        assert await load(database, organ("H28"), organ("H44", suspended=True)) == 1
        assert await load(database, organ("H28"), organ("H44", suspended=True)) == 0
        directory = (await snapshot(database)).directory
        assert {held.code: held.version for held in directory} == {"H28": 1, "H44": 2}

    async def test_version_given_counts_when_it_is_higher(self, database: Database) -> None:
        await load(database, organ("H28", version=7))
        await load(database, organ("H28", version=3, suspended=True))
        assert [held.version for held in (await snapshot(database)).directory] == [8]

    async def test_codes_differing_in_case_are_one_organ(self, database: Database) -> None:
        await load(database, organ("vxp.saas.03"))
        await load(database, organ("VXP.SAAS.03"))
        assert [(held.code, held.version) for held in (await snapshot(database)).directory] == [("VXP.SAAS.03", 2)]

    async def test_nothing_given_changes_nothing(self, database: Database) -> None:
        assert await load(database) == 0

    async def test_rolled_back_load_leaves_nothing(self, database: Database) -> None:
        with pytest.raises(ZeroDivisionError):
            await self.load_and_fail(database)
        assert len((await snapshot(database)).directory) == 0

    async def load_and_fail(self, database: Database) -> None:
        async with database.transaction() as conn:
            await actions.load(conn, [organ("H28")], by=ACT)
            raise ZeroDivisionError


class TestSnapshot:
    async def test_takes_over_only_what_is_new_and_leaves_the_old_copy_alone(self, database: Database) -> None:
        await load(database, organ("H28"))
        made = await snapshot(database)
        held = made.directory
        async with database.read() as conn:
            assert not await made.refresh(conn)
        await load(database, organ("H28", suspended=True), organ("H44"))
        async with database.read() as conn:
            assert await made.refresh(conn)
        assert made.directory.resolve("H28", REFORM).problem == "recipient.suspended"
        assert len(made.directory) == 2
        assert held.resolve("H28", REFORM).problem is None
        assert len(held) == 1


class TestPage:
    async def test_shows_organs_valid_at_the_date(self, database: Database) -> None:
        await load(database, organ("A1", valid_to=REFORM), organ("B1", valid_from=REFORM), organ("C1"))
        assert await codes(database, on=BEFORE) == ["A1", "C1"]
        assert await codes(database, on=REFORM) == ["B1", "C1"]

    async def test_filters_by_level(self, database: Database) -> None:
        await load(database, organ("A1"), organ("P1", Level.PROVINCE))
        assert await codes(database, level=Level.PROVINCE) == ["P1"]

    async def test_filters_by_superior_at_the_date(self, database: Database) -> None:
        below = [Superior(organ="d1", valid_to=REFORM), Superior(organ="P1", valid_from=REFORM)]
        await load(database, organ("A1", superiors=below), organ("B1"), organ("D1"), organ("P1"))
        assert await codes(database, parent=organ_key("d1"), on=BEFORE) == ["A1"]
        assert await codes(database, parent="D1", on=REFORM) == []
        assert await codes(database, parent="P1", on=REFORM) == ["A1"]

    async def test_forgets_superiors_that_are_no_longer_given(self, database: Database) -> None:
        await load(database, organ("A1", superiors=[Superior(organ="P1")]))
        await load(database, organ("A1", superiors=[Superior(organ="P2")]))
        assert await codes(database, parent="P1") == []
        assert await codes(database, parent="P2") == ["A1"]

    @pytest.mark.parametrize("query", ["Đồng Tiến", "dong  TIEN", "h28.21", "000.01"])
    async def test_finds_with_and_without_accents(self, database: Database, query: str) -> None:
        found = organ("000.01.21.H28", name="Phường Đồng Tiến", aliases=[Alias(code="H28.21.01")])
        await load(database, found, organ("G22", name="Văn phòng Chính phủ"))
        assert await codes(database, words=search_words(query)) == ["000.01.21.H28"]

    @pytest.mark.parametrize("query", ["%", "_", "\\", "'"])
    async def test_signs_of_patterns_are_plain_text(self, database: Database, query: str) -> None:
        await load(database, organ("A1"))
        assert await codes(database, words=search_words(query)) == []

    async def test_pages_follow_one_another_without_gap_or_double(self, database: Database) -> None:
        given = [f"A{number:02}" for number in range(23)]
        await load(database, *(organ(code) for code in reversed(given)))
        seen: list[str] = []
        while page := await codes(database, after=seen[-1] if seen else "", limit=5):
            seen += page
        assert seen == given
