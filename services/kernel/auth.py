"""Who calls: verifies tokens offline and asks the registry what the system may do at this moment.

A token says who it is and bounds what it may do; organs, scopes and suspension are the registry's, so that a change
works at once. Everything is by hub time.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Any

import structlog
from fastapi import Depends, Security
from fastapi.security import HTTPBearer
from fastapi.security.http import HTTPAuthorizationCredentials
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwa import EdDSAAlgorithm
from joserfc.jwk import OKPKey
from joserfc.jws import JWSRegistry
from starlette.requests import HTTPConnection

from contracts.messages.registry import Quota as RegisteredQuota
from contracts.messages.registry import SystemChanged
from contracts.problems import HubError
from services.kernel.clock import Clock
from services.kernel.quotas import Load, Quota, Quotas

ALGORITHM = "EdDSA"
AUDIENCE = "lienthong"
LEEWAY_SECONDS = 30
MAX_TOKEN_CHARACTERS = 4096
REMEMBERED_TOKENS = 2000

_bearer = HTTPBearer(bearerFormat="JWT", auto_error=False, description="Token of the gateway's /oauth/token")


class _Ed25519(EdDSAAlgorithm):
    """The library warns that the name says nothing of the curve; the hub's keys are Ed25519 by their contract."""

    security_warning = ""


class _Registry(JWSRegistry):
    algorithms = JWSRegistry.algorithms | {ALGORITHM: _Ed25519()}


def token_registry() -> JWSRegistry:
    """Allows the one algorithm of the hub's tokens; for signing and for verifying."""
    return _Registry(algorithms=[ALGORITHM])


@dataclass(frozen=True, slots=True)
class System:
    """What the registry says of a caller now."""

    client_id: str
    organs: tuple[str, ...]
    scopes: frozenset[str]
    suspended: bool = False
    requests_per_second: int | None = None
    """Its quota; None: the hub's default. So with `bytes_per_second`, of request bodies."""
    bytes_per_second: int | None = None


def system_of(told: SystemChanged) -> System:
    """A system as its registry entry tells of it."""
    quota = told.quota or RegisteredQuota()
    return System(
        client_id=told.client_id,
        organs=tuple(told.organs),
        scopes=frozenset(told.scopes),
        suspended=told.suspended,
        requests_per_second=quota.requests_per_second,
        bytes_per_second=quota.bytes_per_second,
    )


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls; `scopes` are those of the token that the system still holds, write including read."""

    client_id: str
    organs: tuple[str, ...]
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Verified:
    kid: str
    client_id: str
    scopes: frozenset[str]
    begins_at: float
    ends_at: float


class Authenticator:
    """`keys` gives a public JWK by key id, `systems` a system by client id; both are asked at every call. Until `ready`
    they do not know all, and nobody is judged by them."""

    def __init__(
        self,
        *,
        keys: Callable[[str], Mapping[str, Any] | None],
        systems: Callable[[str], System | None],
        clock: Clock,
        issuer: str,
        audience: str = AUDIENCE,
        ready: Callable[[], bool] = lambda: True,
        quotas: Quotas | None = None,
    ) -> None:
        self._keys = keys
        self._systems = systems
        self._clock = clock
        self._issuer = issuer
        self._audience = audience
        self._ready = ready
        self._quotas = quotas
        self._verified: OrderedDict[bytes, _Verified] = OrderedDict()

    def caller(self, authorization: str | None, *scopes: str, load: Load | None = None) -> Caller:
        """The caller of a request, who must hold one of `scopes`, if any is named; raises auth.missing, auth.invalid,
        auth.scope or system.suspended, each with its challenge, and system.not_ready. The request is charged to the
        system's quota, whatever it may do, but once for each `load`: quota.exceeded."""
        if not self._ready():
            raise HubError("system.not_ready")
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise HubError("auth.missing", headers=_challenge())
        verified = self._verify(token.strip())
        system = self._systems(verified.client_id)
        if system is None:
            raise _invalid("the system is not registered")
        structlog.contextvars.bind_contextvars(client_id=system.client_id)
        if system.suspended:
            raise HubError("system.suspended")
        if self._quotas is not None:
            quota = Quota(system.requests_per_second, system.bytes_per_second)
            self._quotas.charge(system.client_id, quota, load)
        held = expanded(verified.scopes) & expanded(system.scopes)
        if any(scopes) and held.isdisjoint(scopes):
            challenge = _challenge("insufficient_scope", scopes[-1])
            raise HubError("auth.scope", f"scope {' or '.join(scopes)} is needed", headers=challenge)
        return Caller(system.client_id, system.organs, held)

    def _verify(self, token: str) -> _Verified:
        """Signatures are checked once per token, times and keys at every call."""
        if len(token) > MAX_TOKEN_CHARACTERS:
            raise _invalid("too long")
        mark = sha256(token.encode("utf-8", "replace")).digest()
        verified = self._verified.get(mark)
        if verified is None:
            verified = self._decode(token)
            self._verified[mark] = verified
            if len(self._verified) > REMEMBERED_TOKENS:
                self._verified.popitem(last=False)
        elif self._keys(verified.kid) is None:
            raise _invalid("the signing key was withdrawn")
        now = self._clock.hub_now().timestamp()
        if not verified.begins_at - LEEWAY_SECONDS <= now < verified.ends_at + LEEWAY_SECONDS:
            raise _invalid("expired or not yet valid")
        return verified

    def _decode(self, token: str) -> _Verified:
        found: list[str] = []

        def key_of(signature: Any) -> OKPKey:
            kid = str(signature.headers().get("kid", ""))
            jwk = self._keys(kid)
            if jwk is None or jwk.get("crv") != "Ed25519":
                raise _invalid("signed with an unknown key")
            found.append(kid)
            return OKPKey.import_key({name: str(jwk[name]) for name in ("kty", "crv", "x")})

        try:
            claims = jwt.decode(token, key_of, algorithms=[ALGORITHM], registry=token_registry()).claims
        except (JoseError, ValueError, KeyError) as error:
            raise _invalid("not a valid token") from error
        audience = claims.get("aud")
        if claims.get("iss") != self._issuer or self._audience not in (
            audience if isinstance(audience, list) else [audience]
        ):
            raise _invalid("not issued for this hub")
        begins, ends, client_id = claims.get("nbf", claims.get("iat", 0)), claims.get("exp"), claims.get("sub")
        if not isinstance(ends, int | float) or not isinstance(begins, int | float) or not isinstance(client_id, str):
            raise _invalid("claims are missing")
        return _Verified(found[0], client_id, frozenset(str(claims.get("scope", "")).split()), begins, ends)


def require(*scopes: str) -> Any:
    """A dependency: `caller: Annotated[Caller, require("dossier:write")]`, a caller with one of the scopes; none, or an
    empty one, asks for any valid token. The app keeps its `Authenticator` at `app.state.authenticator`."""

    shown = Security(_bearer, scopes=[scope for scope in scopes if scope])  # for the API page

    async def caller(
        connection: HTTPConnection, _shown: Annotated[HTTPAuthorizationCredentials | None, shown]
    ) -> Caller:
        authenticator: Authenticator = connection.app.state.authenticator
        load: Load | None = getattr(connection.state, "load", None)
        return authenticator.caller(connection.headers.get("authorization"), *scopes, load=load)

    return Depends(caller)


def expanded(scopes: Iterable[str]) -> frozenset[str]:
    """Write includes read."""
    held = set(scopes)
    return frozenset(held | {f"{scope[:-6]}:read" for scope in held if scope.endswith(":write")})


def _invalid(detail: str) -> HubError:
    return HubError("auth.invalid", detail, headers=_challenge("invalid_token"))


def _challenge(error: str = "", scope: str = "") -> dict[str, str]:
    parts = ['realm="lienthong"']
    parts += [f'error="{error}"'] if error else []
    parts += [f'scope="{scope}"'] if scope else []
    return {"WWW-Authenticate": "Bearer " + ", ".join(parts)}
