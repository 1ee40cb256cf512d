"""The central organ behind the national axis: it sends down, and it is reached though the axis was away."""

from __future__ import annotations

from uuid import uuid4

from deploy.local.hub import Hub
from deploy.stories import document
from deploy.stories.stage import Stage
from tests.e2e.parts import kill, start_again


async def test_the_central_organ_sends_a_document_down(stage: Stage) -> None:
    await document.down_from_central(stage)


async def test_a_document_waits_for_the_axis_and_is_answered_once(hub: Hub, stage: Stage) -> None:
    sender, near = stage["commune-a"], stage["commune-b"]
    await kill(hub, "axis")
    file = document.edxml(sender.organ, [near.organ, document.CENTRAL], str(uuid4()))
    posted = await sender.post_edxml(file)
    transfer = posted["transfers"][0]

    def near_has_it(shown: dict[str, object]) -> bool:
        return _states(shown).get(near.organ) == "handed_over"

    shown = await sender.until(f"/v1/transfers/{transfer}", near_has_it, "handed over to the commune")
    assert (shown["state"], _states(shown)[document.CENTRAL]) == ("routed", "open")
    await start_again(hub, "axis")
    shown = await sender.await_transfer(transfer, "handed_over")
    assert {each["organ"]: each["via"] for each in shown["deliveries"]} == {near.organ: "office", "G22": "axis"}

    def answered(shown: dict[str, object]) -> bool:
        return len(_answers(shown)) >= 3

    shown = await sender.until(f"/v1/transfers/{transfer}", answered, "the answers of the central organ")
    # of the same second, so in no order
    assert sorted(_answers(shown)) == ["01", "03", "06"]


def _states(shown: dict[str, object]) -> dict[str, str]:
    return {each["organ"]: each["state"] for each in shown["deliveries"]}  # type: ignore[attr-defined]


def _answers(shown: dict[str, object]) -> list[str]:
    central = next(each for each in shown["deliveries"] if each["organ"] == document.CENTRAL)  # type: ignore[attr-defined]
    return [each["code"] for each in central["answers"]]
