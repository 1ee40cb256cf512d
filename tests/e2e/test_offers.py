"""An offer refused returns custody; recalled and taken at once, one wins, whoever it is."""

from __future__ import annotations

from deploy.stories import dossier
from deploy.stories.stage import Stage

RACES = 6


async def test_an_offer_refused_returns_custody(stage: Stage) -> None:
    await dossier.refuse_offer(stage)


async def test_recalled_and_taken_at_once_one_wins(stage: Stage) -> None:
    """The story itself checks that exactly one holds the dossier and that both offices agree."""
    winners = [await dossier.recall_against_taking(stage) for _ in range(RACES)]
    assert set(winners) <= {"commune-a", "district-a"}
