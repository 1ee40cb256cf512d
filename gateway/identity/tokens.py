"""Grants access tokens: verifies the system's secret, then signs who it is and what it may do."""

from dataclasses import dataclass

from joserfc import jwt

from contracts.messages.registry import SystemChanged
from contracts.problems import HubError
from gateway.identity import store
from gateway.identity.grants import Grant, GrantError, invalid_client
from gateway.identity.rules import TOKEN_SECONDS, granted
from gateway.identity.secrets import SecretVerifier
from gateway.identity.snapshot import KeySnapshot
from services.kernel.auth import ALGORITHM, AUDIENCE, token_registry
from services.kernel.clock import Clock
from services.kernel.database import Database


@dataclass(frozen=True, slots=True)
class Token:
    access_token: str
    scopes: tuple[str, ...]
    expires_in: int = TOKEN_SECONDS


class TokenIssuer:
    """`issuer` is the gateway's URL; offices verify tokens with the published keys alone."""

    def __init__(
        self, database: Database, keys: KeySnapshot, *, verifier: SecretVerifier, clock: Clock, issuer: str
    ) -> None:
        self._database = database
        self._keys = keys
        self._verifier = verifier
        self._clock = clock
        self._issuer = issuer

    async def grant(self, request: Grant) -> Token:
        """Raises `GrantError`, also when the system is suspended; no connection is held while a secret is verified."""
        async with self._database.read() as conn:
            candidate = await store.candidate(conn, request.client_id)
        if candidate is None:
            raise invalid_client()
        fitting = await self._verifier.matching(request.secret, candidate.hashes)
        if fitting is None:
            raise invalid_client()
        if candidate.system.suspended:
            raise GrantError("unauthorized_client", "system.suspended", "the system is suspended")
        scopes = granted(candidate.system.scopes, request.scopes)
        if scopes is None:
            raise GrantError("invalid_scope", "request.malformed", "the system does not hold a scope asked for")
        if fitting in candidate.unmarked:
            async with self._database.transaction() as conn:
                await store.mark_used(conn, request.client_id, fitting)
        return Token(self._sign(candidate.system, scopes), tuple(scopes))

    def _sign(self, system: SystemChanged, scopes: list[str]) -> str:
        now = self._clock.hub_now()
        signer = self._keys.signer(now)
        if signer is None:
            raise HubError("system.not_ready", "no signing key yet")
        kid, key = signer
        at = int(now.timestamp())
        claims = {
            "iss": self._issuer,
            "sub": system.client_id,
            "aud": AUDIENCE,
            "scope": " ".join(scopes),
            "iat": at,
            "nbf": at,
            "exp": at + TOKEN_SECONDS,
            "jti": self._clock.new_id(),
        }
        return jwt.encode({"alg": ALGORITHM, "kid": kid}, claims, key, registry=token_registry())
