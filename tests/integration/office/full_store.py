"""Run in a mount namespace of its own: a store of one megabyte that fills up and is emptied again."""

import asyncio
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from contracts.problems import HubError
from services.kernel.vault import Vault

SMALL, LARGE = os.urandom(100_000), os.urandom(3_000_000)


async def once(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), 65_536):
        yield content[start : start + 65_536]


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


async def outcome(work: Any) -> str:
    try:
        return str(await work)
    except HubError as error:
        return error.code


async def main(folder: Path) -> dict[str, Any]:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(folder)], check=True)  # noqa: ASYNC221
    vault = Vault.open(folder.as_uri())
    (folder / "province").mkdir()
    told: dict[str, Any] = {"first": await outcome(vault.put("commune", digest(SMALL), once(SMALL)))}
    told["large"] = await outcome(vault.put("commune", digest(LARGE), once(LARGE)))
    told["left"] = sorted(path.name for path in (folder / "commune" / ".incoming").iterdir())
    told["there"] = (folder / "commune" / digest(LARGE)).exists()

    filler = folder / "filler"
    origin = folder / "province" / digest(SMALL[1:])
    origin.write_bytes(SMALL[1:])
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(b"x" * 4096):
                pass
        except OSError:
            pass
    told["copied"] = await outcome(vault.copy_in(digest(SMALL[1:]), origin="province", namespace="commune"))
    told["known"] = await outcome(vault.put("commune", digest(SMALL), once(SMALL)))
    told["read"] = digest(b"".join([bytes(each) async for each in await vault.read("commune", digest(SMALL))]))
    told["left_after_copy"] = sorted(path.name for path in (folder / "commune" / ".incoming").iterdir())

    filler.unlink()
    told["copied_later"] = await outcome(vault.copy_in(digest(SMALL[1:]), origin="province", namespace="commune"))
    told["put_later"] = await outcome(vault.put("commune", digest(SMALL[2:]), once(SMALL[2:])))
    told["small"] = digest(SMALL)
    return told


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(Path(sys.argv[1])))))
