"""Story 1, and the same with the gateway killed between an offer and its acceptance."""

from __future__ import annotations

from deploy.local.hub import Hub
from deploy.stories import dossier
from deploy.stories.stage import Stage
from tests.e2e.parts import kill, start_again


async def test_a_dossier_goes_through_three_levels_and_back(stage: Stage) -> None:
    await dossier.play(stage)


async def test_custody_moves_though_the_gateway_is_killed_around_the_offer(hub: Hub, stage: Stage) -> None:
    commune, district = stage["commune-a"], stage["district-a"]
    code = (await commune.post("/v1/dossiers", dossier.body(), expect=(201,)))["code"]
    path = f"/v1/dossiers/{code}"
    await commune.post(f"{path}/actions", {"action": "accept"})

    await kill(hub, "gateway")
    offered = await commune.post(f"{path}/transfers", {"to": district.organ, "reason": "Chuyển"}, expect=(201,))
    frozen = await commune.post(f"{path}/actions", {"action": "complete"}, expect=(409,))
    assert frozen["code"] == "custody.offered"
    await start_again(hub, "gateway")
    item = await district.await_item(lambda each: each["id"] == offered["transfers"][0], kind="dossier")
    assert item["data"]["snapshot"]["dossier"]["code"] == code

    await kill(hub, "gateway")
    taking = await district.post(f"{path}/actions", {"action": "accept_custody"}, expect=(202,))
    assert taking["custody"] == "taking"
    early = await district.request("POST", f"{path}/actions", json={"action": "assign"})
    assert (early.status_code, early.json()["code"]) == (409, "custody.taking")
    assert "Retry-After" in early.headers
    assert (await commune.get(path))["custody"] == "offered"
    await start_again(hub, "gateway")

    held = await district.until(path, lambda d: d["custody"] == "held", "held by the district")
    assert (held["custodian"], held["epoch"]) == (district.organ, 2)
    given = await commune.until(path, lambda d: d["custody"] == "none", "given away by the commune")
    assert (given["custodian"], given["epoch"], given["version"]) == (district.organ, 2, held["version"])
    refused = await commune.post(f"{path}/actions", {"action": "assign"}, expect=(403,))
    assert refused["code"] == "custody.not_custodian"
    assigned = await district.post(f"{path}/actions", {"action": "assign"})
    await district.await_transfer(assigned["transfers"][0], "handed_over")
