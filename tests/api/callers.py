"""Every kind of caller, and what each must be answered: by kind of operation, not by operation."""

from __future__ import annotations

import base64
import hmac
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import orjson
from joserfc.jwk import OKPKey

from services.kernel.auth import AUDIENCE, LEEWAY_SECONDS, MAX_TOKEN_CHARACTERS, expanded
from tests.api.document import Operation
from tests.api.houses import Desk, House, Signer
from tests.integration.office.stage import COMMUNE_A, COMMUNE_B, COMMUNE_C, DEPARTMENT

BEYOND, WITHIN = LEEWAY_SECONDS + 30, LEEWAY_SECONDS - 15
MISSING, INVALID = (401, "auth.missing"), (401, "auth.invalid")
SCOPE, SUSPENDED = (403, "auth.scope"), (403, "system.suspended")
FORBIDDEN, WRONG_OFFICE = (403, "organ.forbidden"), (403, "organ.wrong_office")
AMBIGUOUS = (400, "organ.ambiguous")
OF_CALLERS = frozenset(code for _, code in (MISSING, INVALID, SCOPE, SUSPENDED, FORBIDDEN, WRONG_OFFICE, AMBIGUOUS))
Expected = tuple[int, str] | None
"""Status and code of the refusal; None: let through."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of caller. `token` gives the header for an operation, `expected` its answer."""

    name: str
    authorization: Callable[[Desk, Operation], str | None]
    expected: Callable[[Operation], Expected]
    organ: str | None = None
    """X-Organ."""


def kinds(house: House) -> Iterator[Kind]:
    """All kinds that a program can meet."""
    yield from _unknown()
    yield from _forged(house)
    yield from _limited()
    if house.name == "office":
        yield from _of_organs()


def _unknown() -> Iterator[Kind]:
    yield Kind("nobody", lambda desk, operation: None, always(MISSING))
    yield Kind("empty header", lambda desk, operation: "", always(MISSING))
    yield Kind("no token", lambda desk, operation: "Bearer ", always(MISSING))
    yield Kind("another scheme", lambda desk, operation: "Basic ZXZlcnl0aGluZzp4", always(MISSING))
    for name, token in {
        "garbage": "Bearer garbage",
        "three parts of garbage": "Bearer e30.e30.e30",
        "not ASCII": "Bearer \xff\xfe.\xe1.\xe2",
        "too long": "Bearer " + "a" * (MAX_TOKEN_CHARACTERS + 1),
    }.items():
        yield Kind(name, lambda desk, operation, token=token: token, always(INVALID))
    yield Kind("right", lambda desk, operation: desk.authorization(), let_through)
    yield Kind(
        "right, scheme in another case",
        lambda desk, operation: desk.authorization().replace("Bearer", "bEARER"),
        let_through,
    )


def _forged(house: House) -> Iterator[Kind]:
    """Tokens that the gateway did not give, or that are not good at this moment."""

    def claims(name: str, expected: Callable[[Operation], Expected], **shifts: Any) -> Kind:
        def authorization(desk: Desk, _operation: Operation) -> str:
            now = int(time.time())
            moved = {key: now + value if isinstance(value, int) else value for key, value in shifts.items()}
            return desk.authorization(**moved)

        return Kind(name, authorization, expected)

    yield claims("expired beyond the leeway", always(INVALID), exp=-BEYOND)
    yield claims("expired within the leeway", let_through, exp=-WITHIN)
    yield claims("not yet valid", always(INVALID), iat=0, nbf=BEYOND)
    yield claims("issued in the future", always(INVALID), iat=BEYOND)
    yield claims("a clock ahead within the leeway", let_through, iat=WITHIN, nbf=WITHIN)
    yield claims("another issuer", always(INVALID), iss="http://elsewhere.example")
    yield claims("another audience", always(INVALID), aud="somebody-else")
    yield claims("several audiences", let_through, aud=["somebody-else", AUDIENCE])
    yield claims("without audience", always(INVALID), aud=None)
    yield claims("without an end", always(INVALID), exp=None)
    yield claims("an end that is no number", always(INVALID), exp="tomorrow")
    yield claims("an end beyond numbers", always(INVALID), exp="1e999")
    yield claims("without a subject", always(INVALID), sub=None)
    yield claims("an unregistered system", always(INVALID), sub="nobody-at-all")
    good = house.signer
    other = Signer(good.issuer, good.kid, OKPKey.generate_key("Ed25519"))
    unknown = Signer(good.issuer, "another-key", other.key)
    for name, signer in {"another key": other, "an unknown key": unknown}.items():
        yield Kind(
            name,
            lambda desk, operation, signer=signer: f"Bearer {signer.token(desk.house.right, desk.house.all_scopes)}",
            always(INVALID),
        )
    yield Kind("alg none", lambda desk, operation: f"Bearer {unsigned(desk)}", always(INVALID))
    yield Kind("alg none with a signature", lambda desk, operation: f"Bearer {unsigned(desk)}AAAA", always(INVALID))
    yield Kind("the public key as a secret", lambda desk, operation: f"Bearer {confused(desk)}", always(INVALID))
    yield Kind("claims changed", lambda desk, operation: f"Bearer {tampered(desk)}", always(INVALID))


def _limited() -> Iterator[Kind]:
    def without(operation: Operation, all_scopes: str) -> str:
        """All scopes but those that open the operation."""
        return " ".join(scope for scope in all_scopes.split() if expanded([scope]).isdisjoint(operation.scopes))

    yield Kind(
        "a token without the scope",
        lambda desk, operation: desk.authorization(scope=without(operation, desk.house.all_scopes)),
        unless_any(SCOPE),
    )
    yield Kind("a token without scopes", lambda desk, operation: desk.authorization(scope=""), unless_any(SCOPE))
    yield Kind(
        "a scope in other letters", lambda desk, operation: desk.authorization(scope="ADMIN OPS"), unless_any(SCOPE)
    )
    yield Kind("a system without the scope", lambda desk, operation: desk.authorization("powerless"), unless_any(SCOPE))
    yield Kind("suspended", lambda desk, operation: desk.authorization("suspended"), always(SUSPENDED))


def _of_organs() -> Iterator[Kind]:
    def kind(name: str, system: str, expected: Expected, organ: str | None = None) -> Kind:
        def answer(operation: Operation) -> Expected:
            return expected if operation.speaks_for_organ else None

        return Kind(name, lambda desk, operation: desk.authorization(system), answer, organ)

    right = "everything"
    yield kind("its own organ named", right, None, COMMUNE_A)
    yield kind("its own organ in small letters", right, None, COMMUNE_A.lower())
    yield kind("an empty organ", right, None, "")
    yield kind("the organ of another system", right, FORBIDDEN, COMMUNE_B)
    yield kind("the organ of another office", right, FORBIDDEN, DEPARTMENT)
    yield kind("an organ nobody knows", right, FORBIDDEN, "000.77.77.H28")
    yield kind("two organs in one", right, FORBIDDEN, f"{COMMUNE_A},{COMMUNE_B}")
    yield kind("several organs, none named", "both", AMBIGUOUS)
    yield kind("several organs, one named", "both", None, COMMUNE_A)
    yield kind("several organs, another named", "both", FORBIDDEN, COMMUNE_B)
    yield kind("a system of another level", "elsewhere", WRONG_OFFICE)
    yield kind("a system of another level, its organ named", "elsewhere", WRONG_OFFICE, DEPARTMENT)
    yield kind("a system of another level, an organ of this one", "elsewhere", FORBIDDEN, COMMUNE_A)
    yield kind("a system without organs", "organless", FORBIDDEN)
    yield kind("another of several organs", "both", None, COMMUNE_C)


def always(expected: Expected) -> Callable[[Operation], Expected]:
    return lambda operation: None if operation.kind == "open" else expected


def unless_any(expected: Expected) -> Callable[[Operation], Expected]:
    return lambda operation: expected if operation.kind == "scoped" else None


def let_through(_operation: Operation) -> Expected:
    return None


def unsigned(desk: Desk) -> str:
    """A token of `alg: none`, whose signature is empty."""
    _, payload, _ = desk.authorization().removeprefix("Bearer ").split(".")
    return f"{_part({'alg': 'none', 'kid': desk.house.signer.kid})}.{payload}."


def confused(desk: Desk) -> str:
    """Signed with HMAC, the public key as its secret."""
    _, payload, _ = desk.authorization().removeprefix("Bearer ").split(".")
    public = desk.house.signer.key.as_dict(private=False)["x"]
    signed = f"{_part({'alg': 'HS256', 'kid': desk.house.signer.kid})}.{payload}"
    mac = hmac.new(base64.urlsafe_b64decode(f"{public}="), signed.encode(), sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


def tampered(desk: Desk) -> str:
    """A good token of a system without power, with the claims of one that has it."""
    head, _, signature = desk.authorization("powerless").removeprefix("Bearer ").split(".")
    _, payload, _ = desk.authorization().removeprefix("Bearer ").split(".")
    return f"{head}.{payload}.{signature}"


def _part(value: dict[str, str]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(value)).decode().rstrip("=")
