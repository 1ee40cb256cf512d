"""HTTP door of the signing keys, for administrators: which there are, and rotating them before their time."""

from typing import Annotated

import orjson
from fastapi import APIRouter, Body, Request
from starlette.responses import Response

from gateway.audit.actions import Act
from gateway.audit.doors import JSON, WRITES, Acting, Administrator, IdempotencyKey
from gateway.identity import actions, forms, store
from gateway.identity.rules import signing_key
from services.kernel.app import Reading
from services.kernel.clock import Clock
from services.kernel.crypto import Keyring
from services.kernel.idempotency import Answer, json_answer
from services.kernel.openapi import answer, problem_responses

ROTATION = {"reason": "Thay khóa ký định kỳ"}


def build_router(acting: Acting, keyring: Keyring, clock: Clock) -> APIRouter:
    router = APIRouter(prefix="/v1/keys", tags=["identity"])

    @router.get(
        "",
        summary="List the signing keys",
        operation_id="listSigningKeys",
        response_model=forms.KeyPage,
        response_model_exclude_none=True,
        responses={200: answer(example={"items": [forms.KEY]}), **problem_responses([])},
    )
    async def page(_administrator: Administrator, conn: Reading) -> Response:
        """The keys tokens are signed with now or soon, or were until lately; the youngest first. Their public parts
        are at `/.well-known/jwks.json`.

        Các khóa ký mã truy cập đang dùng, sắp dùng và còn dùng để kiểm tra.
        """
        now = clock.hub_now()
        keys = await store.keys(conn, now)
        signing = signing_key(keys, now)
        items = [forms.shape_key(key, now, signing.kid if signing else None) for key in reversed(keys)]
        return Response(orjson.dumps({"items": items}), media_type=JSON)

    @router.post(
        ":rotate",
        status_code=201,
        summary="Publish a new signing key",
        operation_id="rotateSigningKey",
        response_model=forms.KeyView,
        response_model_exclude_none=True,
        responses={201: answer(example=forms.KEY), **problem_responses(["request.conflict", *WRITES])},
    )
    async def rotate(
        form: Annotated[forms.ReasonForm, Body(openapi_examples={"reason": {"value": ROTATION}})],
        request: Request,
        administrator: Administrator,
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        """The new key signs half an hour later, when every office knows it; the present one verifies until its last
        token has ended. The hub also does this by itself. 409 while a new key has not come into use.

        Thay khóa ký: khóa mới được công bố trước khi dùng nửa giờ, khóa cũ còn kiểm tra được đến hết hạn mã cuối cùng.
        """

        async def work(conn: Reading, act: Act) -> Answer:
            key = await actions.rotate_key(conn, keyring, by=act)
            return json_answer(201, forms.shape_key(key, act.at, None))

        return await acting.once(request, administrator, work, key=idempotency_key, reason=form.reason)

    return router
