"""What another organ has cannot be told from what does not exist: not by the answer, not by the work it costs."""

from __future__ import annotations

import hashlib
import re
from uuid import uuid4

import orjson
import pytest

from tests.api.asking import Answer, Asked
from tests.api.conftest import Lines
from tests.api.document import Operation, label, operations
from tests.api.houses import Desk, statements
from tests.api.office import CONTENT, NEIGHBOUR, STRANGER, OfficeHouse
from tests.integration.office.stage import COMMUNE_A, DEPARTMENT, Journey, dossier, fresh_code, new_id, submitted
from tests.integration.office_documents.papers import document, put

PUTS = {"putAttachment"}
"""Names a thing that the caller brings along: each organ puts its own."""
NAMING = [(name, each) for name, each in operations("office") if each.of("path") and each.id not in PUTS]
ADMINISTERED = [(name, each) for name, each in operations("gateway") if each.of("path") and each.kind == "scoped"]
OF_ONE_ANSWER = re.compile(rb"urn:lienthong:request:[0-9a-f]+")


def shown(answer: Answer) -> tuple[int, dict[str, str], bytes]:
    """All of an answer but what names the request."""
    headers = {name: value for name, value in answer.headers.items() if name not in ("x-request-id", "date")}
    return answer.status, headers, OF_ONE_ANSWER.sub(b"", answer.body)


async def work_of(desk: Desk, asked: Asked) -> tuple[Answer, list[str]]:
    with statements() as found:
        answer = await desk.ask(asked)
    return answer, found


@pytest.mark.parametrize(("name", "operation"), NAMING, ids=label)
async def test_a_stranger_learns_nothing(desks: dict[str, Desk], name: str, operation: Operation, lines: Lines) -> None:
    desk = desks[name]
    stranger = desk.authorization(STRANGER)
    for headers in ({}, {"if_match": '"1"'}, {"if_none_match": "*"}, {"idempotency_key": uuid4().hex}):
        there = desk.asked(operation, authorization=stranger).with_headers(**headers)
        absent = desk.asked(operation, authorization=stranger, there=False).with_headers(**headers)
        # once before, so that neither pays for what is done at a first time
        await desk.ask(absent)
        found, found_work = await work_of(desk, there)
        missed, missed_work = await work_of(desk, absent)
        assert found.status == 404, (headers, found.body)
        assert shown(found) == shown(missed), headers
        assert found_work == missed_work != [], headers
    assert not lines.errors()


@pytest.mark.parametrize(("name", "operation"), NAMING, ids=label)
async def test_the_holder_does_find_it(desks: dict[str, Desk], name: str, operation: Operation) -> None:
    """Without this the test before could pass for things that nobody has."""
    desk = desks[name]
    there = await desk.ask(desk.asked(operation))
    absent = await desk.ask(desk.asked(operation, there=False))
    assert there.status != 404
    assert absent.status == 404
    assert there.body != absent.body


@pytest.mark.parametrize(("name", "operation"), ADMINISTERED, ids=label)
async def test_who_may_not_administer_learns_nothing(desks: dict[str, Desk], name: str, operation: Operation) -> None:
    desk = desks[name]
    caller = desk.authorization(STRANGER)
    found, found_work = await work_of(desk, desk.asked(operation, authorization=caller))
    missed, missed_work = await work_of(desk, desk.asked(operation, authorization=caller, there=False))
    assert found.status == 403
    assert (shown(found), found_work) == (shown(missed), missed_work)


async def test_lists_and_inbox_of_a_stranger_show_nothing_of_it(office: OfficeHouse) -> None:
    desk = Desk(office)
    stranger = desk.authorization(STRANGER)
    for _, operation in operations("office"):
        if operation.method != "GET" or operation.of("path") or not operation.speaks_for_organ:
            continue
        answer = await desk.ask(desk.asked(operation, authorization=stranger))
        assert answer.status == 200
        assert COMMUNE_A.encode() not in answer.body, operation.name


async def test_acknowledging_a_strangers_item_is_as_if_there_were_none(office: OfficeHouse) -> None:
    desk = Desk(office)
    (operation,) = [each for _, each in operations("office") if each.id == "acknowledgeItems"]
    asked = desk.asked(operation, authorization=desk.authorization(STRANGER))
    absent = new_id()
    found, found_work = await work_of(desk, asked.with_body(orjson.dumps({"ids": [office.item]})))
    missed, missed_work = await work_of(desk, asked.with_body(orjson.dumps({"ids": [absent]})))
    assert found.json() == {"acknowledged": [], "unknown": [office.item]}
    assert found.body.replace(office.item.encode(), b"") == missed.body.replace(absent.encode(), b"")
    assert found_work == missed_work


async def test_anothers_attachment_cannot_be_claimed(office: OfficeHouse) -> None:
    """Who knows only the digest neither gets the bytes nor learns that they are here."""
    desk = Desk(office)
    stranger = desk.authorization(STRANGER)
    digests = [hashlib.sha256(CONTENT).hexdigest(), hashlib.sha256(uuid4().bytes).hexdigest()]
    answers = []
    for digest in digests:
        headers: dict[str, str | bytes] = {"authorization": stranger, "content-type": "application/json"}
        claim = {"sha256": digest, "name": "a.pdf", "media_type": "application/pdf"}
        got = []
        put = Asked("PUT", f"/v1/attachments/{digest}", {"authorization": stranger})
        for content in (b"", b"something else"):
            got.append(await work_of(desk, put.with_body(content)))
        for body, path in (
            (dossier(attachments=[claim]), "/v1/dossiers"),
            ({"items": [dossier(attachments=[claim])]}, "/v1/dossiers:batch"),
            (document(to=[NEIGHBOUR], document_id=None, attachments=[claim]), "/v1/documents"),
        ):
            got.append(await work_of(desk, Asked("POST", path, headers, orjson.dumps(body))))
        got.append(await work_of(desk, Asked("GET", f"/v1/attachments/{digest}", {"authorization": stranger})))
        answers.append([(*shown(answer), work) for answer, work in got])
    there, absent = answers
    assert [status for status, *_ in there] == [422, 422, 422, 422, 422, 404]
    assert there == absent


async def test_what_the_organ_has_through_a_dossier_alone_is_none_to_a_system_of_documents(office: OfficeHouse) -> None:
    """The same answers and the same work as for what is not here."""
    desk = Desk(office)
    content = uuid4().bytes
    paper = await put(office.stage, content)
    journey = Journey(office.stage, fresh_code(DEPARTMENT))
    payload = submitted(journey.subject, deciding_organ=COMMUNE_A, attachments=[paper])
    await office.stage.deliver(journey.envelope("dossier.submitted", payload))
    await office.stage.await_dossier(journey.subject)
    caller = desk.authorization(scope="document:write")
    answers = []
    for digest in (paper["sha256"], hashlib.sha256(uuid4().bytes).hexdigest()):
        headers: dict[str, str | bytes] = {"authorization": caller, "content-type": "application/json"}
        claim = {"sha256": digest, "name": "a.pdf", "media_type": "application/pdf"}
        body = orjson.dumps(document(to=[NEIGHBOUR], document_id=None, attachments=[claim]))
        got = [
            await work_of(desk, Asked("GET", f"/v1/attachments/{digest}", {"authorization": caller})),
            await work_of(desk, Asked("POST", "/v1/documents", headers, body)),
        ]
        answers.append([(*shown(answer), work) for answer, work in got])
    there, absent = answers
    assert [status for status, *_ in there] == [404, 422]
    assert there == absent
    whole = Asked("GET", f"/v1/attachments/{paper['sha256']}", {"authorization": desk.authorization()})
    assert (await desk.ask(whole)).body == content


async def test_bytes_that_another_has_put_are_put_for_the_first_time(office: OfficeHouse) -> None:
    desk = Desk(office)
    content = uuid4().bytes
    digest = hashlib.sha256(content).hexdigest()
    put = Asked("PUT", f"/v1/attachments/{digest}", {"authorization": desk.authorization()}, content)
    assert (await desk.ask(put)).status == 201
    again = await desk.ask(put.with_headers(authorization=desk.authorization("neighbour")))
    assert again.status == 201
    assert again.json() == {"sha256": digest, "size": len(content)}


async def test_a_code_that_another_organ_uses_is_refused_like_any_of_its_codes(office: OfficeHouse) -> None:
    desk = Desk(office)
    headers: dict[str, str | bytes] = {
        "authorization": desk.authorization(STRANGER),
        "content-type": "application/json",
    }
    answers = [
        await work_of(desk, Asked("POST", "/v1/dossiers", headers, orjson.dumps(dossier(code=code))))
        for code in (office.dossier, fresh_code())
    ]
    (found, found_work), (missed, missed_work) = answers
    assert found.code == "dossier.code_invalid"
    assert (shown(found), found_work) == (shown(missed), missed_work)


async def test_an_idempotency_key_of_another_system_says_nothing(office: OfficeHouse) -> None:
    desk = Desk(office)
    (operation,) = [each for _, each in operations("office") if each.id == "submitDossier"]
    key = uuid4().hex
    asked = desk.asked(operation).with_headers(idempotency_key=key)
    first = await desk.ask(asked)
    again = await desk.ask(asked)
    strange = await desk.ask(asked.with_headers(authorization=desk.authorization("neighbour")))
    assert first.status == again.status == strange.status == 201
    assert first.json()["code"] == again.json()["code"] != strange.json()["code"]
    assert "idempotency-replayed" not in strange.headers
