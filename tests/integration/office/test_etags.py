"""What the caller has seen: the tag of a dossier and `If-Match`."""

import httpx

from tests.integration.office.stage import COMMUNE_A, DISTRICT, Stage, stamp


async def tag(stage: Stage, code: str) -> str:
    answer = await stage.call("GET", f"/v1/dossiers/{code}")
    assert answer.status_code == 200
    return answer.headers["etag"].removeprefix("W/")


async def accept(stage: Stage, code: str, if_match: str) -> httpx.Response:
    body = {"action": "accept"}
    return await stage.call("POST", f"/v1/dossiers/{code}/actions", json=body, headers={"If-Match": if_match})


async def settled(stage: Stage) -> str:
    code: str = (await stage.submit())["code"]
    await stage.accept(await stage.fact(code, 1), stamp())
    await stage.await_dossier(code, version=1)
    return code


async def test_tag_changes_with_whatever_is_shown(stage: Stage) -> None:
    code = (await stage.submit())["code"]
    tags = [await tag(stage, code)]
    await stage.accept(await stage.fact(code, 1), stamp())
    await stage.await_dossier(code, version=1)
    tags.append(await tag(stage, code))
    await stage.act(code, "accept")
    tags.append(await tag(stage, code))
    await stage.act(code, "assign")
    tags.append(await tag(stage, code))
    await stage.refuse(await stage.fact(code, 3), "custody.stale", stamp(version=2, status=2))
    await stage.await_dossier(code, status=2)
    tags.append(await tag(stage, code))

    assert len(set(tags)) == len(tags)
    assert tags[1] == '"1"'
    assert tags[0].startswith('"0-')
    assert [each[:3] for each in tags[2:]] == ['"1-', '"1-', '"2-']


async def test_stamp_that_came_ahead_of_its_fact_does_not_hide_the_fact(stage: Stage) -> None:
    code = (await stage.submit(deciding_organ=DISTRICT))["code"]
    fact = await stage.fact(code, 1)

    await stage.route(fact, stamp(version=2), DISTRICT)
    await stage.await_dossier(code, version=2)

    assert (await tag(stage, code)).startswith('"2-')


async def test_unchanged_dossier_is_not_sent_again(stage: Stage) -> None:
    code = await settled(stage)
    path, known = f"/v1/dossiers/{code}", await tag(stage, code)

    same = await stage.call("GET", path, headers={"If-None-Match": known})
    await stage.act(code, "accept")
    changed = await stage.call("GET", path, headers={"If-None-Match": known})

    assert (same.status_code, same.content) == (304, b"")
    assert changed.status_code == 200


async def test_tag_version_list_and_star_match(stage: Stage) -> None:
    for chosen in ("{tag}", "1", '"0", {tag}', '"0" , W/{tag}', "*"):
        code = await settled(stage)
        if chosen != "1":
            await stage.act(code, "accept")
        action = "assign" if chosen != "1" else "accept"
        if_match = chosen.format(tag=await tag(stage, code))
        answer = await stage.call(
            "POST", f"/v1/dossiers/{code}/actions", json={"action": action}, headers={"If-Match": if_match}
        )
        assert answer.status_code == 200, (if_match, answer.text)


async def test_other_tag_fails_and_tells_the_present_one(stage: Stage) -> None:
    code = await settled(stage)
    before = await tag(stage, code)
    await stage.act(code, "accept")
    present = await tag(stage, code)

    stale = await accept(stage, code, '"0"')
    guess = await accept(stage, code, '"1-0000000000000000"')
    offer = await stage.call(
        "POST", f"/v1/dossiers/{code}/transfers", json={"to": DISTRICT, "reason": "x"}, headers={"If-Match": '"7", "8"'}
    )

    assert before == '"1"'
    for answer in (stale, guess, offer):
        assert (answer.status_code, answer.json()["code"]) == (412, "request.precondition_failed")
        assert answer.headers["etag"] == present
    assert (await stage.get(f"/v1/dossiers/{code}"))["custodian"] == COMMUNE_A


async def test_lost_update_is_noticed(stage: Stage) -> None:
    code = await settled(stage)
    await stage.act(code, "accept")
    seen = await tag(stage, code)

    first = await stage.call(
        "POST", f"/v1/dossiers/{code}/actions", json={"action": "assign"}, headers={"If-Match": seen}
    )
    second = await stage.call(
        "POST", f"/v1/dossiers/{code}/actions", json={"action": "stop"}, headers={"If-Match": seen}
    )

    assert (first.status_code, second.status_code) == (200, 412)


async def test_plain_tag_is_over_with_the_first_own_act(stage: Stage) -> None:
    code = await settled(stage)
    path = f"/v1/dossiers/{code}/actions"
    seen = await tag(stage, code)
    acts = ("accept", "assign", "stop")

    plain = [await stage.call("POST", path, json={"action": act}, headers={"If-Match": seen}) for act in acts]
    bare = await stage.call("POST", path, json={"action": "assign"}, headers={"If-Match": seen.strip('"')})
    fresh = await tag(stage, code)
    again = await stage.call("POST", path, json={"action": "assign"}, headers={"If-Match": fresh})

    assert seen == '"1"'
    assert [answer.status_code for answer in plain] == [200, 412, 412]
    assert bare.status_code == 412
    assert plain[1].headers["etag"] == bare.headers["etag"] == fresh
    assert again.status_code == 200


async def test_nonsense_is_malformed(stage: Stage) -> None:
    code = await settled(stage)

    for header in ('"1', "one", '"1" "2"', ",", "W/1"):
        answer = await accept(stage, code, header)
        assert (answer.status_code, answer.json()["code"]) == (400, "request.malformed"), header
