"""How a command acts as a system: the options all share, whose credentials, errors as sentences and exit codes."""

import asyncio
import inspect
import json
import logging
import os
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Any, Concatenate, ParamSpec

import typer

from deploy.client.credentials import CLIENT_ID, BadSettings, Credentials, read_credentials
from deploy.client.hub import Hub
from deploy.client.problems import ClientError, HubProblem, TimedOut, Unavailable, Unreachable
from deploy.client.retry import Retry
from deploy.commands.tables import Renderable, plain, show

REFUSED, USAGE, UNREACHABLE, TIMED_OUT, INTERRUPTED = 1, 2, 3, 4, 130
AGENCY, OPERATOR, ADMINISTRATOR = "commune-a", "operator", "administrator"
TIMEOUT_SECONDS = 20.0
PATIENCE_SECONDS = 2.0

P = ParamSpec("P")


def local_systems() -> dict[str, Credentials]:
    """Of the hub whose home is `LIENTHONG_HOME`; empty when there is none."""
    try:
        return read_credentials(home())
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def home() -> Path:
    return Path(os.environ.get("LIENTHONG_HOME") or ".lienthong")


def _names(incomplete: str) -> list[str]:
    return [name for name in local_systems() if name.startswith(incomplete)]


System = Annotated[
    str | None,
    typer.Option(
        "--as",
        autocompletion=_names,
        help="hệ thống mẫu trên máy này; không có thì dùng LIENTHONG_CLIENT_ID…, không có nữa thì hệ thống mẫu mặc "
        f"định · a local system; else LIENTHONG_CLIENT_ID… of the environment; else the local default: {AGENCY}, for "
        f"operators {OPERATOR}, for administrators {ADMINISTRATOR}",
    ),
]
Organ = Annotated[str | None, typer.Option("--organ", help="cơ quan mà hệ thống đại diện · the organ acted for")]
Json = Annotated[bool, typer.Option("--json", help="nguyên văn câu trả lời · the exact answer")]
Timeout = Annotated[
    float | None,
    typer.Option("--timeout", min=0, help=f"giây thử lại · seconds to go on trying ({TIMEOUT_SECONDS:.0f})"),
]


@dataclass(frozen=True, slots=True)
class Options:
    """What stands before or behind the command's own word; behind wins."""

    system: str | None = None
    organ: str | None = None
    as_json: bool = False
    timeout: float | None = None

    def over(self, other: "Options") -> "Options":
        """These, and for what they leave open the other's."""
        mine = {each.name: getattr(self, each.name) for each in fields(self)}
        given = {name: value for name, value in mine.items() if value is not None and value is not False}
        return replace(other, **given)


def _options(system: System = None, organ: Organ = None, as_json: Json = False, timeout: Timeout = None) -> None:
    """The parameters of every command, as typer reads them."""


@dataclass(frozen=True, slots=True)
class Session:
    """What a command works with."""

    hub: Hub
    as_json: bool

    def tell(self, answer: Any, view: Callable[[Any], Renderable]) -> None:
        """The answer for a person, or as it came."""
        if self.as_json:
            typer.echo(_written(answer))
        else:
            show(view(answer))


class _StillTrying(logging.Handler):
    """Says once that the hub does not answer, when it has not for a while."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._since = time.monotonic()
        self._told = False

    def emit(self, record: logging.LogRecord) -> None:
        if not self._told and time.monotonic() - self._since >= PATIENCE_SECONDS:
            self._told = True
            complain(
                f"chưa được, vẫn đang thử lại (Ctrl-C để dừng) · still trying (Ctrl-C stops): {record.getMessage()}"
            )


@contextmanager
def _patiently(*, silent: bool) -> Iterator[None]:
    """Whoever waits is told that repeats go on; a script that reads JSON is not."""
    log, handler = logging.getLogger("lienthong.client"), _StillTrying()
    level = log.level
    if not silent:
        log.addHandler(handler)
        log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.setLevel(level)


class Failed(Exception):
    """The command did what it could, told of it, and that was not all."""


def connect(credentials: Credentials, options: Options) -> Hub:
    seconds = TIMEOUT_SECONDS if options.timeout is None else options.timeout
    return Hub(credentials, organ=options.organ or "", retry=Retry(deadline_seconds=seconds))


def choose(name: str | None, default: str, environment: Mapping[str, str]) -> Credentials:
    """The local system named, the one of the environment, or the local default; raises `typer.BadParameter`."""
    if not name and environment.get(CLIENT_ID):
        try:
            return Credentials.from_environment(environment)
        except BadSettings as error:
            raise typer.BadParameter(str(error)) from None
    systems = local_systems()
    if not systems:
        raise typer.BadParameter(
            f"chưa có {home() / 'credentials.json'}; hãy chạy `make run` trước, hoặc đặt {CLIENT_ID}… · there is none"
            f" yet: `make run` first, or set {CLIENT_ID}…"
        )
    if (name or default) not in systems:
        known = ", ".join(systems)
        raise typer.BadParameter(f"không có hệ thống “{name or default}” · no such system; one of: {known}")
    return systems[name or default]


def group(app: typer.Typer) -> None:
    """Lets the shared options stand behind the group's word too."""

    def given(ctx: typer.Context, **options: Any) -> None:
        ctx.obj = Options(**options).over(ctx.obj or Options())

    app.callback()(_with_signature(given, []))


def command(
    app: typer.Typer, name: str, *, example: str, default: str = AGENCY
) -> Callable[[Callable[Concatenate[Session, P], Awaitable[None]]], Callable[Concatenate[Session, P], Awaitable[None]]]:
    """Makes an async function a command: its own parameters and the shared ones, run as the chosen system.

    An own parameter of a shared one's name stands in its place.
    """

    def register(
        body: Callable[Concatenate[Session, P], Awaitable[None]],
    ) -> Callable[Concatenate[Session, P], Awaitable[None]]:
        own = list(inspect.signature(body, eval_str=True).parameters.values())[1:]

        def run(ctx: typer.Context, **given: Any) -> None:
            options = _options_among(given, {parameter.name for parameter in own}, ctx.obj or Options())
            credentials = choose(options.system, default, os.environ)
            if not (options.system or options.as_json or os.environ.get(CLIENT_ID)):
                complain(
                    f"dùng hệ thống mẫu {credentials.name}, chọn bằng --as · acting as the local {credentials.name}"
                )
            raise typer.Exit(_run(credentials, options, lambda session: body(session, **given)))  # type: ignore[call-arg]

        app.command(name, help=body.__doc__, epilog=f"Ví dụ · Example: lienthong {example}")(_with_signature(run, own))
        return body

    return register


def _options_among(given: dict[str, Any], own: set[str], before: Options) -> Options:
    """Takes the shared ones out of what was given; an own one of the same name may have stood before the word too."""
    shared = {each.name for each in fields(Options)}
    for name in shared & own:
        given[name] = getattr(before, name) if given[name] is None else given[name]
    return Options(**{name: given.pop(name) for name in shared - own}).over(before)


def _with_signature(run: Callable[..., None], own: list[inspect.Parameter]) -> Callable[..., None]:
    """Shows typer the context, these parameters and the shared ones."""
    context = next(iter(inspect.signature(run).parameters.values()))
    names = {parameter.name for parameter in own}
    shared = [each for each in inspect.signature(_options).parameters.values() if each.name not in names]
    rest = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in (*own, *shared)]
    run.__signature__ = inspect.Signature([context, *rest])  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in (context, *rest)}
    return run


def _run(credentials: Credentials, options: Options, act: Callable[[Session], Awaitable[None]]) -> int:
    """The exit code: 0 done, 1 refused, 3 nobody answers, 4 not in time."""

    async def acting() -> None:
        async with connect(credentials, options) as hub:
            await act(Session(hub, options.as_json))

    try:
        with _patiently(silent=options.as_json):
            asyncio.run(acting())
    except HubProblem as problem:
        _tell_problem(problem, as_json=options.as_json)
        return UNREACHABLE if isinstance(problem, Unavailable) and not problem.code else REFUSED
    except (ClientError, Failed) as error:
        complain(str(error))
        return {Unreachable: UNREACHABLE, TimedOut: TIMED_OUT}.get(type(error), REFUSED)
    except BrokenPipeError:
        _leave_pipe()
    except OSError as error:
        complain(f"{error.filename or ''}: {error.strerror or error}".lstrip(": "))
        return USAGE
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


def _written(answer: Any) -> str:
    """JSON whose letters the output can take, or their escapes."""
    text = json.dumps(answer, ensure_ascii=False, indent=2)
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return json.dumps(answer, indent=2)
    return text


def _leave_pipe() -> None:
    """Whoever read our output has enough: nothing more is written to it, not even at exit."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _tell_problem(problem: HubProblem, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(problem.members, ensure_ascii=False), err=True)
        return
    complain(f"{problem.status} {problem.code}: {problem.detail or problem.title}")
    lines = [f"  {place}" for place in problem.places]
    lines += [f"  hợp đồng · contract: {problem.contract}"] if problem.contract else []
    lines += [f"  → {problem.url}"] if problem.url else []
    lines += [f"  {problem.remedy.vi} · {problem.remedy.en}"] if problem.remedy.vi or problem.remedy.en else []
    for line in lines:
        typer.echo(plain(line), err=True)


def complain(sentence: str) -> None:
    """Beside the answer, on stderr."""
    if sentence:
        typer.echo(f"lienthong: {plain(sentence)}", err=True)
