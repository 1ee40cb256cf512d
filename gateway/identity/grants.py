"""Reads a token request (RFC 6749, client credentials) and tells mistakes by their OAuth name. Pure."""

import base64
import binascii
import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote_plus

from contracts.identifiers import IDENTIFIER_PATTERN
from contracts.problems import HubError

FORM = "application/x-www-form-urlencoded"
MAX_BODY_BYTES = 16 * 1024
MAX_FIELDS = 32
CHALLENGE = {"WWW-Authenticate": 'Basic realm="lienthong", charset="UTF-8"'}

_CLIENT_ID = re.compile(IDENTIFIER_PATTERN)
_SCOPE = re.compile(r"[!#-\[\]-~]+( [!#-\[\]-~]+)*")


class GrantError(HubError):
    """A refusal with its name in RFC 6749, which answers carry beside the problem's members."""

    def __init__(self, error: str, code: str, description: str, *, headers: dict[str, str] | None = None) -> None:
        super().__init__(code, description, headers=headers)
        self.error = error

    @property
    def members(self) -> dict[str, str]:
        return {"error": self.error, "error_description": self.detail}


@dataclass(frozen=True, slots=True)
class Grant:
    """Who asks, and for which scopes; none = all it holds."""

    client_id: str
    secret: str = field(repr=False)
    scopes: tuple[str, ...] = ()


def invalid_request(description: str) -> GrantError:
    return GrantError("invalid_request", "request.malformed", description)


def invalid_client() -> GrantError:
    """The same answer for an unknown system and for a wrong secret."""
    return GrantError("invalid_client", "auth.invalid", "unknown client or wrong secret", headers=CHALLENGE)


def read_grant(authorization: str | None, content_type: str | None, body: bytes) -> Grant:
    """Credentials come by Basic or in the form, not both; raises `GrantError`."""
    fields = _fields(content_type, body)
    if "grant_type" not in fields:
        raise invalid_request("grant_type is missing")
    if fields["grant_type"] != "client_credentials":
        raise GrantError("unsupported_grant_type", "request.malformed", "grant_type must be client_credentials")
    client_id, secret = _credentials(authorization, fields)
    scope = fields.get("scope", "")
    if scope and not _SCOPE.fullmatch(scope):
        raise GrantError("invalid_scope", "request.malformed", "scope is not a list of scopes")
    if not _CLIENT_ID.fullmatch(client_id):
        raise invalid_client()
    return Grant(client_id, secret, tuple(scope.split()))


def _fields(content_type: str | None, body: bytes) -> dict[str, str]:
    """Parameters without a value count as left out, as the RFC says."""
    if (content_type or "").partition(";")[0].strip().lower() != FORM:
        raise invalid_request(f"the body must be {FORM}")
    if len(body) > MAX_BODY_BYTES:
        raise invalid_request("the body is too long")
    try:
        pairs = parse_qsl(body.decode("utf-8"), max_num_fields=MAX_FIELDS, errors="strict")
    except ValueError:
        raise invalid_request("the body cannot be read") from None
    if len(dict(pairs)) != len(pairs):
        raise invalid_request("a parameter is repeated")
    return dict(pairs)


def _credentials(authorization: str | None, fields: dict[str, str]) -> tuple[str, str]:
    in_form = "client_secret" in fields
    if authorization is None:
        if not in_form or "client_id" not in fields:
            raise invalid_client()
        return fields["client_id"], fields["client_secret"]
    if in_form:
        raise invalid_request("credentials must come by one way only")
    client_id, secret = _basic(authorization)
    if fields.get("client_id", client_id) != client_id:
        raise invalid_request("client_id differs from the one in the header")
    return client_id, secret


def _basic(authorization: str) -> tuple[str, str]:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        raise invalid_client()
    try:
        client_id, colon, secret = base64.b64decode(encoded.strip(), validate=True).decode("utf-8").partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise invalid_client() from None
    if not colon:
        raise invalid_client()
    return unquote_plus(client_id), unquote_plus(secret)
