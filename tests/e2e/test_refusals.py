"""Story 3: what the hub refuses at once over REST, and what it carries in part."""

from __future__ import annotations

from deploy.stories import refusals
from deploy.stories.stage import Stage


async def test_refusals_over_rest(stage: Stage) -> None:
    await refusals.play(stage)
