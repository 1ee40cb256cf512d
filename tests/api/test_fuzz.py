"""By chance and by the thousand: nothing any caller sends makes a program fail, or answer what is not documented."""

from __future__ import annotations

import pytest

from tests.api.conftest import Lines
from tests.api.document import document
from tests.api.fuzz import Fuzzer
from tests.api.houses import Desk

SHORT = 1500
LONG = {"office": 80_000, "gateway": 25_000}
"""Requests for each document. The gateway's take longer: secrets are made and verified."""
SEEDS = {"office": 20240603, "gateway": 20240604}
SKIPPED = frozenset({"rotateSigningKey"})
"""Of chance only: a key each time would fill the registry, which has operations and tests of its own."""


async def fuzz(desks: dict[str, Desk], name: str, count: int, lines: Lines) -> None:
    fuzzer = Fuzzer(desks[name], document(name), SEEDS[name], SKIPPED)
    tally = await fuzzer.run(count)
    print(f"\n{name}: {tally}")
    assert not tally.failed, "\n".join([f"{tally.failed} failures", *tally.failures])
    assert tally.sent == count
    assert len(tally.operations) == len(document(name).operations) - len(
        SKIPPED & {o.id for o in document(name).operations}
    )
    assert sum(number for status, number in tally.statuses.items() if status < 300) > count / 10
    assert not lines.errors()


@pytest.mark.parametrize("name", ["office", "gateway"])
async def test_a_little(desks: dict[str, Desk], name: str, lines: Lines) -> None:
    await fuzz(desks, name, SHORT, lines)


@pytest.mark.more
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("name", ["office", "gateway"])
async def test_more_than_a_hundred_thousand_together(desks: dict[str, Desk], name: str, lines: Lines) -> None:
    await fuzz(desks, name, LONG[name], lines)
