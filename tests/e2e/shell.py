"""The `lienthong` command as a script runs it, against a test's hub."""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import dataclass
from typing import Any

from deploy.client.credentials import SETTINGS
from deploy.local.hub import Hub
from deploy.local.programs import COMMAND, ROOT

SECONDS = 60


@dataclass(frozen=True, slots=True)
class Done:
    code: int
    out: str
    err: str

    @property
    def answer(self) -> Any:
        assert self.code == 0, self.err
        return json.loads(self.out)


def environment(hub: Hub, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    return {**kept, "LIENTHONG_HOME": str(hub.home), "COLUMNS": "200", **more}


async def lienthong(hub: Hub, *words: str, stdin: str = "", **more: str) -> Done:
    process = await asyncio.create_subprocess_exec(
        *COMMAND, *words, cwd=ROOT, env=environment(hub, **more),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(stdin.encode()), SECONDS)
    return Done(process.returncode or 0, out.decode(), err.decode())
