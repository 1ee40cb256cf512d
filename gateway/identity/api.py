"""HTTP door of identity: the token endpoint of RFC 6749 and the public keys of RFC 7517. Needs no token itself."""

from typing import Any

import orjson
import structlog
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel
from starlette.responses import JSONResponse

from contracts.scopes import SCOPES
from gateway.identity.grants import FORM, GrantError, read_grant
from gateway.identity.snapshot import KeySnapshot
from gateway.identity.tokens import TokenIssuer
from services.kernel.clock import Clock
from services.kernel.openapi import answer, problem_responses
from services.kernel.problem_details import MEDIA_TYPE, problem_body

KEYS_AGE_SECONDS = 300
PUBLIC = (
    "request.malformed",
    "request.headers_too_large",
    "request.uri_too_long",
    "system.overloaded",
    "system.stopping",
)
"""What an operation that asks for no token may answer."""

_FORM_FIELDS: dict[str, Any] = {
    "type": "object",
    "required": ["grant_type"],
    "properties": {
        "grant_type": {"type": "string", "const": "client_credentials"},
        "scope": {
            "type": "string",
            "description": f"Blank-separated, of: {', '.join(sorted(SCOPES))}. None: all held.",
        },
        "client_id": {"type": "string", "description": "Unless sent by HTTP Basic."},
        "client_secret": {"type": "string", "description": "Unless sent by HTTP Basic."},
    },
}
_REQUEST: dict[str, Any] = {
    "security": [{"basic": []}, {}],
    "requestBody": {
        "required": True,
        "content": {FORM: {"schema": _FORM_FIELDS, "example": {"grant_type": "client_credentials"}}},
    },
}
_REFUSALS = problem_responses(["auth.invalid", "system.suspended", "system.storage_unavailable"], PUBLIC)
_OAUTH_MEMBERS: dict[str, Any] = {
    "error": {
        "type": "string",
        "description": "The name of RFC 6749, section 5.2, beside the problem's `code` · tên lỗi theo RFC 6749",
        "enum": [
            "invalid_request",
            "invalid_client",
            "invalid_scope",
            "unauthorized_client",
            "unsupported_grant_type",
        ],
    },
    "error_description": {"type": "string", "description": "The same as `detail` · giống `detail`"},
}
_REFUSAL: dict[str, Any] = {"allOf": [{"$ref": "#/components/schemas/Problem"}], "properties": _OAUTH_MEMBERS}
for _status, (_error, _text) in {
    400: ("invalid_request", "`error` is `invalid_request`, `unsupported_grant_type` or `invalid_scope`"),
    401: ("invalid_client", "`error` is `invalid_client`: unknown system or wrong secret"),
    403: ("unauthorized_client", "`error` is `unauthorized_client`: the system is suspended"),
}.items():
    _answer = _REFUSALS[_status]
    _answer["description"] += (
        f"; the problem has the members `error` and `error_description` (RFC 6749) besides, {_text}"
    )
    _answer["content"][MEDIA_TYPE]["schema"] = _REFUSAL
    for _told in _answer["content"][MEDIA_TYPE]["examples"].values():
        _told["value"] |= {"error": _error, "error_description": _told["value"]["detail"]}
_GRANTED: dict[str, Any] = {
    "access_token": "eyJhbGciOiJFZERTQSIsImtpZCI6ImsxIn0.eyJzdWIiOiJjb21tdW5lLWEifQ.c2lnbmF0dXJl",
    "token_type": "Bearer",
    "expires_in": 3600,
    "scope": "document:write dossier:write inbox:read",
}
_KEY: dict[str, Any] = {
    "kty": "OKP",
    "crv": "Ed25519",
    "kid": "20240603-1",
    "use": "sig",
    "alg": "EdDSA",
    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
}


class TokenBody(BaseModel):
    """RFC 6749, section 5.1."""

    access_token: str
    token_type: str = "Bearer"  # noqa: S105 - the kind of token, no secret
    expires_in: int
    scope: str


class KeySet(BaseModel):
    """RFC 7517, section 5."""

    keys: list[dict[str, str]]


def build_router(issuer: TokenIssuer, keys: KeySnapshot, clock: Clock) -> APIRouter:
    router = APIRouter(tags=["identity"])

    @router.post(
        "/oauth/token",
        summary="Get an access token",
        operation_id="issueToken",
        response_model=TokenBody,
        responses={200: answer("The token", _GRANTED), **_REFUSALS},
        openapi_extra=_REQUEST,
    )
    async def token(request: Request) -> TokenBody | Response:
        """Client credentials by HTTP Basic or in the form. Tokens last one hour: renew at half of it.

        Lấy mã truy cập bằng client_id và khóa của hệ thống; mã có hạn một giờ.
        """
        headers = request.headers
        try:
            grant = read_grant(headers.get("authorization"), headers.get("content-type"), await request.body())
            granted = await issuer.grant(grant)
        except GrantError as error:
            return _refused(request, error)
        return TokenBody(
            access_token=granted.access_token, expires_in=granted.expires_in, scope=" ".join(granted.scopes)
        )

    @router.get(
        "/.well-known/jwks.json",
        summary="The keys tokens are signed with",
        operation_id="listPublicKeys",
        response_model=KeySet,
        responses={200: answer("The key set", {"keys": [_KEY]}), **problem_responses([], PUBLIC)},
    )
    async def jwks() -> Response:
        """A key is published some time before the first token is signed with it, and until the last one has ended.

        Khóa công khai để kiểm tra mã truy cập.
        """
        body = KeySet(keys=[{name: str(part) for name, part in key.items()} for key in keys.public(clock.hub_now())])
        return JSONResponse(body.model_dump(), headers={"Cache-Control": f"public, max-age={KEYS_AGE_SECONDS}"})

    return router


def _refused(request: Request, error: GrantError) -> Response:
    """The problem, with RFC 6749's own members beside it."""
    structlog.contextvars.bind_contextvars(code=error.code, oauth_error=error.error)
    body = problem_body(error, request.state.place) | error.members
    return Response(
        orjson.dumps(body), status_code=error.problem.status, media_type=MEDIA_TYPE, headers=dict(error.headers)
    )
