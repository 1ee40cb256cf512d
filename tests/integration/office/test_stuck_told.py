"""The gateway is told of a hop that cannot be applied: when it comes to that, at each try, and nothing but codes."""

import hashlib
from typing import Any

from sqlalchemy import text

from contracts.envelope import Envelope
from tests.integration.office.stage import COMMUNE_A, Journey, Stage, submitted, until
from tests.integration.office.test_delivery import begun, first, free, put, stuck


def lacking(stage: Stage, name: str) -> tuple[Journey, bytes, str]:
    """A dossier with a paper that no store has; the paper's bytes and digest."""
    journey = begun(stage)
    content = f"{name} {journey.subject}".encode()
    return journey, content, hashlib.sha256(content).hexdigest()


def fact(journey: Journey, digest: str, **changes: Any) -> Envelope:
    paper = {"sha256": digest, "name": "giấy tờ.pdf", "media_type": "application/pdf", "size": 1}
    payload = submitted(journey.subject, deciding_organ=COMMUNE_A, attachments=[paper])
    return first(journey, payload=payload, **changes)


async def test_is_told_at_once_and_at_each_try(stage: Stage) -> None:
    journey, _, digest = lacking(stage, "kể")
    await stage.deliver(fact(journey, digest))

    told = await stage.answers("control.hop-stuck", journey.subject, count=3)

    assert [each["attempts"] for each in told[:3]] == [1, 2, 3]
    assert {each["reason"] for each in told} <= {"attachment.missing", "attachment.unavailable"}
    assert {each["hopsequence"] for each in told} == {1}
    assert len({each["since"] for each in told}) == 1
    assert set(told[0]) == {"subject", "hopsequence", "reason", "since", "attempts"}
    await free(stage, journey, hop=1)


async def test_a_hop_that_comes_again_is_tried_at_once(stage: Stage) -> None:
    journey, content, digest = lacking(stage, "gửi lại")
    sent = fact(journey, digest, hopsequence=1)
    await stage.deliver(sent)
    await until(lambda: stuck(stage, journey.subject), what="the hop to be stuck")
    await _never_by_itself(stage, journey.subject)

    await stage.deliver(sent)
    again = await stage.answers("control.hop-stuck", journey.subject, count=2)
    assert again[-1]["attempts"] > again[0]["attempts"], "a try more"
    put(stage.settings.home / "attachments" / "province", digest, content)
    await stage.deliver(sent)

    await stage.await_dossier(journey.subject, status=1)
    assert not await stuck(stage, journey.subject)
    (answer,) = await stage.answers("receipt.handed-over", journey.subject)
    assert answer["deliveries"][0]["state"] == "handed_over"


async def test_nothing_of_the_message_is_told(stage: Stage) -> None:
    journey = begun(stage)
    await stage.deliver(first(journey, payload={"code": journey.subject, "Nguyễn Thị Mẫu": "017190004512"}))
    (told, *_) = await stage.answers("control.hop-stuck", journey.subject)
    assert told["reason"] == "contract.invalid"
    await free(stage, journey, hop=1)


async def _never_by_itself(stage: Stage, subject: str) -> None:
    async with stage.office.database.transaction() as conn:
        later = text("UPDATE stuck SET due_at = now() + interval '1 h' WHERE subject = :subject")
        await conn.execute(later, {"subject": subject})
