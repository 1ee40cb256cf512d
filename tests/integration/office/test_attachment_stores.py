"""The vault over both kinds of store: a local folder and one that is spoken to as an object store."""

import errno
import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from contracts.problems import PROBLEMS, HubError
from services.kernel.problem_details import Place, problem_response
from services.kernel.vault import Vault

ROOT = Path(__file__).resolve().parents[3]

CONTENT = b"to khai " * 300_000
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(params=["folder", "objects"])
def vault(request: pytest.FixtureRequest, tmp_path: Path) -> Vault:
    deep = tmp_path / "tệp đính kèm" / "sâu"
    return Vault.open(deep.as_uri() if request.param == "folder" else "memory:///")


async def chunks(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), 65_536):
        yield content[start : start + 65_536]


async def read(vault: Vault, namespace: str) -> bytes:
    return b"".join([bytes(chunk) async for chunk in await vault.read(namespace, DIGEST)])


async def test_gives_back_what_was_put(vault: Vault) -> None:
    assert await vault.put("commune", DIGEST, chunks(CONTENT)) == len(CONTENT)
    assert await vault.put("commune", DIGEST, chunks(CONTENT)) == len(CONTENT)
    assert await vault.size("commune", DIGEST) == len(CONTENT)
    assert await read(vault, "commune") == CONTENT


async def test_keeps_nothing_of_other_bytes(vault: Vault) -> None:
    with pytest.raises(HubError) as caught:
        await vault.put("commune", DIGEST, chunks(CONTENT + b"x"))

    assert caught.value.code == "attachment.digest_mismatch"
    assert await vault.size("commune", DIGEST) is None


async def test_copies_between_namespaces_and_verifies(vault: Vault) -> None:
    await vault.put("province", DIGEST, chunks(CONTENT))

    assert await vault.copy_in(DIGEST, origin="province", namespace="commune") == len(CONTENT)
    assert await vault.copy_in(DIGEST, origin="province", namespace="commune") == len(CONTENT)
    assert await read(vault, "commune") == CONTENT


async def test_missing_origin_is_unavailable(vault: Vault) -> None:
    with pytest.raises(HubError) as caught:
        await vault.copy_in(DIGEST, origin="province", namespace="commune")

    assert caught.value.code == "attachment.unavailable"


async def test_missing_object_raises_before_the_answer_begins(vault: Vault) -> None:
    with pytest.raises(HubError):
        await vault.read("commune", DIGEST)


async def test_gives_a_part(vault: Vault) -> None:
    await vault.put("commune", DIGEST, chunks(CONTENT))

    part = b"".join([bytes(chunk) async for chunk in await vault.read("commune", DIGEST, (9, 2_000_000))])

    assert part == CONTENT[9:2_000_000]


@pytest.mark.parametrize(
    ("number", "code"),
    [(errno.ENOSPC, "system.disk_full"), (errno.EDQUOT, "system.disk_full"), (errno.EIO, "attachment.unavailable")],
)
async def test_store_that_fails_half_way_keeps_nothing(vault: Vault, number: int, code: str) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield CONTENT[:2_000_000]
        raise OSError(number, "no")

    with pytest.raises(HubError) as caught:
        await vault.put("commune", DIGEST, broken())

    assert caught.value.code == code
    assert int(problem_response(caught.value, Place("urn:x")).headers["Retry-After"]) > 0
    assert await vault.size("commune", DIGEST) is None
    assert await vault.put("commune", DIGEST, chunks(CONTENT)) == len(CONTENT)


async def test_aged_lists_nothing_young(vault: Vault) -> None:
    await vault.put("commune", DIGEST, chunks(CONTENT))

    assert [each async for each in vault.aged("commune")] == []
    assert await vault.discard("commune", DIGEST) is False
    assert await vault.discard("commune", "0" * 64) is False


def test_full_disk_is_told_and_leaves_nothing_half_stored(tmp_path: Path) -> None:
    command = ["unshare", "--map-root-user", "--mount"]
    if shutil.which("unshare") is None or subprocess.run([*command, "true"], capture_output=True).returncode:
        pytest.skip("no mount namespaces here")

    program = [*command, sys.executable, "-m", "tests.integration.office.full_store", str(tmp_path)]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, timeout=60)

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert (told["first"], told["known"], told["read"]) == ("100000", "100000", told["small"])
    assert (told["large"], told["copied"]) == ("system.disk_full", "system.disk_full")
    assert (told["left"], told["left_after_copy"], told["there"]) == ([], [], False)
    assert (told["copied_later"], told["put_later"]) == ("99999", "99998")
    assert (PROBLEMS["system.disk_full"].status, PROBLEMS["system.disk_full"].retryable) == (507, True)
