"""The short cuts of submissions answer as FastAPI's routes do: every request goes both ways."""

import gzip
import time
from dataclasses import dataclass, replace
from typing import Any

import orjson
import pytest
from fastapi import FastAPI

from contracts.problems import HubError
from services.kernel.app import Web, build_app
from services.kernel.auth import Authenticator
from services.kernel.idempotency import Keyed
from services.kernel.quotas import Quota, Quotas
from services.office.dossiers import api
from services.office.dossiers.actions import NewDossier
from services.office.dossiers.intake import Intake
from tests.integration.office.stage import (
    ALIAS_A,
    COMMUNE_A,
    COMMUNE_B,
    DEPARTMENT,
    DIVIDED,
    Stage,
    dossier,
    fresh_code,
)
from tests.unit.services.kernel.twins import Asked, Pairs, Seen, see

ONE, MANY = "/v1/dossiers", "/v1/dossiers:batch"
JSON = (b"content-type", b"application/json")
MAX_BODY = 20_000
PAPER = {"sha256": "0" * 64, "name": "x", "media_type": "application/pdf"}
WRONG: tuple[Any, ...] = (
    None,
    [],
    "x",
    1,
    {},
    dossier(more=1, **{"a/b~c": 2}),
    dossier(procedure=7),
    dossier(procedure="1.1", channel=4),
    dossier(channel="1"),
    dossier(channel=True),
    dossier(summary="a\0b"),
    dossier(summary="x" * 2001, note=None),
    dossier(due_at="2024-06-03"),
    dossier(due_at=1717400000),
    dossier(due_at="0999-12-31T23:00:00-02:00"),
    dossier(applicant={"kind": "citizen"}),
    dossier(applicant={"kind": "robot", "name": "", "phone": 1, "more": {}}),
    dossier(attachments=[PAPER, {**PAPER, "size": 1}, {}, 3]),
    dossier(attachments=[{}] * 101),
    dossier(code="x", deciding_organ="no organ"),
    {f"x{n}": n for n in range(60)},
)
REFUSED: tuple[tuple[dict[str, Any], str], ...] = (
    (dossier(code=fresh_code(COMMUNE_B)), "dossier.code_invalid"),
    (dossier(deciding_organ="H28.99"), "recipient.unknown"),
    (dossier(deciding_organ=DIVIDED), "recipient.undecided"),
    (dossier(attachments=[PAPER]), "attachment.missing"),
)


@dataclass(frozen=True, slots=True)
class Twins:
    """Two apps over the parts of one office, whose workers run."""

    short: FastAPI
    whole: FastAPI

    async def see(self, asked: Asked, *, keyed: bool = False) -> Seen:
        """What is seen on the short cut, which must be what is seen on the whole way; `keyed`: each with its key."""
        seen = []
        for app in (self.short, self.whole):
            key = ((b"idempotency-key", fresh_code().encode()),) if keyed else ()
            seen.append(await see(app, replace(asked, headers=(*asked.headers, *key))))
        assert seen[0] == seen[1]
        assert not seen[1].is_hot
        return seen[0]

    async def post(self, value: Any, *headers: tuple[bytes, bytes], path: str = ONE, length: bool = True) -> Seen:
        body = value if isinstance(value, bytes) else orjson.dumps(value)
        return await self.see(Asked(body, path, headers=(JSON, *headers), length=length))


def twins_of(stage: Stage, **web: Any) -> Twins:
    office = stage.office
    whole: Web = replace(stage.app.state.web, max_body_bytes=MAX_BODY, **web)
    routes = api.hot_routes(office.desk, office.dossier_parts)
    return Twins(*(build_app(whole, office.routers(), hot=hot) for hot in (routes, [])))


@pytest.fixture(scope="module")
def twins(stage: Stage) -> Twins:
    return twins_of(stage)


def token(stage: Stage, system: str = "a", **changes: Any) -> tuple[bytes, bytes]:
    return b"authorization", b"Bearer " + stage.token(system, **changes).encode()


def code_of(seen: Seen) -> str:
    return str(orjson.loads(seen.body).get("code", ""))


@pytest.mark.parametrize("keyed", [True, False])
async def test_what_is_right_is_stored_the_same(stage: Stage, twins: Twins, keyed: bool) -> None:
    paper = await stage.attach(b"short cut")
    full = dossier(
        deciding_organ=DEPARTMENT, channel=2.0, due_at="2026-07-01T00:00:00+07:00", attachments=[paper], note=None
    )
    for value in (dossier(), full):
        asked = Asked(orjson.dumps(value), ONE, headers=(JSON, token(stage)))
        seen = await twins.see(asked, keyed=keyed)
        assert (seen.status, seen.is_hot) == (201, True)
        batch = replace(asked, path=MANY, body=orjson.dumps({"items": [value, *WRONG, REFUSED[0][0]]}))
        seen = await twins.see(batch, keyed=keyed)
        assert (seen.status, seen.is_hot) == (207, True)


@pytest.mark.parametrize("value", WRONG)
async def test_wrong_forms_are_refused_the_same(stage: Stage, twins: Twins, value: Any) -> None:
    alone = await twins.post(value, token(stage))
    items = await twins.post({"items": value}, token(stage), path=MANY)

    assert (alone.status, alone.is_hot, items.is_hot) == (422, True, True)
    assert items.status == 422
    assert code_of(alone) == "request.invalid"


@pytest.mark.parametrize(("value", "code"), REFUSED)
async def test_what_the_office_refuses_is_refused_the_same(
    stage: Stage, twins: Twins, value: dict[str, Any], code: str
) -> None:
    assert code_of(await twins.post(value, token(stage))) == code


async def test_a_code_in_use_is_refused_the_same(stage: Stage, twins: Twins) -> None:
    code = fresh_code()
    await stage.submit(code=code)

    assert code_of(await twins.post(dossier(code=code), token(stage))) == "dossier.exists"


@pytest.mark.parametrize("path", [ONE, MANY])
async def test_bodies_are_judged_before_callers(stage: Stage, twins: Twins, path: str) -> None:
    for body, status in (
        (b"{", 400),
        (b"[" * 70 + b"]" * 70, 400),
        (b"x" * (MAX_BODY + 1), 413),
        (b"{}", 401),
        (b"", 401),
    ):
        for length in (True, False):
            assert (await twins.post(body, path=path, length=length)).status == status
    assert (await twins.post(b"", token(stage), path=path)).status == 422
    packed = await twins.post(gzip.compress(b"{}"), (b"content-encoding", b"gzip"), token(stage), path=path)
    assert (packed.status, packed.is_hot) == (422, True)


async def test_callers_are_judged_the_same_and_before_forms(stage: Stage, twins: Twins) -> None:
    good, bad = orjson.dumps(dossier()), b'{"procedure": 1}'
    a, two = token(stage), token(stage, "two")
    cases: list[tuple[Pairs, int, str]] = [
        ([], 401, "auth.missing"),
        ([(b"authorization", b"Basic eDp5")], 401, "auth.missing"),
        ([(b"authorization", b"Bearer")], 401, "auth.missing"),
        ([(b"authorization", b"Bearer  ")], 401, "auth.missing"),
        ([(b"authorization", b"Bearer x.y.z")], 401, "auth.invalid"),
        ([(b"authorization", b"Bearer \xe1")], 401, "auth.invalid"),
        ([(b"authorization", b"Basic eDp5"), a], 401, "auth.missing"),
        ([token(stage, exp=int(time.time()) - 3600)], 401, "auth.invalid"),
        ([token(stage, sub="nobody")], 401, "auth.invalid"),
        ([token(stage, "reader")], 403, "auth.scope"),
        ([token(stage, "a-documents")], 403, "auth.scope"),
        ([token(stage, "admin", scope="dossier:write")], 403, "auth.scope"),
        ([token(stage, "district")], 403, "organ.wrong_office"),
        ([two], 400, "organ.ambiguous"),
        ([two, (b"x-organ", b" ")], 400, "organ.ambiguous"),
        ([two, (b"x-organ", b"\xe1")], 403, "organ.forbidden"),
        ([a, (b"x-organ", COMMUNE_B.encode())], 403, "organ.forbidden"),
        ([a, (b"x-organ", COMMUNE_B.encode()), (b"x-organ", COMMUNE_A.encode())], 403, "organ.forbidden"),
    ]
    for headers, status, code in cases:
        for body in (good, bad):
            seen = await twins.post(body, *headers)
            assert (seen.status, code_of(seen), seen.is_hot) == (status, code, True), headers
    for headers in ([two, (b"x-organ", ALIAS_A.lower().encode())], [(a[0], a[1].replace(b"Bearer", b"bearer "))]):
        assert (await twins.post(good, *headers)).status == 201
        assert (await twins.post(bad, *headers)).status == 422


async def test_keys_are_judged_the_same_and_after_forms(stage: Stage, twins: Twins) -> None:
    long, name = b"x" * 201, b"idempotency-key"
    for keys in ([b""], [long], [b"\xe1"], [b"a\tb"], [long, b"x"]):
        headers = [token(stage), *((name, key) for key in keys)]
        assert code_of(await twins.post(dossier(), *headers)) == "request.malformed"
        assert code_of(await twins.post({}, *headers)) == "request.invalid"


@pytest.mark.parametrize("path", [ONE, MANY])
async def test_a_key_holds_whichever_way_it_comes(stage: Stage, twins: Twins, path: str) -> None:
    value = dossier() if path == ONE else {"items": [dossier(), {}]}
    for first, second in ((twins.short, twins.whole), (twins.whole, twins.short)):
        key = (b"idempotency-key", fresh_code().encode())
        asked = Asked(orjson.dumps(value), path, headers=(JSON, token(stage), key))
        stored = await see(first, asked)
        again = await see(second, asked)
        replayed = (b"idempotency-replayed", b"true")
        assert (again.status, again.body) == (stored.status, stored.body)
        assert [pair for pair in again.headers if pair != replayed] == stored.headers
        assert replayed in again.headers
        reused = await twins.see(replace(asked, body=asked.body + b" "))
        assert code_of(reused) == "idempotency.reused"


async def test_quotas_are_charged_the_same(stage: Stage) -> None:
    body, fresh = orjson.dumps(dossier()), twins_of(stage)
    for quota in (Quota(1), Quota(None, len(body)), Quota(1, 1)):
        for length in (True, False):
            for app in (fresh.short, fresh.whole):  # the clock of each stands still
                app.state.authenticator = authenticator_of(stage, quotas=Quotas(quota, lambda: 0.0))
            seen = [await fresh.post(body, token(stage), length=length) for _ in range(4)]
            assert code_of(seen[-1]) == "quota.exceeded"


async def test_who_knows_no_callers_yet_says_so(stage: Stage) -> None:
    unready = twins_of(stage, state={"authenticator": authenticator_of(stage, ready=lambda: False)})

    assert code_of(await unready.post(b"{}", token(stage))) == "system.not_ready"


def authenticator_of(stage: Stage, **changes: Any) -> Authenticator:
    office = stage.office
    issuer = stage.settings.gateway_url
    return Authenticator(
        keys=office.registry.key, systems=office.registry.system, clock=office.clock, issuer=issuer, **changes
    )


class Broken(Intake):
    """An intake whose worker has ended, or that fails as nobody expected."""

    error: Exception

    async def submit(self, new: NewDossier, keyed: Keyed | None) -> Any:
        raise self.error


@pytest.mark.parametrize("error", [HubError("system.stopping"), HubError("system.overloaded", "x"), RuntimeError("x")])
async def test_failures_are_told_the_same(stage: Stage, error: Exception) -> None:
    office = stage.office
    intake = Broken(office.dossiers, office.idempotency, office.database)
    intake.error = error
    parts = replace(office.dossier_parts, intake=intake)
    router, routes = api.build_router(office.desk, parts), api.hot_routes(office.desk, parts)
    web: Web = stage.app.state.web
    broken = Twins(build_app(web, [router], hot=routes), build_app(web, [router]))

    seen = await broken.post(dossier(), token(stage))

    assert (seen.status, seen.is_hot) == (500 if isinstance(error, RuntimeError) else 503, True)
