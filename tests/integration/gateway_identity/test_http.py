"""The gateway's doors of identity and organs over HTTP, on a real database; tokens are verified as an office does."""

import asyncio
import base64
from datetime import timedelta
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from contracts.problems import HubError
from gateway.identity import actions, rules
from gateway.identity.rules import PUBLISH_AHEAD, TOKEN_SECONDS
from gateway.identity.secrets import hash_secret
from gateway.identity.snapshot import SystemSnapshot
from gateway.organs.snapshot import OrganSnapshot
from gateway.registries.follower import Follower
from services.kernel.auth import AUDIENCE, token_registry
from services.kernel.bell import Bell
from tests.integration.gateway_identity.conftest import (
    ACT,
    KEYRING,
    ORGANS,
    OTHER_HASH,
    OTHER_SECRET,
    REFORM,
    SECRET,
    SYSTEM,
    URL,
    Gateway,
    StandingClock,
)


class TestToken:
    async def test_by_basic_and_by_form(self, gateway: Gateway) -> None:
        by_basic = await gateway.token()
        by_form = await gateway.http.post(
            "/oauth/token",
            data={"grant_type": "client_credentials", "client_id": "commune-a", "client_secret": SECRET},
        )
        for answer in (by_basic, by_form):
            assert answer.status_code == 200
            assert answer.headers["cache-control"] == "no-store"
            body = answer.json()
            assert (body["token_type"], body["expires_in"]) == ("Bearer", TOKEN_SECONDS)
            assert body["scope"] == "dossier:write inbox:read"

    async def test_says_what_the_contract_says_and_verifies_by_jwks(self, gateway: Gateway) -> None:
        access = (await gateway.token()).json()["access_token"]
        keys = KeySet.import_key_set(await gateway.jwks())  # type: ignore[arg-type]
        token = jwt.decode(access, keys, registry=token_registry())
        at = int(gateway.clock.now.timestamp())
        assert token.header["alg"] == "EdDSA"
        assert token.header["kid"] == keys.keys[0].kid
        claims = token.claims
        jti = claims.pop("jti")
        assert claims == {
            "iss": URL, "sub": "commune-a", "aud": AUDIENCE, "scope": "dossier:write inbox:read",
            "iat": at, "nbf": at, "exp": at + TOKEN_SECONDS,
        }  # fmt: skip
        other = jwt.decode((await gateway.token()).json()["access_token"], keys, registry=token_registry())
        assert other.claims["jti"] != jti

    async def test_lets_its_system_in(self, gateway: Gateway) -> None:
        answer = await gateway.get("/whoami")
        assert answer.json() == {"client_id": "commune-a", "organs": ["000.01.21.H28"]}

    async def test_ends_after_an_hour_of_hub_time(self, gateway: Gateway) -> None:
        access = (await gateway.token()).json()["access_token"]
        gateway.clock.now += timedelta(seconds=TOKEN_SECONDS + 60)
        answer = await gateway.http.get("/whoami", headers={"Authorization": f"Bearer {access}"})
        assert (answer.status_code, answer.json()["code"]) == (401, "auth.invalid")

    async def test_narrows_to_the_scopes_asked_for(self, gateway: Gateway) -> None:
        answer = await gateway.token(scope="inbox:read")
        assert answer.json()["scope"] == "inbox:read"
        access = answer.json()["access_token"]
        refused = await gateway.http.get("/whoami", headers={"Authorization": f"Bearer {access}"})
        assert (refused.status_code, refused.json()["code"]) == (403, "auth.scope")

    @pytest.mark.parametrize(
        ("client_id", "secret", "fields", "status", "error", "code"),
        [
            ("commune-a", "no-such-secret", {}, 401, "invalid_client", "auth.invalid"),
            ("nobody", SECRET, {}, 401, "invalid_client", "auth.invalid"),
            ("commune-a", SECRET, {"scope": "admin"}, 400, "invalid_scope", "request.malformed"),
            ("commune-a", SECRET, {"grant_type": "password"}, 400, "unsupported_grant_type", "request.malformed"),
            ("commune-a", SECRET, {"client_id": "commune-b"}, 400, "invalid_request", "request.malformed"),
        ],
    )
    async def test_refuses_by_rfc_and_as_a_problem(
        self,
        gateway: Gateway,
        client_id: str,
        secret: str,
        fields: dict[str, str],
        status: int,
        error: str,
        code: str,
    ) -> None:
        answer = await gateway.http.post(
            "/oauth/token", data={"grant_type": "client_credentials", **fields}, auth=(client_id, secret)
        )
        body = answer.json()
        assert (answer.status_code, body["status"], body["error"], body["code"]) == (status, status, error, code)
        assert answer.headers["content-type"] == "application/problem+json"
        assert body["error_description"]
        assert set(body["remedy"]) == {"vi", "en"}
        assert secret not in answer.text
        if status == 401:
            assert answer.headers["www-authenticate"].startswith("Basic ")

    async def test_wrong_secret_and_unknown_system_look_the_same(self, gateway: Gateway) -> None:
        wrong, unknown = await gateway.token("wrong"), await gateway.token(client_id="nobody")
        first, second = wrong.json(), unknown.json()
        assert first.pop("instance") != second.pop("instance")
        assert first == second

    async def test_repeated_requests_verify_the_secret_once(self, gateway: Gateway) -> None:
        answers = await asyncio.gather(*(gateway.token() for _ in range(20)))
        assert [answer.status_code for answer in answers] == [200] * 20
        assert gateway.verifier.hashed == 1


class TestSystems:
    async def test_suspended_system_gets_no_token_and_its_old_one_ends_at_once(self, gateway: Gateway) -> None:
        access = (await gateway.token()).json()["access_token"]
        async with gateway.database.transaction() as conn:
            await actions.suspend_system(conn, "commune-a", by=ACT)
        await gateway.follower.refresh()
        refused = await gateway.token()
        assert (refused.status_code, refused.json()["code"]) == (403, "system.suspended")
        assert refused.json()["error"] == "unauthorized_client"
        answer = await gateway.http.get("/whoami", headers={"Authorization": f"Bearer {access}"})
        assert (answer.status_code, answer.json()["code"]) == (403, "system.suspended")
        assert (await gateway.token("wrong")).json()["error"] == "invalid_client"

    async def test_suspension_can_be_lifted(self, gateway: Gateway) -> None:
        async with gateway.database.transaction() as conn:
            await actions.suspend_system(conn, "commune-a", by=ACT)
            assert (await actions.suspend_system(conn, "commune-a", suspended=False, by=ACT)).version == 3
        assert (await gateway.token()).status_code == 200

    async def test_two_secrets_are_valid_at_a_time(self, gateway: Gateway) -> None:
        async with gateway.database.transaction() as conn:
            await actions.add_secret(conn, "commune-a", OTHER_HASH, by=ACT)
        assert (await gateway.token()).status_code == (await gateway.token(OTHER_SECRET)).status_code == 200
        async with gateway.database.transaction() as conn:
            await actions.add_secret(conn, "commune-a", hash_secret("third"), by=ACT)
        assert (await gateway.token()).status_code == 401
        assert (await gateway.token(OTHER_SECRET)).status_code == 200
        assert (await gateway.token("third")).status_code == 200

    async def test_client_id_is_given_once(self, gateway: Gateway) -> None:
        with pytest.raises(HubError) as raised:
            async with gateway.database.transaction() as conn:
                await actions.create_system(conn, SYSTEM, OTHER_HASH, by=ACT)
        assert raised.value.code == "request.conflict"
        assert (await gateway.token(OTHER_SECRET)).status_code == 401

    async def test_unknown_system_cannot_be_suspended(self, gateway: Gateway) -> None:
        with pytest.raises(HubError) as raised:
            async with gateway.database.transaction() as conn:
                await actions.suspend_system(conn, "nobody", by=ACT)
        assert raised.value.code == "request.not_found"


class TestKeys:
    async def test_new_key_is_published_before_its_use_and_the_old_one_kept_until_tokens_ended(
        self, gateway: Gateway
    ) -> None:
        old = (await gateway.jwks())["keys"][0]["kid"]
        new = await gateway.rotate()
        assert [key["kid"] for key in (await gateway.jwks())["keys"]] == [old, new]
        assert await self.signed_with(gateway) == old

        gateway.clock.now += PUBLISH_AHEAD
        last = (await gateway.token()).json()["access_token"]
        assert await self.signed_with(gateway) == new

        gateway.clock.now += timedelta(seconds=TOKEN_SECONDS - 1)
        assert gateway.authenticator.caller(f"Bearer {last}", "inbox:read").client_id == "commune-a"
        gateway.clock.now += timedelta(minutes=10)
        assert [key["kid"] for key in (await gateway.jwks())["keys"]] == [new]

    async def test_tokens_of_the_replaced_key_verify_to_their_end(self, gateway: Gateway) -> None:
        await gateway.rotate()
        gateway.clock.now += PUBLISH_AHEAD - timedelta(seconds=1)
        last = (await gateway.token()).json()["access_token"]
        gateway.clock.now += timedelta(seconds=TOKEN_SECONDS)
        assert gateway.authenticator.caller(f"Bearer {last}", "inbox:read").client_id == "commune-a"

    async def test_first_key_is_made_once(self, gateway: Gateway) -> None:
        async with gateway.database.transaction() as conn:
            await actions.ensure_key(conn, KEYRING, by=ACT)
        await gateway.follower.refresh()
        assert len((await gateway.jwks())["keys"]) == 1

    async def test_shows_public_parts_only(self, gateway: Gateway) -> None:
        answer = await gateway.http.get("/.well-known/jwks.json")
        assert answer.headers["cache-control"] == "public, max-age=300"
        for key in answer.json()["keys"]:
            assert set(key) == {"kty", "crv", "x", "kid", "alg", "use"}

    async def signed_with(self, gateway: Gateway) -> str:
        header = (await gateway.token()).json()["access_token"].partition(".")[0]
        kid = base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)).decode().partition('"kid":"')[2]
        return kid.partition('"')[0]


class TestOrgans:
    async def test_needs_a_token(self, gateway: Gateway) -> None:
        for path in ("/v1/organs", "/v1/organs/H28"):
            answer = await gateway.http.get(path)
            assert (answer.status_code, answer.json()["code"]) == (401, "auth.missing")

    async def test_lets_any_valid_token_in(self, gateway: Gateway) -> None:
        access = (await gateway.token(scope="inbox:read")).json()["access_token"]
        answer = await gateway.http.get("/v1/organs", headers={"Authorization": f"Bearer {access}"})
        assert answer.status_code == 200
        refused = await gateway.http.get("/v1/organs", headers={"Authorization": f"Bearer {access}x"})
        assert (refused.status_code, refused.json()["code"]) == (401, "auth.invalid")

    async def test_lists_what_is_valid_today(self, gateway: Gateway) -> None:
        body = (await gateway.get("/v1/organs")).json()
        assert [item["code"] for item in body["items"]] == ["000.00.00.H28", "000.01.21.H28"]
        assert "next_cursor" not in body
        assert body["items"][1]["aliases"][0]["code"] == "H28.21.01"

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({"at": "2025-06-30"}, ["000.00.00.H28", "000.00.21.H28", "000.01.21.H28"]),
            ({"at": "2025-06-30", "level": "district"}, ["000.00.21.H28"]),
            ({"at": "2025-06-30", "parent": "000.00.21.h28"}, ["000.01.21.H28"]),
            ({"q": "dong tien"}, ["000.01.21.H28"]),
            ({"q": "Hòa Bình", "at": "2025-06-30"}, ["000.00.00.H28", "000.00.21.H28"]),
            ({"parent": "nobody"}, []),
        ],
    )
    async def test_filters(self, gateway: Gateway, query: dict[str, str], found: list[str]) -> None:
        assert [item["code"] for item in (await gateway.get("/v1/organs", **query)).json()["items"]] == found

    async def test_pages_by_an_opaque_cursor(self, gateway: Gateway) -> None:
        first = (await gateway.get("/v1/organs", limit=1, at="2025-06-30")).json()
        second = (await gateway.get("/v1/organs", limit=2, at="2025-06-30", cursor=first["next_cursor"])).json()
        codes = [item["code"] for item in first["items"] + second["items"]]
        assert codes == ["000.00.00.H28", "000.00.21.H28", "000.01.21.H28"]
        assert "next_cursor" not in second
        for other in ({}, {"at": "2025-06-30", "q": "xa"}, {"at": "2025-06-30", "home": "office"}):
            refused = await gateway.get("/v1/organs", cursor=first["next_cursor"], **other)
            assert (refused.status_code, refused.json()["code"]) == (400, "request.malformed")

    @pytest.mark.parametrize(
        ("query", "status"),
        [
            ({"cursor": "?"}, 400),
            ({"cursor": "A"}, 400),
            ({"cursor": "AAAA"}, 400),
            ({"cursor": "ổ"}, 400),
            ({"limit": 0}, 422),
            ({"limit": 501}, 422),
            ({"at": "yesterday"}, 422),
            ({"level": "village"}, 422),
            ({"q": "x" * 201}, 422),
            ({"q": "nul\x00"}, 400),
        ],
    )
    async def test_refuses_what_it_cannot_read(self, gateway: Gateway, query: dict[str, Any], status: int) -> None:
        answer = await gateway.get("/v1/organs", **query)
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"

    async def test_shows_one_organ_by_any_of_its_codes(self, gateway: Gateway) -> None:
        for code in ("000.01.21.H28", "h28.21.01"):
            assert (await gateway.get(f"/v1/organs/{code}")).json()["name"] == "Phường Đồng Tiến"
        closed = (await gateway.get("/v1/organs/000.00.21.H28")).json()
        assert closed["valid_to"] == "2025-07-01"

    async def test_unknown_organ_is_not_found(self, gateway: Gateway) -> None:
        answer = await gateway.get("/v1/organs/X99")
        assert (answer.status_code, answer.json()["code"]) == (404, "request.not_found")


async def test_follower_takes_over_what_another_process_committed(
    gateway: Gateway, database_url: str, clock: StandingClock
) -> None:
    systems = SystemSnapshot()
    bell = Bell(database_url)
    follower, stop = Follower(gateway.database, bell, [systems]), asyncio.Event()
    assert not follower.part().ok
    task = asyncio.create_task(follower.run(stop))
    try:
        async with asyncio.timeout(10):
            while not follower.complete:
                await bell.wait("registry", 0.02)
            assert systems.speakers == {"000.01.21.H28": 1}
            async with gateway.database.transaction() as conn:
                await actions.suspend_system(conn, "commune-a", by=ACT)
            while systems.speakers:
                await bell.wait("registry", 0.02)
    finally:
        stop.set()
        bell.ring("registry")
        await task
    assert systems.systems["commune-a"].suspended
    assert follower.part().ok


async def test_organs_of_a_system_must_exist() -> None:
    directory = OrganSnapshot().directory
    with pytest.raises(HubError) as raised:
        rules.canonical(SYSTEM, directory, REFORM)
    assert (raised.value.code, raised.value.pointer) == ("request.invalid", "/organs/0")
    directory.put(ORGANS[2])
    assert rules.canonical(SYSTEM.model_copy(update={"organs": ["h28.21.01"]}), directory, REFORM) == SYSTEM
    with pytest.raises(HubError) as raised:
        rules.canonical(SYSTEM.model_copy(update={"scopes": ["everything"]}), directory, REFORM)
    assert raised.value.pointer == "/scopes/0"
