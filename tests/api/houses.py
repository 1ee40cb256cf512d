"""The two programs as the tests of this package see them: an app, callers of all kinds, and things that exist."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Protocol
from unittest.mock import patch
from urllib.parse import quote

import orjson
from joserfc import jwt
from joserfc.jwk import OKPKey
from sqlalchemy.sql import ClauseElement
from starlette.types import ASGIApp

from services.kernel.auth import ALGORITHM, AUDIENCE, token_registry
from services.kernel.connection import Connection, Result
from tests.api.asking import Answer, Asked, Headers, ask
from tests.api.document import JSON, Operation

Json = dict[str, Any]
_statements: ContextVar[list[str] | None] = ContextVar("statements", default=None)


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs tokens as the gateway does, also such as it would never give."""

    issuer: str
    kid: str
    key: OKPKey

    def token(self, system: str, scopes: str, *, header: Mapping[str, Any] | None = None, **claims: Any) -> str:
        now = int(time.time())
        given = {
            "iss": self.issuer, "aud": AUDIENCE, "sub": system, "scope": scopes, "iat": now, "exp": now + 3600,
        } | claims  # fmt: skip
        kept = {name: value for name, value in given.items() if value is not None}
        return jwt.encode(
            {"alg": ALGORITHM, "kid": self.kid, **(header or {})}, kept, self.key, registry=token_registry()
        )


@dataclass(frozen=True, slots=True)
class Thing:
    """What a path can name: one that exists and is the right caller's, and one of the same shape that does not."""

    there: str
    absent: str


class House(Protocol):
    """A program with things in it. `right` is a system that may do everything the document offers."""

    name: str
    app: ASGIApp
    signer: Signer
    right: str
    all_scopes: str
    things: Mapping[tuple[str, str], Thing]
    """(collection of the path, parameter) → thing."""
    also: Mapping[tuple[str, str], Sequence[str]]
    """More that exist."""

    def bodies(self, operation: Operation) -> Json | bytes | None:
        """A body that the program takes, where the document's example would not do here."""
        ...


@dataclass
class Desk:
    """Makes well-formed requests of a house, to be spoilt by the tests."""

    house: House
    overrides: dict[str, str] = field(default_factory=dict)

    def authorization(self, system: str = "", **claims: Any) -> str:
        return f"Bearer {self.house.signer.token(system or self.house.right, self.house.all_scopes, **claims)}"

    def thing(self, operation: Operation, parameter: str) -> Thing:
        collection = operation.path.removeprefix("/v1/").partition("/")[0]
        found = self.house.things.get((collection, parameter))
        if found is None:  # an operation of a new kind: its example names nothing that exists
            example = next(str(each.example) for each in operation.of("path") if each.name == parameter)
            return Thing(example, example)
        return found

    def target(self, operation: Operation, *, there: bool = True) -> str:
        path = operation.path
        for parameter in operation.of("path"):
            thing = self.thing(operation, parameter.name)
            path = path.replace(f"{{{parameter.name}}}", quote(thing.there if there else thing.absent, safe=""))
        query = "&".join(f"{each.name}={quote(str(each.example))}" for each in operation.of("query") if each.required)
        return f"{path}?{query}" if query else path

    def asked(self, operation: Operation, *, authorization: str | None = "", there: bool = True) -> Asked:
        """A request as the document asks for; the right caller's unless told otherwise, None for nobody's."""
        headers: dict[str, str | bytes] = {}
        if authorization is not None and operation.kind != "open":
            headers["authorization"] = authorization or self.authorization()
        body = b""
        if operation.bodies:
            media_type, body = self.body(operation)
            headers["content-type"] = media_type
        return Asked(operation.method, self.target(operation, there=there), headers, body)

    def body(self, operation: Operation) -> tuple[str, bytes]:
        media_type = JSON if JSON in operation.bodies else next(iter(operation.bodies))
        given = self.house.bodies(operation)
        if given is None:
            examples = operation.body_examples(media_type)
            given = examples[0] if examples else b""
        if media_type == "application/x-www-form-urlencoded" and isinstance(given, dict):
            given = "&".join(f"{name}={quote(str(value))}" for name, value in given.items()).encode()
        if isinstance(given, str):
            given = given.encode()
        return media_type, given if isinstance(given, bytes) else orjson.dumps(given)

    async def ask(self, asked: Asked, *, more_headers: Headers = ()) -> Answer:
        return await ask(self.house.app, asked, more_headers=more_headers)


@contextmanager
def statements() -> Iterator[list[str]]:
    """The SQL that is run for what is asked within, not for what workers do meanwhile."""
    run = Connection.execute

    async def noted(conn: Connection, statement: ClauseElement, values: Mapping[str, Any] | None = None) -> Result:
        noting = _statements.get()
        if noting is not None:
            noting.append(str(statement))
        return await run(conn, statement, values)

    found: list[str] = []
    token = _statements.set(found)
    try:
        with patch.object(Connection, "execute", noted):
            yield found
    finally:
        _statements.reset(token)
