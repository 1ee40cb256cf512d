"""Tokens verified offline; organs, scopes and suspension taken from the registry at each call."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, OKPKey
from joserfc.jws import JWSRegistry

from contracts.problems import HubError
from services.kernel.auth import ALGORITHM, AUDIENCE, Authenticator, Caller, System, token_registry
from services.kernel.quotas import Load, Quota, Quotas

ISSUER = "https://gateway.example"
NOW = datetime(2024, 6, 3, 8, 0, tzinfo=UTC)
KEY = OKPKey.generate_key("Ed25519", {"kid": "k1"}, private=True)


class StoppedClock:
    def __init__(self) -> None:
        self.now = NOW

    def hub_now(self) -> datetime:
        return self.now

    def machine_now(self) -> datetime:
        raise AssertionError("tokens are by hub time")

    def monotonic(self) -> float:
        return 0.0

    def new_id(self) -> str:
        return "id"


class World:
    def __init__(self) -> None:
        self.clock = StoppedClock()
        self.keys: dict[str, Any] = {"k1": KEY.as_dict(private=False)}
        self.systems = {"c": System("c", ("H28.1",), frozenset({"dossier:write", "inbox:read"}))}
        self.authenticator = Authenticator(
            keys=self.keys.get, systems=self.systems.get, clock=self.clock, issuer=ISSUER
        )

    def call(self, token: str, scope: str = "dossier:read") -> Caller:
        return self.authenticator.caller(f"Bearer {token}", scope)

    def code(self, token: str, scope: str = "dossier:read") -> str:
        with pytest.raises(HubError) as caught:
            self.call(token, scope)
        assert caught.value.code == "system.suspended" or "Bearer" in caught.value.headers["WWW-Authenticate"]
        return caught.value.code


@pytest.fixture
def world() -> World:
    return World()


def token(key: Any = KEY, *, header: dict[str, Any] | None = None, **claims: Any) -> str:
    at = int(NOW.timestamp())
    content = {
        "iss": ISSUER,
        "sub": "c",
        "aud": AUDIENCE,
        "scope": "dossier:write inbox:read ops",
        "nbf": at,
        "exp": at + 3600,
        **claims,
    }
    content = {name: value for name, value in content.items() if value is not None}
    return jwt.encode(header or {"alg": ALGORITHM, "kid": "k1"}, content, key, registry=token_registry())


def test_a_caller_has_what_token_and_registry_both_grant(world: World) -> None:
    caller = world.call(token())
    assert caller == Caller("c", ("H28.1",), frozenset({"dossier:write", "dossier:read", "inbox:read"}))
    assert world.code(token(), "ops") == "auth.scope"
    assert world.code(token(scope="inbox:read")) == "auth.scope"


def test_suspension_and_new_organs_work_at_once(world: World) -> None:
    given = token()
    world.call(given)
    world.systems["c"] = System("c", ("H28.2",), frozenset({"dossier:read"}))
    assert world.call(given).organs == ("H28.2",)
    world.systems["c"] = System("c", ("H28.2",), frozenset({"dossier:read"}), suspended=True)
    assert world.code(given) == "system.suspended"
    del world.systems["c"]
    assert world.code(given) == "auth.invalid"


def test_times_are_hub_time_with_a_small_leeway(world: World) -> None:
    given = token()
    for seconds, valid in ((-29, True), (-31, False), (3600 + 29, True), (3600 + 31, False)):
        world.clock.now = NOW + timedelta(seconds=seconds)
        if valid:
            world.call(given)
        else:
            assert world.code(given) == "auth.invalid"


def test_a_withdrawn_key_ends_its_tokens(world: World) -> None:
    given = token()
    world.call(given)
    del world.keys["k1"]
    assert world.code(given) == "auth.invalid"


@pytest.mark.parametrize(
    "make",
    [
        lambda: token(iss="https://other"),
        lambda: token(aud="other"),
        lambda: token(aud=None),
        lambda: token(exp=None),
        lambda: token(exp="soon"),
        lambda: token(sub=None),
        lambda: token(header={"alg": ALGORITHM, "kid": "k2"}),
        lambda: token(header={"alg": ALGORITHM}),
        lambda: token(OKPKey.generate_key("Ed25519")),
        lambda: token()[:-6] + "AAAAAA",
        lambda: "a.b.c",
        lambda: "x",
        lambda: "é" * 10,
        lambda: "a" * 5000,
        lambda: ".".join(["eyJhbGciOiJub25lIiwia2lkIjoiazEifQ", token().split(".")[1], ""]),
        lambda: jwt.encode(
            {"alg": "HS256", "kid": "k1"},
            {"sub": "c"},
            OctKey.import_key(str(KEY.as_dict()["x"]) * 2),
            registry=JWSRegistry(),
        ),
    ],
)
def test_whatever_is_not_our_token_is_invalid(world: World, make: Callable[[], str]) -> None:
    assert world.code(make()) == "auth.invalid"


@pytest.mark.parametrize("header", [None, "", "Basic abc", "Bearer", "Bearer "])
def test_without_a_token_the_caller_is_asked_for_one(world: World, header: str | None) -> None:
    with pytest.raises(HubError) as caught:
        world.authenticator.caller(header, "ops")
    assert caught.value.code == "auth.missing"
    assert caught.value.headers["WWW-Authenticate"] == 'Bearer realm="lienthong"'


def test_one_of_several_scopes_is_enough(world: World) -> None:
    call = world.authenticator.caller
    assert call(f"Bearer {token()}", "ops", "inbox:read").client_id == "c"
    assert call(f"Bearer {token()}").client_id == "c"
    assert call(f"Bearer {token()}", "").client_id == "c"
    with pytest.raises(HubError) as caught:
        call(f"Bearer {token()}", "ops", "admin")
    assert (caught.value.code, caught.value.detail) == ("auth.scope", "scope ops or admin is needed")
    assert 'scope="admin"' in caught.value.headers["WWW-Authenticate"]


def test_who_is_known_is_charged_once_per_request_whatever_he_may_do(world: World) -> None:
    quotas = Quotas(Quota(requests_per_second=1), lambda: 0.0)
    asked = Authenticator(
        keys=world.keys.get, systems=world.systems.get, clock=world.clock, issuer=ISSUER, quotas=quotas
    )
    load = Load(0)
    for _ in range(5):
        asked.caller(f"Bearer {token()}", "dossier:read", load=load)
    codes = []
    for scope in ("ops", "ops", "dossier:read"):
        with pytest.raises(HubError) as caught:
            asked.caller(f"Bearer {token()}", scope, load=Load(0))
        codes.append(caught.value.code)
    assert codes == ["auth.scope", "quota.exceeded", "quota.exceeded"]
    with pytest.raises(HubError, match="not a valid token"):
        asked.caller("Bearer x", "ops", load=Load(0))


def test_a_systems_own_quota_is_that_of_the_registry(world: World) -> None:
    quotas = Quotas(Quota(requests_per_second=1), lambda: 0.0)
    world.systems["c"] = System("c", (), frozenset({"inbox:read"}), requests_per_second=5)
    asked = Authenticator(
        keys=world.keys.get, systems=world.systems.get, clock=world.clock, issuer=ISSUER, quotas=quotas
    )
    for _ in range(10):
        asked.caller(f"Bearer {token()}", "inbox:read")
    with pytest.raises(HubError, match="5 per second"):
        asked.caller(f"Bearer {token()}", "inbox:read")
