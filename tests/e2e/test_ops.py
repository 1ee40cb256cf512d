"""An operator at the shell: what waits is found and sent again, what nobody needs is closed, whoever is no more has a
successor chosen, what no program can read is looked into."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

from contracts.envelope import to_headers
from deploy.client.registers import DeadLetter, Undecided
from deploy.client.words import DeadLetterState
from deploy.local.hub import Hub
from deploy.local.programs import COMMAND, ROOT
from deploy.stories.document import CENTRAL, today
from deploy.stories.stage import Stage
from tests.e2e.parts import kill, sent_once_known, start_again
from tests.e2e.shell import SECONDS, environment, lienthong
from tests.e2e.topics import Topics, header, submitted

WHY = ("--reason", "Thử vận hành")
POLL_SECONDS = 0.2


async def eventually(read: Callable[[], Awaitable[Any]], what: str) -> Any:
    """The first answer that is something."""
    end = time.monotonic() + SECONDS
    while not (found := await read()):
        assert time.monotonic() < end, f"{what} did not come"
        await asyncio.sleep(POLL_SECONDS)
    return found


@asynccontextmanager
async def without(hub: Hub, program: str) -> AsyncIterator[None]:
    """While this program is down; it runs again behind it."""
    await kill(hub, program)
    try:
        yield
    finally:
        await start_again(hub, program)


async def sent(stage: Stage, organ: str) -> tuple[str, str]:
    """A letter on its way: its transfer and its subject."""
    posted = await sent_once_known(stage, organ)
    await stage["commune-a"].transfers.wait_for(posted["transfers"][0], "routed")
    return posted["transfers"][0], posted["id"]


async def stuck(hub: Hub, stage: Stage, subject: str) -> dict[str, Any]:
    """What of this subject is stuck, as the command tells it as soon as the hub knows."""
    operations = stage["operator"].operations

    async def read() -> list[Any]:
        return [each async for each in operations.stuck(older_than=0, subject=subject)]

    await eventually(read, f"{subject} among what is stuck")
    told = await lienthong(hub, "ops", "stuck", "--older-than", "0", "--subject", subject, "--json")
    [found] = told.answer["items"]
    return dict(found)


async def test_what_waits_for_an_office_is_found_and_sent_again(hub: Hub, stage: Stage, topics: Topics) -> None:
    district, commune = stage["district-a"], stage["commune-a"]
    async with topics.reading("deliver.district") as log, without(hub, "district"):
        transfer, subject = await sent(stage, district.organ)
        found = await stuck(hub, stage, subject)
        assert (found["organ"], found["transfer"], found["kind"]) == (district.organ, transfer, "waiting")
        shown = await lienthong(hub, "ops", "stuck", "--office", "district", "--older-than", "0", "--limit", "1000")
        assert found["delivery"] in shown.out
        routes = (await lienthong(hub, "ops", "routes", "--json")).answer
        [route] = [each for each in routes if (each["from_level"], each["to_level"]) == ("commune", "district")]
        assert route["open"] >= 1
        steps = await lienthong(hub, "ops", "transfer", transfer)
        assert (found["delivery"] in steps.out, "open" in steps.out) == (True, True)

        again = ("ops", "redeliver", "-", *WHY)
        tried = await lienthong(hub, *again, "--dry-run", "--json", stdin=found["delivery"])
        assert tried.answer["id"] == found["delivery"]
        done = await lienthong(hub, *again, stdin=found["delivery"])
        assert (done.code, done.out.startswith(found["delivery"])) == (0, True), done.err
        await log.until(lambda record: header(record, "ce_id") == transfer, times=2, what="the hop, twice")
    await commune.transfers.wait_for(transfer, "handed_over")
    inbox = [item["subject"] async for item in district.inbox(follow=False, ack=False, limit=500)]
    assert inbox.count(subject) == 1
    listed = await lienthong(hub, "ops", "transfer", "--subject", subject, "--state", "handed_over", "--json")
    assert [each["id"] for each in listed.answer["items"]] == [transfer]
    late = await lienthong(hub, "ops", "redeliver", found["delivery"], *WHY)
    assert (late.code, "delivery.not_open" in late.out) == (1, True)
    marks = await lienthong(hub, "audit", "--target", f"delivery:{found['delivery']}", "--json")
    assert [(mark["client_id"], mark["reason"]) for mark in marks.answer["items"]] == [("operator", WHY[1])]


async def test_what_nobody_needs_is_closed_when_a_person_agrees(hub: Hub, stage: Stage) -> None:
    commune = stage["commune-a"]
    async with without(hub, "axis"):
        transfer, subject = await sent(stage, CENTRAL)
        delivery = (await stuck(hub, stage, subject))["delivery"]
        unasked = await lienthong(hub, "ops", "close", delivery, *WHY)
        assert (unasked.code, "--yes" in unasked.err) == (2, True)
        code, told = await at_a_terminal(hub, "n", "ops", "close", delivery, *WHY)
        assert (code, delivery in told, "nothing was done" in told) == (1, True, True)
        assert (await stuck(hub, stage, subject))["delivery"] == delivery
        code, told = await at_a_terminal(hub, "y", "ops", "close", delivery, *WHY)
        assert code == 0, told
        again = await lienthong(hub, "ops", "close", delivery, *WHY, "--yes", "--json")
        assert (again.code, json.loads(again.out)["problem"]["code"]) == (1, "delivery.not_open")
        closed = await commune.transfers.wait_for(transfer, "closed")
        assert [each["state"] for each in closed["deliveries"]] == ["closed"]


async def at_a_terminal(hub: Hub, answer: str, *words: str) -> tuple[int, str]:
    """The exit code, and all that somebody saw who answered so."""
    near, far = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *COMMAND, *words, cwd=ROOT, env=environment(hub), stdin=far, stdout=far, stderr=far
    )
    os.close(far)
    os.write(near, f"{answer}\n".encode())
    reading = asyncio.create_task(asyncio.to_thread(_to_end, near))
    try:
        async with asyncio.timeout(SECONDS):
            code, told = await process.wait(), await reading
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        os.close(near)
    return code, told


def _to_end(near: int) -> str:
    """All that comes until the other side is closed, which Linux tells as an error."""
    told = b""
    while True:
        try:
            chunk = os.read(near, 65_536)
        except OSError:
            return told.decode()
        told += chunk


async def test_what_no_program_can_read_is_found_and_closed(hub: Hub, stage: Stage, topics: Topics) -> None:
    poison = submitted(stage["commune-a"].organ)
    headers = {**dict(to_headers(poison)), "ce_id": b"not a uuid"}
    await topics.put_raw(tuple(headers.items()), poison.value)

    async def letters(state: DeadLetterState) -> list[DeadLetter]:
        found = stage["operator"].operations.dead_letters(code="envelope.unreadable", state=state)
        return [each async for each in found if each["headers"]["ce_subject"] == poison.subject]

    [found] = await eventually(lambda: letters("open"), "the dead letter")
    shown = await lienthong(hub, "ops", "dead", "--topic", "ingest.commune", "--limit", "1000")
    assert found["id"] in shown.out
    done = await lienthong(hub, "ops", "dead-close", found["id"], *WHY)
    assert done.code == 0, done.err
    assert await letters("open") == []
    [closed] = await letters("closed")
    assert (closed["state"], closed["closed_by"], closed["reason"]) == ("closed", "operator", WHY[1])


async def test_the_successor_of_a_closed_organ_is_chosen(hub: Hub, stage: Stage) -> None:
    commune, heirs = stage["commune-a"], [stage["commune-b"].organ, stage["commune-a"].organ]
    code, yesterday = f"000.{uuid4().int % 90 + 10}.97.H28", today() - timedelta(days=1)
    name = "Ủy ban nhân dân xã đã sáp nhập"
    closed = {
        "name": name, "level": "commune", "kind": "committee", "home": "office",
        "superiors": [], "valid_to": yesterday.isoformat(), "successors": heirs,
    }  # fmt: skip
    await stage["administrator"].organs.put(code, closed, reason="Sáp nhập")
    transfer, subject = await sent(stage, code)

    async def undecided() -> list[Undecided]:
        return [each async for each in stage["operator"].operations.undecided() if each["organ"] == code]

    [found] = await eventually(undecided, "the organ without a successor")
    shown = await lienthong(hub, "ops", "undecided", "--limit", "1000")
    assert (code in shown.out, name in shown.out) == (True, True)
    assert ({each["organ"] for each in found["successors"]}, found["waiting"]) == (set(heirs), 1)
    assert (await stuck(hub, stage, subject))["kind"] == "undecided"
    words = ("ops", "decide", code, heirs[0], *WHY, "--json")
    tried = await lienthong(hub, *words, "--dry-run")
    assert (tried.answer["dry_run"], tried.answer["deliveries"]) == (True, 1)
    assert (await lienthong(hub, *words, "--yes")).answer["successor"] == heirs[0]
    handed = await commune.transfers.wait_for(transfer, "handed_over")
    assert [(each["organ"], each["redirected_from"]) for each in handed["deliveries"]] == [(heirs[0], code)]
    assert await undecided() == []
