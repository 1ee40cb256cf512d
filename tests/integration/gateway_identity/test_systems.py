"""The administration of systems over HTTP: who may, what is refused, secrets that change over, what the audit keeps."""

import asyncio
import re
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from contracts.identifiers import IDENTIFIER_PATTERN
from gateway.audit.actions import Entry, record
from services.kernel.connection import DatabaseError
from services.kernel.database import Database
from tests.integration.gateway_identity.conftest import ACT, ADMIN_SECRET, SECRET, Gateway

PATH = "/v1/systems"
NEW = {
    "client_id": "commune-b",
    "name": "Một cửa phường Đồng Tiến",
    "level": "commune",
    "organs": ["h28.21.01"],
    "scopes": ["dossier:write", "inbox:read"],
}


async def created(gateway: Gateway, **fields: Any) -> dict[str, Any]:
    answer = await gateway.as_administrator("POST", PATH, json={**NEW, **fields})
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def audit(gateway: Gateway, **query: Any) -> list[dict[str, Any]]:
    answer = await gateway.as_administrator("GET", "/v1/audit", params=query)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def problem(answer: httpx.Response) -> tuple[int, str, str | None]:
    body = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, body["code"], next((error["pointer"] for error in body.get("errors", [])), None)


class TestCreate:
    async def test_shows_the_secret_once_and_it_works(self, gateway: Gateway) -> None:
        answer = await gateway.as_administrator("POST", PATH, json=NEW)
        body = answer.json()
        assert (answer.status_code, answer.headers["etag"]) == (201, '"1"')
        assert (answer.headers["cache-control"], answer.headers["location"]) == ("no-store", f"{PATH}/commune-b")
        assert body["organs"] == ["000.01.21.H28"]
        assert (await gateway.token(body["client_secret"], "commune-b")).status_code == 200
        shown = await gateway.as_administrator("GET", f"{PATH}/commune-b")
        assert shown.headers["etag"] == '"1"'
        assert body["client_secret"] not in shown.text
        assert set(shown.json()["secrets"][0]) == {"id", "created_at", "last_used_at"}
        marks = await audit(gateway, target="system:commune-b")
        assert [mark["action"] for mark in marks] == ["system.created"]
        assert body["client_secret"] not in str(marks)
        assert "argon2" not in str(marks)

    async def test_client_id_is_issued_when_none_is_chosen(self, gateway: Gateway) -> None:
        body = await created(gateway, client_id=None, quota={"requests_per_second": 5})
        assert re.fullmatch(IDENTIFIER_PATTERN, body["client_id"])
        assert body["quota"] == {"requests_per_second": 5}
        assert (await gateway.token(body["client_secret"], body["client_id"])).status_code == 200

    @pytest.mark.parametrize(
        ("fields", "status", "code", "pointer"),
        [
            ({"client_id": "commune-a"}, 409, "request.conflict", "/client_id"),
            ({"client_id": "me"}, 409, "request.conflict", "/client_id"),
            ({"client_id": "seed"}, 409, "request.conflict", "/client_id"),
            ({"client_id": "a b"}, 422, "request.invalid", "/client_id"),
            ({"organs": ["nobody"]}, 422, "request.invalid", "/organs/0"),
            ({"organs": ["000.00.00.H28"]}, 422, "request.invalid", "/organs/0"),
            (
                {"level": "province", "organs": ["000.00.00.H28"], "scopes": ["ops"]},
                422,
                "request.invalid",
                "/scopes/0",
            ),
            ({"scopes": ["inbox:read", "admin"]}, 422, "request.invalid", "/scopes/1"),
            ({"scopes": ["everything"]}, 422, "request.invalid", "/scopes/0"),
            ({"name": ""}, 422, "request.invalid", "/name"),
            ({"name": "a\u0000b"}, 422, "request.invalid", "/name"),
            ({"quota": {"requests_per_second": 0}}, 422, "request.invalid", "/quota/requests_per_second"),
            ({"suspended": True}, 422, "request.invalid", "/suspended"),
        ],
    )
    async def test_refuses_with_the_place(
        self, gateway: Gateway, fields: dict[str, Any], status: int, code: str, pointer: str
    ) -> None:
        answer = await gateway.as_administrator("POST", PATH, json={**NEW, **fields})
        assert problem(answer) == (status, code, pointer)
        assert await audit(gateway, client_id="administrator") == []

    async def test_same_key_gives_the_same_secret_again(self, gateway: Gateway) -> None:
        headers = {"Idempotency-Key": "one"}
        first = await gateway.as_administrator("POST", PATH, json=NEW, headers=headers)
        second = await gateway.as_administrator("POST", PATH, json=NEW, headers=headers)
        assert second.headers["idempotency-replayed"] == "true"
        assert (first.status_code, first.content) == (second.status_code, second.content)
        assert second.headers["cache-control"] == "no-store"
        other = await gateway.as_administrator("POST", PATH, json={**NEW, "name": "khác"}, headers=headers)
        assert problem(other)[1] == "idempotency.reused"


class TestScope:
    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("GET", PATH),
            ("POST", PATH),
            ("GET", f"{PATH}/commune-a"),
            ("PATCH", f"{PATH}/commune-a"),
            ("POST", f"{PATH}/commune-a:suspend"),
            ("POST", f"{PATH}/commune-a:resume"),
            ("POST", f"{PATH}/commune-a/secrets"),
            ("DELETE", f"{PATH}/commune-a/secrets/x"),
            ("GET", "/v1/keys"),
            ("POST", "/v1/keys:rotate"),
            ("GET", "/v1/audit"),
            ("PUT", "/v1/organs/H28"),
            ("PATCH", "/v1/organs/H28"),
            ("POST", "/v1/organs/H28/aliases"),
            ("POST", "/v1/organs:import"),
            ("GET", "/v1/organs:export"),
        ],
    )
    async def test_administering_needs_its_scope(self, gateway: Gateway, method: str, path: str) -> None:
        assert problem(await gateway.http.request(method, path))[:2] == (401, "auth.missing")
        answer = await gateway.call(method, path, "commune-a", SECRET, json={})
        assert problem(answer)[:2] == (403, "auth.scope")

    async def test_every_system_sees_itself(self, gateway: Gateway) -> None:
        body = (await gateway.get(f"{PATH}/me")).json()
        assert (body["client_id"], body["version"], len(body["secrets"])) == ("commune-a", 1, 1)


class TestList:
    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({}, ["commune-b", "administrator", "commune-a"]),
            ({"q": "dong TIEN"}, ["commune-b"]),
            ({"q": "commune-"}, ["commune-b", "commune-a"]),
            ({"organ": "H28.21.01"}, ["commune-b", "commune-a"]),
            ({"organ": "nobody"}, []),
            ({"level": "province"}, ["administrator"]),
            ({"suspended": "true"}, ["commune-b"]),
        ],
    )
    async def test_filters(self, gateway: Gateway, query: dict[str, str], found: list[str]) -> None:
        await created(gateway)
        await gateway.as_administrator("POST", f"{PATH}/commune-b:suspend", json={"reason": "thử"})
        answer = await gateway.as_administrator("GET", PATH, params=query)
        assert [item["client_id"] for item in answer.json()["items"]] == found

    async def test_pages(self, gateway: Gateway) -> None:
        seen: list[str] = []
        query: dict[str, Any] = {"limit": 1}
        while True:
            page = (await gateway.as_administrator("GET", PATH, params=query)).json()
            seen += [item["client_id"] for item in page["items"]]
            if "next_cursor" not in page:
                break
            query["cursor"] = page["next_cursor"]
        assert seen == ["administrator", "commune-a"]
        for path, other in ((PATH, {"q": "a"}), (PATH, {"suspended": "false"}), ("/v1/audit", {}), ("/v1/organs", {})):
            refused = await gateway.as_administrator("GET", path, params=query | other)
            assert problem(refused)[:2] == (400, "request.malformed")

    @pytest.mark.parametrize("path", [PATH, "/v1/audit"])
    @pytest.mark.parametrize("cursor", ["?", "", "AAAA", "LTE", "4pKg", "9" * 90, "ổ"])
    async def test_cursor_nobody_gave_out_is_malformed(self, gateway: Gateway, path: str, cursor: str) -> None:
        answer = await gateway.as_administrator("GET", path, params={"cursor": cursor})
        assert problem(answer)[:2] == (400, "request.malformed")


class TestChange:
    async def test_changes_what_is_given_and_tells_the_audit(self, gateway: Gateway) -> None:
        path = f"{PATH}/commune-a"
        answer = await gateway.as_administrator(
            "PATCH", path, json={"quota": {"requests_per_second": 2}}, params={"reason": "thử hạn mức"}
        )
        assert (answer.status_code, answer.headers["etag"]) == (200, '"2"')
        assert answer.json()["scopes"] == ["dossier:write", "inbox:read"]
        again = await gateway.as_administrator("PATCH", path, json={"quota": {"requests_per_second": 2}})
        assert again.headers["etag"] == '"2"'
        cleared = await gateway.as_administrator("PATCH", path, json={"quota": None})
        assert "quota" not in cleared.json()
        marks = await audit(gateway, action="system.changed")
        assert [mark["reason"] for mark in marks] == ["", "thử hạn mức"]
        assert marks[1]["before"]["quota"] is None
        assert marks[1]["after"]["quota"]["requests_per_second"] == 2
        assert marks[1]["client_id"] == "administrator"
        assert len(marks[1]["request_id"]) == 16

    async def test_scope_taken_away_is_gone_for_tokens_given_before(self, gateway: Gateway) -> None:
        access = (await gateway.token()).json()["access_token"]
        await gateway.as_administrator("PATCH", f"{PATH}/commune-a", json={"scopes": ["inbox:read"]})
        answer = await gateway.http.get("/whoami", headers={"Authorization": f"Bearer {access}"})
        assert problem(answer)[:2] == (403, "auth.scope")

    @pytest.mark.parametrize(
        ("if_match", "status"), [('"1"', 200), ("*", 200), ('"7", "1"', 200), ('"2"', 412), ("1", 400)]
    )
    async def test_if_match(self, gateway: Gateway, if_match: str, status: int) -> None:
        answer = await gateway.as_administrator(
            "PATCH", f"{PATH}/commune-a", json={"name": "Mới"}, headers={"If-Match": if_match}
        )
        assert answer.status_code == status
        if status == 412:
            assert (problem(answer)[1], answer.headers["etag"]) == ("request.precondition_failed", '"1"')

    async def test_of_two_who_read_the_same_version_one_may_write(self, gateway: Gateway) -> None:
        headers = {"If-Match": '"1"'}
        changes = [
            gateway.as_administrator("PATCH", f"{PATH}/commune-a", json={"name": f"Tên {number}"}, headers=headers)
            for number in range(4)
        ]
        answers = await asyncio.gather(*changes)
        assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412]
        assert len(await audit(gateway, action="system.changed")) == 1

    async def test_organs_are_judged_again(self, gateway: Gateway) -> None:
        path = f"{PATH}/commune-a"
        refused = await gateway.as_administrator("PATCH", path, json={"organs": ["000.00.21.H28"]})
        assert problem(refused) == (422, "request.invalid", "/organs/0")
        unknown = await gateway.as_administrator("PATCH", f"{PATH}/nobody", json={"name": "x"})
        assert problem(unknown)[:2] == (404, "request.not_found")


class TestSuspension:
    async def test_ends_tokens_at_once_and_can_be_lifted(self, gateway: Gateway) -> None:
        access = (await gateway.token()).json()["access_token"]
        headers = {"Authorization": f"Bearer {access}"}
        path = f"{PATH}/commune-a"
        answer = await gateway.as_administrator("POST", f"{path}:suspend", json={"reason": "Khóa bị lộ"})
        assert (answer.status_code, answer.json()["suspended"]) == (200, True)
        assert problem(await gateway.http.get("/whoami", headers=headers))[1] == "system.suspended"
        assert (await gateway.token()).json()["error"] == "unauthorized_client"
        await gateway.as_administrator("POST", f"{path}:resume", json={"reason": "Đã thay khóa"})
        assert (await gateway.http.get("/whoami", headers=headers)).status_code == 200
        marks = await audit(gateway, target="commune-a", client_id="administrator")
        assert [(mark["action"], mark["reason"]) for mark in marks] == [
            ("system.resumed", "Đã thay khóa"),
            ("system.suspended", "Khóa bị lộ"),
        ]

    async def test_asks_for_a_reason(self, gateway: Gateway) -> None:
        answer = await gateway.as_administrator("POST", f"{PATH}/commune-a:suspend", json={"reason": ""})
        assert problem(answer) == (422, "request.invalid", "/reason")

    async def test_two_administrators_cannot_suspend_one_another_at_once(self, gateway: Gateway) -> None:
        await created(gateway, client_id="second", organs=[], scopes=["admin"], level="province")
        body = {"reason": "thử"}
        access = (await gateway.token(ADMIN_SECRET, "administrator")).json()["access_token"]
        headers = {"Authorization": f"Bearer {access}"}
        answers = await asyncio.gather(
            *(
                gateway.http.post(f"{PATH}/{name}:suspend", json=body, headers=headers)
                for name in ("administrator", "second")
            )
        )
        assert sorted(answer.status_code for answer in answers) in ([200, 403], [200, 409])

    async def test_last_administrator_stays(self, gateway: Gateway) -> None:
        path = f"{PATH}/administrator"
        secret = (await gateway.as_administrator("GET", path)).json()["secrets"][0]["id"]
        attempts: tuple[tuple[str, str, Any], ...] = (
            ("POST", f"{path}:suspend", {"reason": "thử"}),
            ("PATCH", path, {"scopes": ["ops"]}),
            ("DELETE", f"{path}/secrets/{secret}", None),
        )
        for method, target, body in attempts:
            answer = await gateway.as_administrator(method, target, json=body)
            assert problem(answer)[:2] == (409, "request.conflict")
        await created(gateway, client_id="second", organs=[], scopes=["admin"], level="province")
        answer = await gateway.as_administrator("POST", f"{path}:suspend", json={"reason": "thử"})
        assert answer.status_code == 200


class TestSecrets:
    async def test_two_work_side_by_side_and_the_oldest_of_three_is_gone(self, gateway: Gateway) -> None:
        path = f"{PATH}/commune-a/secrets"
        second = (await gateway.as_administrator("POST", path)).json()["client_secret"]
        assert (await gateway.token()).status_code == (await gateway.token(second)).status_code == 200
        answer = await gateway.as_administrator("POST", path)
        assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
        third = answer.json()["client_secret"]
        assert (await gateway.token()).status_code == 401
        assert (await gateway.token(second)).status_code == (await gateway.token(third)).status_code == 200
        marks = await audit(gateway, target="system:commune-a", client_id="administrator")
        assert sorted(mark["action"] for mark in marks) == ["system.secret-added"] * 2 + ["system.secret-removed"]
        assert third not in str(marks)

    async def test_one_taken_away_gives_no_token(self, gateway: Gateway) -> None:
        path = f"{PATH}/commune-a/secrets"
        first = (await gateway.as_administrator("GET", f"{PATH}/commune-a")).json()["secrets"][0]["id"]
        second = (await gateway.as_administrator("POST", path)).json()["client_secret"]
        assert (await gateway.as_administrator("DELETE", f"{path}/{first}")).status_code == 204
        assert (await gateway.token()).status_code == 401
        assert (await gateway.token(second)).status_code == 200
        again = await gateway.as_administrator("DELETE", f"{path}/{first}")
        assert problem(again)[:2] == (404, "request.not_found")

    async def test_last_use_is_known_and_written_seldom(self, gateway: Gateway) -> None:
        async def used() -> str | None:
            found: str | None = (
                (await gateway.as_administrator("GET", f"{PATH}/commune-a")).json()["secrets"][0].get("last_used_at")
            )
            return found

        assert await used() is None
        await gateway.token()
        first = await used()
        await gateway.token()
        assert first is not None
        assert await used() == first


class TestKeys:
    async def test_rotation_publishes_a_key_that_signs_later(self, gateway: Gateway) -> None:
        answer = await gateway.as_administrator("POST", "/v1/keys:rotate", json={"reason": "định kỳ"})
        assert (answer.status_code, answer.json()["state"]) == (201, "coming")
        items = (await gateway.as_administrator("GET", "/v1/keys")).json()["items"]
        assert [item["state"] for item in items] == ["coming", "signing"]
        assert len((await gateway.jwks())["keys"]) == 2
        again = await gateway.as_administrator("POST", "/v1/keys:rotate", json={"reason": "lần nữa"})
        assert problem(again)[:2] == (409, "request.conflict")
        marks = await audit(gateway, action="key.rotated")
        assert [mark["target"] for mark in marks] == [{"kind": "key", "id": answer.json()["kid"]}]
        assert '"d"' not in str(marks)


class TestAudit:
    async def test_pages_newest_first_and_since(self, gateway: Gateway) -> None:
        for number in range(5):
            await gateway.as_administrator("PATCH", f"{PATH}/commune-a", json={"name": f"Tên {number}"})
        found: list[int] = []
        query: dict[str, Any] = {"limit": 2, "client_id": "administrator"}
        while True:
            page = (await gateway.as_administrator("GET", "/v1/audit", params=query)).json()
            found += [item["position"] for item in page["items"]]
            if "next_cursor" not in page:
                break
            query["cursor"] = page["next_cursor"]
        assert found == sorted(found, reverse=True)
        assert len(found) == 5
        assert len(await audit(gateway, since="2025-07-01T15:00:00+07:00", client_id="administrator")) == 5
        assert await audit(gateway, since="2025-07-01T15:00:01+07:00") == []

    @pytest.mark.parametrize("statement", ["UPDATE audit SET client_id = 'x'", "DELETE FROM audit", "TRUNCATE audit"])
    async def test_database_refuses_to_change_it(self, database: Database, statement: str) -> None:
        async with database.transaction() as conn:
            await record(conn, ACT, [Entry("a", "system", "b", after=b"{}")])
        with pytest.raises(DatabaseError, match="only added to"):
            async with database.transaction() as conn:
                await conn.execute(text(statement))

    async def test_what_is_rolled_back_is_not_in_it(self, gateway: Gateway) -> None:
        await gateway.as_administrator("PATCH", f"{PATH}/commune-a", json={"scopes": ["admin"]})
        assert await audit(gateway, client_id="administrator") == []
        assert ADMIN_SECRET not in str(await audit(gateway))
