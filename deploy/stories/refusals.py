"""Story 3: what the hub refuses at once, and what it carries in part."""

from typing import cast
from uuid import uuid4

from deploy.client.answers import NewDocument, NewDossier
from deploy.stories import dossier
from deploy.stories.stage import Stage, check, refused

UNKNOWN = "000.99.99.H28"


async def play(stage: Stage) -> None:
    await unknown_recipient(stage)
    await schema_violation(stage)
    await another_organ(stage)
    await forbidden_move(stage)


async def unknown_recipient(stage: Stage) -> None:
    """Known recipients proceed, the unknown one shows as refused; all unknown: 422 at once."""
    sender, known = stage["commune-a"], stage["commune-b"]
    async with stage.step("unknown recipient among known", sender.name, known.name) as seen:
        answer = await sender.documents.send(_document([known.organ, UNKNOWN]))
        shown = await sender.transfers.wait_for(answer["transfers"][0], "partly")
        states = {d["organ"]: (d["state"], d.get("code")) for d in shown["deliveries"]}
        check(states[known.organ][0] == "handed_over", f"the known one is {states[known.organ]}")
        check(states[UNKNOWN] == ("refused", "recipient.unknown"), f"the unknown one: {states}")
        seen["state"] = "partly"
    async with stage.step("no known recipient", sender.name) as seen:
        await refused(sender.documents.send(_document([UNKNOWN])), 422, "recipient.unknown")
        seen["state"] = "422 recipient.unknown"


async def schema_violation(stage: Stage) -> None:
    sender = stage["commune-a"]
    wrong = cast(NewDossier, dossier.body() | {"channel": 9})
    async with stage.step("schema violation", sender.name) as seen:
        problem = await refused(sender.dossiers.submit(wrong), 422, "request.invalid")
        check(problem.pointer == "/channel", f"pointers {problem.pointers}")
        seen["state"] = "422 /channel"


async def another_organ(stage: Stage) -> None:
    sender, other = stage["commune-a"], stage["stranger"]
    async with stage.step("speaking for another organ", sender.name) as seen:
        await refused(sender.acting_for(other.organ).dossiers.submit(dossier.body()), 403, "organ.forbidden")
        seen["state"] = "403 organ.forbidden"


async def forbidden_move(stage: Stage) -> None:
    sender = stage["commune-a"]
    code = (await sender.dossiers.submit(dossier.body()))["code"]
    async with stage.step("forbidden move", sender.name) as seen:
        await refused(sender.dossiers.act(code, "complete"), 409, "status.not_allowed")
        seen["state"] = "409 status.not_allowed"


def _document(to: list[str]) -> NewDocument:
    return {
        "to": to,
        "number": uuid4().hex[:8],
        "notation": "UBND",
        "promulgated_on": "2024-06-03",
        "type": 18,
        "type_name": "Công văn",
        "subject": "V/v thử nơi nhận",
    }
