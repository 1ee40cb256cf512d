"""The vault over both kinds of store: a local folder and one that is spoken to as an object store."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from contracts.problems import HubError
from services.kernel.vault import Vault

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
