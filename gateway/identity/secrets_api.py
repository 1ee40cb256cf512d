"""HTTP door of the systems' secrets: two are good at a time, so that a system changes over without a pause."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from gateway.audit.actions import Act
from gateway.audit.doors import KEYED, Acting, Administrator, AskedReason, IdempotencyKey
from gateway.identity import actions, forms
from gateway.identity.secrets import hash_secret, make_secret
from services.kernel.app import Reading
from services.kernel.idempotency import Answer, json_answer
from services.kernel.openapi import answer, link, problem_responses

SecretId = Annotated[
    str,
    Path(
        max_length=64,
        description="The secret's id, not the secret · mã khóa",
        examples=["018fdc3a-7c3e-7b1a-9d2e-3f4a5b6c7d8e"],
    ),
]


def add_secret_routes(router: APIRouter, acting: Acting) -> None:
    """To the router of the systems."""
    _add_secret(router, acting)
    _add_removal(router, acting)


def _add_secret(router: APIRouter, acting: Acting) -> None:
    @router.post(
        "/{client_id}/secrets",
        status_code=201,
        summary="Give a system a new secret",
        operation_id="addSystemSecret",
        response_model=forms.NewSecretView,
        responses={
            201: answer(
                "The new secret, shown this once",
                {**forms.SECRET, "client_secret": forms.CLIENT_SECRET},
                links={
                    "show": link("showSystem", "The system with its secrets", client_id="$request.path.client_id"),
                    "remove": link(
                        "removeSystemSecret", "Take it away again", client_id="$request.path.client_id", id="id"
                    ),
                },
            ),
            **problem_responses(["request.not_found", *KEYED]),
        },
    )
    async def add(
        client_id: forms.ClientId,
        request: Request,
        administrator: Administrator,
        reason: AskedReason = "",
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        """Beside the present one, so that the system can change over without a pause; of three the oldest is gone. The
        answer alone shows it.

        Cấp thêm khóa; hai khóa dùng được cùng lúc, khóa thứ ba cũ nhất bị bỏ.
        """
        secret = make_secret()
        hashed = await asyncio.to_thread(hash_secret, secret)

        async def work(conn: Reading, act: Act) -> Answer:
            made = await actions.add_secret(conn, client_id, hashed, by=act)
            return json_answer(201, {**forms.shape_secret(made), "client_secret": secret}, forms.NO_STORE)

        return await acting.once(request, administrator, work, key=idempotency_key, reason=reason)


def _add_removal(router: APIRouter, acting: Acting) -> None:
    @router.delete(
        "/{client_id}/secrets/{id}",
        status_code=204,
        summary="Take a secret away",
        operation_id="removeSystemSecret",
        responses=problem_responses(["request.not_found", "request.conflict"]),
    )
    async def remove(
        client_id: forms.ClientId,
        id: SecretId,
        request: Request,
        administrator: Administrator,
        reason: AskedReason = "",
    ) -> Response:
        """No token is given for it any more; tokens it gave before run to their end, within the hour: suspend the
        system to end those too. The last secret of the last administrator stays.

        Thu hồi một khóa; mã truy cập đã cấp còn hiệu lực đến hết hạn.
        """

        async def work(conn: Reading, act: Act) -> Answer:
            await actions.remove_secret(conn, client_id, id, by=act)
            return Answer(204, b"")

        return await acting.once(request, administrator, work, key=None, reason=reason)
