"""Story 1, and the same with the gateway killed between an offer and its acceptance."""

from __future__ import annotations

from deploy.local.hub import Hub
from deploy.stories import dossier
from deploy.stories.stage import Stage, refused
from tests.e2e.parts import kill, start_again


async def test_a_dossier_goes_through_three_levels_and_back(stage: Stage) -> None:
    await dossier.play(stage)


async def test_custody_moves_though_the_gateway_is_killed_around_the_offer(hub: Hub, stage: Stage) -> None:
    commune, district = stage["commune-a"], stage["district-a"]
    code = (await commune.dossiers.submit(dossier.body()))["code"]
    await commune.dossiers.act(code, "accept")

    await kill(hub, "gateway")
    offered = await commune.dossiers.transfer(code, district.organ, "Chuyển")
    await refused(commune.within(0).dossiers.act(code, "complete"), 409, "custody.offered")
    await start_again(hub, "gateway")
    item = await district.inbox.wait_for(lambda each: each["id"] == offered["transfers"][0], ["dossier"])
    assert item["data"]["snapshot"]["dossier"]["code"] == code

    await kill(hub, "gateway")
    taking = await district.dossiers.accept_custody(code)
    assert taking["custody"] == "taking"
    await refused(district.within(0).dossiers.act(code, "assign"), 409, "custody.taking")
    assert (await commune.dossiers.show(code))["custody"] == "offered"
    await start_again(hub, "gateway")

    held = await district.dossiers.until_held(code)
    assert (held["custodian"], held["epoch"]) == (district.organ, 2)
    given = await commune.dossiers.until(code, lambda d: d["custody"] == "none", "given away by the commune")
    assert (given["custodian"], given["epoch"], given["version"]) == (district.organ, 2, held["version"])
    await refused(commune.dossiers.act(code, "assign"), 403, "custody.not_custodian")
    assigned = await district.dossiers.act(code, "assign")
    await district.transfers.wait_for(assigned["transfers"][0], "handed_over")
