"""Many dossiers in one request: each for itself, all in one transaction."""

import asyncio

import httpx

from tests.integration.office.stage import COMMUNE_A, COMMUNE_B, Json, Stage, dossier, fresh_code

PATH = "/v1/dossiers:batch"


async def post(stage: Stage, items: list[Json], system: str = "a", **headers: str) -> httpx.Response:
    return await stage.call("POST", PATH, system, json={"items": items}, headers=headers)


def codes(answer: httpx.Response) -> list[str]:
    """What became of each item, in order."""
    items = answer.json()["items"]
    assert [item["index"] for item in items] == list(range(len(items)))
    assert all(("body" in item) != ("problem" in item) for item in items)
    return ["201" if item["status"] == 201 else item["problem"]["code"] for item in items]


async def test_all_stored_is_201_and_each_goes_its_way(stage: Stage) -> None:
    answer = await post(stage, [dossier(), dossier(summary="hai"), dossier(code=fresh_code())])

    assert answer.status_code == 201
    assert codes(answer) == ["201"] * 3
    bodies = [item["body"] for item in answer.json()["items"]]
    assert len({body["code"] for body in bodies}) == 3
    for body in bodies:
        assert (body["status"], body["custodian"]) == (1, COMMUNE_A)
        assert (await stage.fact(body["code"], 1)).id == body["transfers"][0]
    shown = await stage.get(f"/v1/dossiers/{bodies[1]['code']}")
    assert shown["summary"] == "hai"


async def test_bad_items_spoil_no_others(stage: Stage) -> None:
    code = fresh_code()
    items = [
        dossier(code=code),
        dossier(code=code),
        dossier(applicant={"kind": "citizen", "name": ""}),
        dossier(colour="red"),
        dossier(deciding_organ="H28.99"),
        dossier(attachments=[{"sha256": "0" * 64, "name": "x", "media_type": "application/pdf"}]),
        dossier(code=fresh_code(COMMUNE_B)),
        ["not", "an", "object"],
        dossier(summary="a\x00b"),
        dossier(),
    ]

    answer = await post(stage, items)  # type: ignore[arg-type]

    assert answer.status_code == 207
    assert codes(answer) == [
        "201",
        "dossier.exists",
        "request.invalid",
        "request.invalid",
        "recipient.unknown",
        "attachment.missing",
        "dossier.code_invalid",
        "request.invalid",
        "request.invalid",
        "201",
    ]
    problems = [item.get("problem") for item in answer.json()["items"]]
    assert [error["pointer"] for error in problems[2]["errors"]] == ["/applicant/name"]
    assert [error["pointer"] for error in problems[3]["errors"]] == ["/colour"]
    assert problems[5]["errors"][0]["pointer"] == "/attachments/0"
    assert problems[2]["remedy"]["vi"]
    assert all(problem["instance"] == problems[1]["instance"] for problem in problems if problem)
    assert [item["status"] for item in answer.json()["items"]][1:4] == [409, 422, 422]


async def test_none_stored_is_422_and_not_kept(stage: Stage) -> None:
    key = fresh_code()
    code = fresh_code()
    await stage.submit(code=code)

    first = await post(stage, [dossier(code=code)], **{"Idempotency-Key": key})
    second = await post(stage, [dossier()], **{"Idempotency-Key": key})

    assert (first.status_code, codes(first)) == (422, ["dossier.exists"])
    assert (second.status_code, codes(second)) == (201, ["201"])
    assert "Idempotency-Replayed" not in second.headers


async def test_key_covers_the_whole_batch(stage: Stage) -> None:
    key = {"Idempotency-Key": fresh_code()}
    items = [dossier(), dossier(colour="red")]

    first = await post(stage, items, **key)
    repeat = await post(stage, items, **key)
    other = await post(stage, [dossier()], **key)

    assert first.status_code == repeat.status_code == 207
    assert repeat.json() == first.json()
    assert repeat.headers["Idempotency-Replayed"] == "true"
    assert (other.status_code, other.json()["code"]) == (422, "idempotency.reused")


async def test_what_is_no_batch_is_refused_whole(stage: Stage) -> None:
    for body in ({}, {"items": []}, {"items": [dossier()] * 501}, {"items": {}}, {"items": [dossier()], "more": 1}, []):
        answer = await stage.call("POST", PATH, json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, "request.invalid")
    reader = await post(stage, [dossier()], "reader")
    assert (reader.status_code, reader.json()["code"]) == (403, "auth.scope")


async def test_same_codes_in_two_batches_at_once_are_taken_once_each(stage: Stage) -> None:
    chosen = [fresh_code() for _ in range(20)]

    answers = await asyncio.gather(
        post(stage, [dossier(code=code) for code in chosen]),
        post(stage, [dossier(code=code) for code in reversed(chosen)]),
    )

    outcomes = [*codes(answers[0]), *reversed(codes(answers[1]))]
    assert all(sorted(pair) == ["201", "dossier.exists"] for pair in zip(outcomes[:20], outcomes[20:], strict=True))


async def test_five_hundred_at_once(stage: Stage) -> None:
    answer = await post(stage, [dossier() for _ in range(500)])

    assert answer.status_code == 201
    assert len({item["body"]["code"] for item in answer.json()["items"]}) == 500
