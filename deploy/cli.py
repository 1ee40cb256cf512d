"""The `lienthong` command: programs and preparation here, what people at an office do in `deploy.commands`.

A word imports its own module only, so that programs start without what the other words need.
"""

import asyncio
import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from io import TextIOWrapper
from typing import Annotated, Any, cast

import typer
from typer.core import TyperGroup

# A word starts one module; the others are not even imported, so each program stays small.
MODULES = {
    "up": "deploy.local.up",
    "axis": "deploy.local.axis",
    "gateway": "gateway.main",
    "province": "services.province.main",
    "district": "services.district.main",
    "commune": "services.commune.main",
    "migrate": "deploy.migrating",
    "topics": "deploy.topics",
    "seed": "deploy.seeding",
}
HELP = {
    "up": "Chạy toàn bộ trên một máy · everything on one machine, until Ctrl-C.",
    "axis": "Trục quốc gia giả lập, chỉ trên máy này · the national-axis stand-in, local only.",
    "gateway": "Cổng liên thông · the gateway.",
    "province": "Dịch vụ cấp tỉnh · the province service.",
    "district": "Dịch vụ cấp huyện · the district service.",
    "commune": "Dịch vụ cấp xã · the commune service.",
    "migrate": "Nâng cấp bốn cơ sở dữ liệu · migrate the four databases.",
    "topics": "Tạo các topic Kafka · make the topics of contracts/topics.",
    "seed": "Nạp danh mục cơ quan và hệ thống mẫu · load organs and the local systems.",
}
COMMANDS = ("dossier", "document", "inbox", "transfer", "system", "organ", "audit", "ops")
"""Words that call the hub; each is the `app` of `deploy.commands.<word>`."""

UsageError = cast(type[Exception], typer.BadParameter.__base__)
MISUSES = {
    "NoSuchOption": "không có tùy chọn này",
    "MissingParameter": "thiếu tham số",
    "BadParameter": "giá trị không hợp lệ",
}
"""What is wrong with a line, by the name of the exception."""


class Words(TyperGroup):
    """Finds the words of `COMMANDS` when they are asked for; tells mistakes in both languages."""

    def make_context(self, *args: Any, **more: Any) -> Any:
        with _in_both_languages():
            return super().make_context(*args, **more)

    def invoke(self, ctx: Any) -> Any:
        with _in_both_languages():
            return super().invoke(ctx)

    def list_commands(self, ctx: Any) -> list[str]:
        return [*super().list_commands(ctx), *COMMANDS]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return super().get_command(ctx, cmd_name)
        found = typer.main.get_command(importlib.import_module(f"deploy.commands.{cmd_name}").app)
        found.name = cmd_name
        return found


@contextmanager
def _in_both_languages() -> Iterator[None]:
    try:
        yield
    except UsageError as error:
        told: Any = error
        english = told.format_message()
        vietnamese = MISUSES.get(type(error).__name__, "dòng lệnh chưa đúng")
        told.format_message = lambda: f"{vietnamese} · {english}"
        raise


app = typer.Typer(
    name="lienthong",
    cls=Words,
    help="Liên Thông: trục liên thông hồ sơ và văn bản · an interoperability hub for dossiers and documents.",
    epilog="Ví dụ · Example: lienthong dossier list --as commune-a",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _tell_version(asked: bool) -> None:
    if asked:
        typer.echo(f"lienthong {version('lienthong')}")
        raise typer.Exit


@app.callback()
def options(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_tell_version, is_eager=True, help="phiên bản · the version"),
    ] = False,
) -> None:
    """Before the word."""


def _start(word: str, role: str | None = None) -> None:
    code = importlib.import_module(MODULES[word]).main(*([role] if role else []))
    raise typer.Exit(code or 0)


def _add_words() -> None:
    for word in MODULES:
        if word in ("gateway", "province", "district", "commune"):
            app.command(word, help=HELP[word])(_program(word))
        else:
            app.command(word, help=HELP[word])(_plain(word))


def _program(word: str) -> Any:
    def start(role: Annotated[str, typer.Option(help="api | worker | all")] = "all") -> None:
        _start(word, role)

    return start


def _plain(word: str) -> Any:
    def start() -> None:
        _start(word)

    return start


_add_words()


@app.command()
def smoke(show: Annotated[bool, typer.Option(help="hiện từng bước · show each step")] = True) -> None:
    """Chạy các câu chuyện mẫu với mã mới · the sample traffic with fresh codes; exit 0 or 1."""
    settings = importlib.import_module("services.kernel.settings").Settings
    try:
        home = settings.load("cli").home
    except ValueError as error:
        typer.echo(f"lienthong: thiết lập LIENTHONG_* không hợp lệ · a setting is not valid: {error}", err=True)
        raise typer.Exit(1) from None
    raise typer.Exit(asyncio.run(importlib.import_module("deploy.smoke").run(home, show=show)))


@app.command()
def migration(name: str) -> None:
    """Thêm một bước di trú cho cổng và cho các dịch vụ · a migration for whichever tables differ from the models."""
    raise typer.Exit(importlib.import_module("deploy.migrating").revise(name))


def main() -> None:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # an ASCII terminal is shown what it can show
            stream.reconfigure(errors="replace")
    app()


if __name__ == "__main__":
    main()
