"""Story 3: what the hub refuses at once, and what it carries in part."""

from uuid import uuid4

from deploy.agency import Agency, Json
from deploy.stories import dossier
from deploy.stories.stage import Stage, check


async def play(stage: Stage) -> None:
    await unknown_recipient(stage)
    await schema_violation(stage)
    await another_organ(stage)
    await forbidden_move(stage)


async def unknown_recipient(stage: Stage) -> None:
    """Known recipients proceed, the unknown one shows as refused; all unknown: 422 at once."""
    sender, known = stage["commune-a"], stage["commune-b"]
    async with stage.step("unknown recipient among known", sender.name, known.name) as seen:
        answer = await sender.post("/v1/documents", _document([known.organ, "000.99.99.H28"]), expect=(202,))
        shown = await sender.await_transfer(answer["transfers"][0], "partly")
        states = {d["organ"]: (d["state"], d.get("code")) for d in shown["deliveries"]}
        check(states[known.organ][0] == "handed_over", f"the known one is {states[known.organ]}")
        check(states["000.99.99.H28"] == ("refused", "recipient.unknown"), f"the unknown one: {states}")
        seen["state"] = "partly"
    async with stage.step("no known recipient", sender.name) as seen:
        await _refused(sender, "/v1/documents", _document(["000.99.99.H28"]), 422, "recipient.unknown")
        seen["state"] = "422 recipient.unknown"


async def schema_violation(stage: Stage) -> None:
    sender = stage["commune-a"]
    async with stage.step("schema violation", sender.name) as seen:
        problem = await _refused(sender, "/v1/dossiers", dossier.body() | {"channel": 9}, 422, "request.invalid")
        check(problem["errors"][0]["pointer"] == "/channel", f"pointer {problem['errors']}")
        seen["state"] = "422 /channel"


async def another_organ(stage: Stage) -> None:
    sender, other = stage["commune-a"], stage["stranger"]
    async with stage.step("speaking for another organ", sender.name) as seen:
        await _refused(sender, "/v1/dossiers", dossier.body(), 403, "organ.forbidden", organ=other.organ)
        seen["state"] = "403 organ.forbidden"


async def forbidden_move(stage: Stage) -> None:
    sender = stage["commune-a"]
    code = (await sender.post("/v1/dossiers", dossier.body(), expect=(201,)))["code"]
    async with stage.step("forbidden move", sender.name) as seen:
        await _refused(sender, f"/v1/dossiers/{code}/actions", {"action": "complete"}, 409, "status.not_allowed")
        seen["state"] = "409 status.not_allowed"


async def _refused(agency: Agency, path: str, body: Json, status: int, code: str, organ: str | None = None) -> Json:
    problem = await agency.post(path, body, expect=(status,), organ=organ)
    check(problem["code"] == code, f"refused with {problem['code']}, not {code}")
    check(bool(problem["remedy"]["vi"] and problem["remedy"]["en"]), "a refusal without remedy")
    return problem


def _document(to: list[str]) -> Json:
    return {
        "to": to,
        "number": uuid4().hex[:8],
        "notation": "UBND",
        "promulgated_on": "2024-06-03",
        "type": 18,
        "type_name": "Công văn",
        "subject": "V/v thử nơi nhận",
    }
