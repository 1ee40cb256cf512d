"""What the gateway refuses later: the state goes back, everybody concerned is told why, and it can be corrected."""

from contracts.envelope import Envelope
from contracts.problems import PROBLEMS
from tests.integration.office.stage import (
    COMMUNE_A,
    DEPARTMENT,
    DISTRICT,
    Json,
    Stage,
    dossier,
    fresh_code,
    moment,
    receipt,
    stamp,
)

CONTRACT = "dossier.submitted/1"


async def refuse(stage: Stage, fact: Envelope, code: str, **verdict: str) -> None:
    """The gateway's whole verdict, before anything was accepted."""
    item = receipt(fact, None, at=moment(), code=code, remedy={"vi": "x", "en": "x"}, **verdict)
    await stage.tell("receipt.refused", item)


async def news(stage: Stage, code: str) -> list[Json]:
    return [item["data"] for item in await stage.items("a", code, kind="receipt")]


async def test_verdict_is_shown_wherever_the_organ_looks(stage: Stage) -> None:
    made = await stage.submit(deciding_organ=DISTRICT)
    code, transfer = made["code"], made["transfers"][0]
    fact = await stage.fact(code, 1)

    await refuse(stage, fact, "contract.invalid", step="contract", pointer="/applicant/name", contract=CONTRACT)

    shown = await stage.await_transfer(transfer, "refused")
    verdict = {
        "step": "contract",
        "code": "contract.invalid",
        "pointer": "/applicant/name",
        "contract": CONTRACT,
        "remedy": PROBLEMS["contract.invalid"].remedy,
    }
    assert shown["verdict"] == verdict
    assert shown["deliveries"] == []
    held = await stage.await_dossier(code, custodian=None)
    assert held["refused"] is True
    assert (held["status"], held["custody"], held["version"]) == (1, "none", 0)
    assert [(step["type"], step["refused"]) for step in held["history"]] == [
        ("vn.lienthong.dossier.submitted", "contract.invalid")
    ]
    assert [(told["state"], told["verdict"]) for told in await news(stage, code)] == [("refused", verdict)]


async def test_refused_submission_is_corrected_under_the_same_code(stage: Stage) -> None:
    code = fresh_code()
    paper = await stage.attach(code.encode())
    await stage.submit(code=code, deciding_organ=DISTRICT, summary="sai", attachments=[paper])
    await refuse(stage, await stage.fact(code, 1), "recipient.suspended", step="recipients", pointer="/deciding_organ")
    await stage.await_dossier(code, custodian=None)
    for path, body in (("actions", {"action": "accept"}), ("transfers", {"to": DISTRICT, "reason": "x"})):
        answer = await stage.post(f"/v1/dossiers/{code}/{path}", body, expect=409)
        assert answer["code"] == "dossier.unknown"

    renewed = await stage.submit(code=code, deciding_organ=DEPARTMENT, summary="đúng")

    shown = await stage.get(f"/v1/dossiers/{code}")
    assert (shown["summary"], shown["deciding_organ"], shown["custodian"]) == ("đúng", DEPARTMENT, COMMUNE_A)
    assert shown["attachments"] == []
    assert "refused" not in shown
    assert [step.get("refused") for step in shown["history"]] == ["recipient.suspended", None]
    again = await stage.call("POST", "/v1/dossiers", json=dossier(code=code))
    assert (again.status_code, again.json()["code"]) == (409, "dossier.exists")
    listed = (await stage.get("/v1/dossiers", limit=1))["items"][0]
    assert (listed["code"], listed["summary"]) == (code, "đúng")

    second = await stage.fact(code, 2)
    assert second.id == renewed["transfers"][0]
    await stage.route(second, stamp(), DEPARTMENT)
    await stage.await_dossier(code, version=1)
    assert (await stage.act(code, "accept"))["status"] == 2
    assert (await stage.fact(code, 3)).epoch == 1
    assert (await stage.get(f"/v1/transfers/{second.id}"))["state"] == "routed"


async def test_refused_submission_may_come_again_in_a_batch_and_be_refused_again(stage: Stage) -> None:
    code = fresh_code()
    await stage.submit(code=code)
    await refuse(stage, await stage.fact(code, 1), "sender.suspended", step="sender")
    await stage.await_dossier(code, custodian=None)

    await stage.post("/v1/dossiers:batch", {"items": [dossier(code=code)]}, expect=201)
    await refuse(stage, await stage.fact(code, 2), "contract.invalid", step="contract")
    await stage.await_dossier(code, custodian=None)
    await stage.submit(code=code)

    shown = await stage.get(f"/v1/dossiers/{code}")
    assert [step.get("refused") for step in shown["history"]] == ["sender.suspended", "contract.invalid", None]
    assert shown["custodian"] == COMMUNE_A


async def test_refused_act_gives_back_status_papers_and_the_next_act(stage: Stage) -> None:
    made = await stage.submit()
    code = made["code"]
    await stage.accept(await stage.fact(code, 1), stamp())
    await stage.await_dossier(code, version=1)
    await stage.act(code, "accept")
    await stage.accept(await stage.fact(code, 2), stamp(version=2, status=2))
    await stage.await_dossier(code, version=2)
    paper = await stage.attach(b"ket qua" + code.encode())
    done = await stage.act(code, "complete", result={"number": "1/GP", "attachments": [paper]})
    assert (await stage.get(f"/v1/dossiers/{code}"))["result"]["number"] == "1/GP"

    await stage.refuse(await stage.fact(code, 3), "attachment.missing", stamp(version=2, status=2))

    shown = await stage.await_dossier(code, status=2)
    assert "result" not in shown
    assert (shown["custody"], shown["custodian"], shown["version"]) == ("held", COMMUNE_A, 2)
    assert shown["history"][-1] == {
        "transfer": done["transfers"][0],
        "type": "vn.lienthong.dossier.result-issued",
        "actor": COMMUNE_A,
        "status": 9,
        "at": shown["history"][-1]["at"],
        "refused": "attachment.missing",
    }
    assert [told["verdict"]["code"] for told in await news(stage, code)][-1] == "attachment.missing"
    again = await stage.act(code, "complete", result={"number": "2/GP"})
    assert (again["status"], len(again["transfers"])) == (9, 1)
    assert (await stage.get(f"/v1/dossiers/{code}"))["result"]["number"] == "2/GP"


async def test_refused_offer_unfreezes_the_dossier(stage: Stage) -> None:
    code = (await stage.submit())["code"]
    await stage.accept(await stage.fact(code, 1), stamp())
    await stage.await_dossier(code, version=1)
    made = await stage.post(f"/v1/dossiers/{code}/transfers", {"to": DISTRICT, "reason": "Chuyển"}, expect=201)
    assert (await stage.act(code, "accept", expect=409))["code"] == "custody.offered"

    await stage.refuse(await stage.fact(code, 2), "recipient.suspended", stamp())

    shown = await stage.await_dossier(code, custody="held")
    assert "offer" not in shown
    assert shown["history"][-1]["refused"] == "recipient.suspended"
    assert (await stage.get(f"/v1/transfers/{made['transfers'][0]}"))["verdict"]["code"] == "recipient.suspended"
    assert (await stage.act(code, "accept"))["status"] == 2
    await stage.post(f"/v1/dossiers/{code}/transfers", {"to": DISTRICT, "reason": "Chuyển lại"}, expect=201)
