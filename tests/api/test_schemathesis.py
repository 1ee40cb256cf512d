"""An independent judge: Schemathesis reads each document from the running program, and tries what it allows and
forbids, step by step along its links."""

from __future__ import annotations

import asyncio
import secrets
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from deploy.local.kafka import Kafka
from deploy.local.ports import free_port
from gateway.main import Gateway
from services.kernel.settings import DEFAULT_PORTS, Settings
from tests.api.conftest import Make
from tests.api.gateway import SECRET, seed
from tests.api.program import Live, gateway_program, office_program
from tests.integration.office.stage import HUB, dossier

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "missing_required_header",
)
"""Not `unsupported_method`: `PATCH …/x:suspend` is `PATCH …/{client_id}` with a wrong id, which is what it is told."""
SHORT = ("--max-examples", "2", "--phases", "examples,fuzzing,stateful", "--max-time", "15")
LONG = ("--max-examples", "60", "--phases", "examples,coverage,fuzzing,stateful", "--max-time", "240")
GIVEN = """
[[operations]]
include-operation-id = "readInbox"
parameters = { wait = 0 }

[[operations]]
include-operation-id = ["actOnDossier", "transferDossier"]
parameters = { code = "CODE" }
"""
"""What is not left to chance: no long poll, and a dossier that exists."""
CONFIGURATION = "schemathesis.toml"
Judged = tuple[Live, str, Path]
"""The program, a token that lasts, and a folder to work in."""


@pytest.fixture(scope="module")
async def live_office(
    make_migrated: Make, kafka: Kafka, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Judged]:
    home = tmp_path_factory.mktemp("schemathesis-office")
    async with office_program(await make_migrated("commune"), kafka.bootstrap, home) as program:
        posted = await program.http.post("/v1/dossiers", json=dossier(), headers=program.headers())
        assert posted.status_code == 201
        (home / CONFIGURATION).write_text(GIVEN.replace("CODE", posted.json()["code"]))
        yield program, program.headers()["Authorization"], home


@pytest.fixture(scope="module")
async def live_gateway(
    make_migrated: Make, kafka: Kafka, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Judged]:
    port = free_port()
    settings = Settings(
        program="gateway",
        home=tmp_path_factory.mktemp("schemathesis-gateway"),
        hub=HUB,
        local=True,
        port=port,
        ports={**DEFAULT_PORTS, "gateway": port},
        database_url=SecretStr(await make_migrated("gateway")),
        kafka_bootstrap=kafka.bootstrap,
        topic_prefix=f"s{secrets.token_hex(3)}.",
        retry_scale=1000.0,
    )
    gateway = Gateway(settings)
    await seed(gateway)
    await gateway.close()
    async with gateway_program(settings) as program:
        granted = await program.http.post(
            "/oauth/token", data={"grant_type": "client_credentials"}, auth=("everything", SECRET)
        )
        yield program, f"Bearer {granted.json()['access_token']}", settings.home


async def test_the_office_a_little(live_office: Judged) -> None:
    await judge(*live_office, SHORT)


async def test_the_gateway_a_little(live_gateway: Judged) -> None:
    await judge(*live_gateway, SHORT)


@pytest.mark.more
@pytest.mark.timeout(1500)
async def test_the_office_at_length(live_office: Judged) -> None:
    await judge(*live_office, LONG)


@pytest.mark.more
@pytest.mark.timeout(1500)
async def test_the_gateway_at_length(live_gateway: Judged) -> None:
    await judge(*live_gateway, LONG)


async def judge(program: Live, authorization: str, folder: Path, options: tuple[str, ...]) -> None:
    """No complaint, no error in the log, and the program still there."""
    url = f"http://127.0.0.1:{program.port}"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "schemathesis.cli", "run", f"{url}/openapi.json",
        "--url", url, "--header", f"Authorization: {authorization}", "--checks", ",".join(CHECKS),
        "--seed", "20240603", "--generation-database", "none", "--no-color", "--request-timeout", "30",
        "--continue-on-failure", "--warnings", "off", *options,
        stdout=PIPE, stderr=STDOUT, cwd=folder,
    )  # fmt: skip
    out, _ = await process.communicate()
    text = out.decode(errors="replace")
    print(text[-3000:])
    assert process.returncode == 0, text[:20_000]
    assert program.alive
    assert not program.errors()
