"""An operator finds what is stuck at an office, sends it again when its cause is gone, or gives it up."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from deploy.client.hub import Hub as Client
from deploy.client.problems import Conflict
from deploy.local.hub import Hub
from deploy.stories.stage import Stage
from tests.integration.kernel.scene import until

Json = dict[str, Any]
REASON = "kho tệp đã hoạt động trở lại"
SECONDS = 120.0


async def stuck_dossier(hub: Hub, stage: Stage, name: str) -> tuple[str, str, Path]:
    """A dossier whose paper is gone from the store before its recipient copied it: code, transfer, where it lay."""
    commune = stage["commune-a"]
    content = f"giấy tờ {name}".encode()
    paper = await commune.attachments.upload(content, name="giấy tờ.txt")
    place = hub.home / "attachments" / "commune" / hashlib.sha256(content).hexdigest()
    place.unlink()
    department = stage["department-a"].organ
    answer = await commune.dossiers.submit(
        {
            "procedure": "1.001612",
            "channel": 1,
            "deciding_organ": department,
            "applicant": {"kind": "citizen", "name": "Nguyễn Văn Mẫu"},
            "attachments": [paper],
        }
    )
    return answer["code"], answer["transfers"][0], place


async def found(operator: Client, subject: str) -> Json:
    async def listed() -> Json | None:
        items = [dict(item) async for item in operator.operations.stuck(kind="stuck", subject=subject)]
        return items[0] if items else None

    return await until(listed, seconds=SECONDS, every=0.5, what=f"{subject} to be told as stuck")


async def test_what_is_stuck_is_sent_again_when_its_cause_is_gone(hub: Hub, stage: Stage) -> None:
    operator = stage["operator"]
    code, transfer, place = await stuck_dossier(hub, stage, "gửi lại")
    item = await found(operator, code)
    assert item["reason"].startswith("attachment.")
    assert (item["transfer"], item["office"]) == (transfer, "province")

    place.write_bytes("giấy tờ gửi lại".encode())
    tried = await operator.operations.redeliver(item["delivery"], REASON, dry_run=True)
    assert [each["transfer"] for each in tried["queued"]] == [transfer]
    await operator.operations.redeliver(item["delivery"], REASON)

    await stage["commune-a"].transfers.wait_for(transfer, "handed_over", seconds=SECONDS)
    assert [each async for each in operator.operations.stuck(subject=code, older_than=0)] == []
    assert (await stage["department-a"].dossiers.show(code))["attachments"]


async def test_what_is_given_up_lets_the_rest_of_its_subject_go_on(hub: Hub, stage: Stage) -> None:
    operator, commune = stage["operator"], stage["commune-a"]
    code, transfer, _ = await stuck_dossier(hub, stage, "đóng")
    item = await found(operator, code)
    acted = await commune.dossiers.act(code, "accept")

    answer = await operator.operations.close(item["delivery"], "đơn vị nhận đã có bản giấy")

    assert (answer["final"], answer["record"]) == (False, "voided")
    shown = await commune.transfers.wait_for(transfer, "closed", seconds=SECONDS)
    assert shown["deliveries"][0]["code"] == "delivery.closed"
    with pytest.raises(Conflict, match=r"delivery\.not_open"):
        await operator.operations.close(item["delivery"], "lần nữa")
    # the department holds nothing of the dossier: it is told, refuses what it cannot apply, and its line is free
    await commune.transfers.wait_for(acted["transfers"][0], "refused", seconds=SECONDS)
    assert [each async for each in operator.operations.stuck(subject=code, older_than=0)] == []
