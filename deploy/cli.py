"""The `lienthong` command: programs, preparation, and what a person at an office needs from a shell."""

import asyncio
import importlib
import json
from pathlib import Path
from typing import Annotated, Any, NoReturn

import httpx
import typer

from deploy import smoke as smoke_stories
from deploy.agency import Agency, Unexpected, read_credentials
from services.kernel.settings import Settings

app = typer.Typer(
    name="lienthong",
    help="Liên Thông: trục liên thông hồ sơ và văn bản · an interoperability hub for dossiers and documents.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
dossiers = typer.Typer(help="Hồ sơ · dossiers.", no_args_is_help=True)
documents = typer.Typer(help="Văn bản · documents.", no_args_is_help=True)
transfers = typer.Typer(help="Hành trình của một gói tin · transfers.", no_args_is_help=True)
app.add_typer(dossiers, name="dossier")
app.add_typer(documents, name="document")
app.add_typer(transfers, name="transfer")

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

System = Annotated[str, typer.Option("--as", help="tên hệ thống trong credentials.json · name of the local system")]


@app.command()
def smoke(show: Annotated[bool, typer.Option(help="hiện từng bước · show each step")] = True) -> None:
    """Chạy các câu chuyện mẫu với mã mới · the sample traffic with fresh codes; exit 0 or 1."""
    raise typer.Exit(asyncio.run(smoke_stories.run(_home(), show=show)))


@dossiers.command("submit")
def submit(file: Path, system: System = "commune-a") -> None:
    """Nộp hồ sơ từ tệp JSON · post a dossier from a JSON file (the body of POST /v1/dossiers)."""
    _call(system, lambda agency: agency.post("/v1/dossiers", json.loads(file.read_text(encoding="utf-8"))))


@documents.command("send")
def send(file: Path, system: System = "commune-a") -> None:
    """Gửi văn bản từ tệp JSON hoặc edXML · send a document from a JSON or edXML file."""
    if file.suffix == ".json":
        _call(system, lambda agency: agency.post("/v1/documents", json.loads(file.read_text(encoding="utf-8"))))
    else:
        _call(system, lambda agency: agency.post_edxml(file.read_bytes()))


@app.command()
def migration(name: str) -> None:
    """Thêm một bước di trú cho cổng và cho các dịch vụ · a migration for whichever tables differ from the models."""
    raise typer.Exit(importlib.import_module("deploy.migrating").revise(name))


@app.command()
def inbox(system: System = "commune-a", kind: str = "", limit: int = 20) -> None:
    """Hộp đến chưa xác nhận · unacknowledged inbox items, oldest first."""
    query = {"limit": str(limit), "wait": "0"} | ({"kind": kind} if kind else {})
    _call(system, lambda agency: agency.get("/v1/inbox", params=query))


@transfers.command("show")
def show(id_: Annotated[str, typer.Argument(metavar="ID")], system: System = "commune-a") -> None:
    """Một gói tin đã đi tới đâu · where one transfer is, per recipient."""
    _call(system, lambda agency: agency.get(f"/v1/transfers/{id_}"))


def _call(system: str, act: Any) -> None:
    """Runs one call as a local system and prints the answer; one sentence and exit 1 when it does not work."""
    home = _home()
    try:
        systems = read_credentials(home)
    except OSError:
        _fail(f"chưa có {home / 'credentials.json'}; hãy chạy `make run` trước · there is none yet; `make run` first")
    if system not in systems:
        _fail(f"không có hệ thống “{system}” · there is no such system; one of: {', '.join(systems)}")

    async def run() -> Any:
        async with httpx.AsyncClient(timeout=40.0, trust_env=False) as http:
            return await act(Agency(systems[system], http))

    try:
        answer = asyncio.run(run())
    except httpx.TransportError:
        _fail(f"{systems[system].office_url} không trả lời; hub đang chạy không? · no answer; is the hub running?")
    except (Unexpected, httpx.HTTPError, OSError, ValueError) as error:
        _fail(str(error))
    typer.echo(json.dumps(answer, ensure_ascii=False, indent=2))


def _home() -> Path:
    try:
        return Settings.load("cli").home
    except ValueError as error:
        _fail(f"thiết lập LIENTHONG_* không hợp lệ · a setting is not valid: {error}")


def _fail(sentence: str) -> NoReturn:
    typer.echo(f"lienthong: {sentence}", err=True)
    raise typer.Exit(1)


def main() -> None:
    app()


if __name__ == "__main__":
    main()
