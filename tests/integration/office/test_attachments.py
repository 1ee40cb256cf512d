"""Attachments over HTTP: put by digest, shown to whom they belong, and in the way of nothing that lacks them."""

import hashlib
from collections.abc import AsyncIterator

from tests.integration.office.stage import Stage, dossier, fresh_code


async def test_first_put_is_201_and_the_next_200(stage: Stage) -> None:
    content = fresh_code().encode()
    path = f"/v1/attachments/{hashlib.sha256(content).hexdigest()}"

    answers = [await stage.call("PUT", path, content=content) for _ in range(2)]
    other = await stage.call("PUT", path, "b", content=content)

    assert [answer.status_code for answer in (*answers, other)] == [201, 200, 201]
    assert answers[0].json()["size"] == len(content)


async def test_other_bytes_are_refused_and_leave_nothing(stage: Stage) -> None:
    digest = hashlib.sha256(fresh_code().encode()).hexdigest()

    refused = await stage.call("PUT", f"/v1/attachments/{digest}", content=b"something else")

    assert (refused.status_code, refused.json()["code"]) == (422, "attachment.digest_mismatch")
    assert (await stage.call("GET", f"/v1/attachments/{digest}")).status_code == 404
    folder = stage.settings.home / "attachments" / "commune"
    assert not (folder / digest).exists()
    assert list((folder / ".incoming").iterdir()) == []


async def test_large_body_is_streamed_past_the_limit_of_requests(stage: Stage) -> None:
    block = b"0123456789abcdef" * 65536

    async def body() -> AsyncIterator[bytes]:
        for _ in range(6):
            yield block

    digest = hashlib.sha256(block * 6).hexdigest()
    answer = await stage.call("PUT", f"/v1/attachments/{digest}", content=body())
    fetched = await stage.call("GET", f"/v1/attachments/{digest}")

    assert (answer.status_code, answer.json()["size"]) == (201, 6 * len(block))
    assert len(block) * 6 > stage.settings.max_body_bytes
    assert hashlib.sha256(fetched.content).hexdigest() == digest
    assert fetched.headers["x-content-type-options"] == "nosniff"


async def test_attachment_must_have_been_put_by_the_organ(stage: Stage) -> None:
    known, foreign = await stage.attach(b"a" + fresh_code().encode()), await stage.attach(fresh_code().encode(), "b")

    refused = await stage.call("POST", "/v1/dossiers", json=dossier(attachments=[known, foreign]))

    assert (refused.status_code, refused.json()["code"]) == (422, "attachment.missing")
    assert refused.json()["errors"][0]["pointer"] == "/attachments/1"


async def test_dossier_carries_the_size_of_what_was_put(stage: Stage) -> None:
    paper = await stage.attach(b"x" * 1234)

    made = await stage.submit(attachments=[paper])

    shown = await stage.get(f"/v1/dossiers/{made['code']}")
    assert shown["attachments"] == [{**paper, "size": 1234}]
