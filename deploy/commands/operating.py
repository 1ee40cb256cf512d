"""What the acts of operators share: a reason, many ids at once, consent to what cannot be undone, a line for each."""

import json
import re
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from itertools import islice
from typing import Annotated, Any

import typer

from contracts.problems import PROBLEMS
from deploy.client.operations import ACTS_PER_SECOND, Result
from deploy.client.problems import ClientError
from deploy.commands.acting import Failed, Session, complain
from deploy.commands.tables import Renderable, plain, show

LEAST_REASON, MOST_REASON = 3, 500
MOST_IDS = 1000
STDIN = "-"
SECONDS = {"": 1, "s": 1, "m": 60, "h": 3_600, "d": 86_400}

_DURATION = re.compile(r"([0-9]{1,9})([smhd]?)")

Act = Callable[[str], Awaitable[Mapping[str, Any]]]
Words = Callable[[Mapping[str, Any]], str]


def _reason(given: str | None) -> str | None:
    """Told here as the hub would tell it, before anybody is called."""
    if given is None:  # a shell completes the line
        return None
    if len(given) < LEAST_REASON:
        raise _not_valid(f"String should have at least {LEAST_REASON} characters")
    if len(given) > MOST_REASON:
        raise _not_valid(f"String should have at most {MOST_REASON} characters")
    return given


def _not_valid(what: str) -> typer.BadParameter:
    remedy = PROBLEMS["request.invalid"].remedy
    return typer.BadParameter(f"/reason: {what}. {remedy['vi']} · {remedy['en']}")


def _duration(text: str) -> int:
    found = _DURATION.fullmatch(text.strip())
    if not found:
        raise typer.BadParameter(f"“{text}”: 90s, 10m, 2h, 1d")
    return int(found[1]) * SECONDS[found[2]]


Reason = Annotated[
    str,
    typer.Option(
        "--reason",
        callback=_reason,
        help=f"lý do, {LEAST_REASON}–{MOST_REASON} ký tự, ghi vào nhật ký · why, for the audit",
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="chỉ cho biết sẽ làm gì · tell what would happen, do nothing")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="không hỏi lại, cho kịch bản · do not ask, for scripts")]
Rate = Annotated[
    float, typer.Option("--rate", min=0.1, max=1000, help="nhiều nhất mỗi giây · at most so many in a second")
]
OlderThan = Annotated[
    int | None,
    typer.Option(
        "--older-than",
        parser=_duration,
        metavar="DURATION",
        help="từ bao lâu: 90s, 10m, 2h, 1d; không nêu thì 10m · for how long; 10m when left out",
    ),
]


def ids_of(given: Sequence[str]) -> list[str]:
    """The ids, each once; for `-` those on standard input, one a line."""
    found = [each for id_ in given for each in (_lines() if id_ == STDIN else [id_])]
    if not found:
        raise typer.BadParameter("không có mã nào · no id was given")
    if len(found) > MOST_IDS:
        raise typer.BadParameter(f"nhiều nhất {MOST_IDS} mã mỗi lần · at most {MOST_IDS} ids at once")
    return list(dict.fromkeys(found))


def _lines() -> Iterable[str]:
    """Of what is endless only so many that it is too much; the quotes that `jq` leaves without -r are taken off."""
    stripped = (line.strip().strip('"') for line in sys.stdin)
    return islice((line for line in stripped if line), MOST_IDS + 1)


def must_be_asked(ids: Sequence[str], *, yes: bool) -> bool:
    """Whether a person has to agree; refuses where nobody can be asked."""
    if yes:
        return False
    if STDIN in ids or not is_terminal():
        raise typer.BadParameter("không có ai để hỏi; thêm --yes · nobody can be asked here; add --yes")
    return True


def is_terminal() -> bool:
    """Whether somebody sees a question and can answer it."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask(plan: Renderable, question: str) -> None:
    """Shows what would happen and goes on when a person agrees."""
    show(plan, beside=True)
    try:
        agreed = typer.confirm(question, err=True)
    except typer.Abort:
        agreed = False
    if not agreed:
        raise Failed("không làm gì · nothing was done")


async def tell_each(
    session: Session,
    ids: Sequence[str],
    act: Act,
    words: Words,
    *,
    per_second: float = ACTS_PER_SECOND,
    settled: Sequence[Result] = (),
) -> None:
    """Acts upon each and tells of it in a line of its own, after those `settled` before; `Failed` at the end when any
    was refused."""
    everything, done, refused = len(ids) + len(settled), 0, 0

    def tell(result: Result) -> None:
        nonlocal done, refused
        typer.echo(_line(result, words, as_json=session.as_json))
        done += 1
        refused += result.problem is not None

    for result in settled:
        tell(result)
    try:
        async with aclosing(session.hub.operations.each(ids, act, per_second=per_second)) as results:
            async for result in results:
                tell(result)
    except ClientError:
        if everything > 1:
            complain(f"dừng sau {done}/{everything} · stopped after {done} of {everything}")
        raise
    if refused:
        raise Failed(f"{refused}/{everything} bị từ chối · refused")


def _line(result: Result, words: Words, *, as_json: bool) -> str:
    if as_json:
        told = {"problem": result.problem.members} if result.problem else {"body": result.body}
        return json.dumps({"id": result.id, **told}, ensure_ascii=False)
    return plain(f"{result.id}  {result.problem or words(result.body or {})}")
