"""What commands are given: files or standard input as JSON or bytes, and files to attach."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from deploy.client.answers import AttachmentRef
from deploy.client.hub import Hub

STDIN = Path("-")

File = Annotated[
    Path,
    typer.Argument(metavar="FILE", help="tệp; - là đầu vào chuẩn · a file; - is standard input"),
]
Attached = Annotated[
    list[Path] | None,
    typer.Option("--attach", exists=True, dir_okay=False, metavar="PATH", help="tệp đính kèm · a file; repeatable"),
]


def read(file: Path) -> bytes:
    """Raises `OSError` when it cannot be read."""
    return sys.stdin.buffer.read() if file == STDIN else file.read_bytes()


def parse(data: bytes, file: Path) -> Any:
    """JSON; a usage error that names the place when it is none."""
    try:
        return json.loads(data)
    except ValueError as error:
        raise typer.BadParameter(f"{file}: không phải JSON · not JSON: {error}") from None


def parse_object(data: bytes, file: Path) -> dict[str, Any]:
    body = parse(data, file)
    if not isinstance(body, dict):
        raise typer.BadParameter(f"{file}: cần một đối tượng JSON · a JSON object is needed")
    return body


def parse_many(data: bytes, file: Path) -> list[Any]:
    """A list, `{"items": […]}`, or one object a line."""
    try:
        body = json.loads(data)
    except ValueError:
        return [parse(line, file) for line in data.splitlines() if line.strip()]
    items = body.get("items", [body]) if isinstance(body, dict) else body
    if not isinstance(items, list):
        raise typer.BadParameter(f"{file}: cần một danh sách JSON · a JSON list is needed")
    return items


async def upload(hub: Hub, paths: Sequence[Path] | None) -> list[AttachmentRef]:
    """The files, stored at the office; the references in the same order."""
    return [await hub.attachments.upload(path) for path in paths or ()]


async def with_attachments(hub: Hub, body: dict[str, Any], paths: Sequence[Path] | None) -> dict[str, Any]:
    """The body with these files behind those it names already."""
    if not paths:
        return body
    present = body.get("attachments", [])
    if not isinstance(present, list):
        raise typer.BadParameter("attachments: cần một danh sách · a list is needed")
    return {**body, "attachments": [*present, *await upload(hub, paths)]}
