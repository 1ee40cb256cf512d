"""One JSON line per event on stdout. Personal data never gets in: known field names are masked, and of errors only
kinds and places are shown, since messages of drivers and validators quote values.
"""

import logging
import sys
import traceback
from collections.abc import MutableMapping
from types import TracebackType
from typing import Any, BinaryIO

import orjson
import structlog

MASK = "…"
PERSONAL = frozenset(
    {
        "name",
        "full_name",
        "applicant",
        "id_number",
        "phone",
        "email",
        "address",
        "summary",
        "note",
        "reason",
        "subject_line",
        "content",
        "body",
        "value",
        "staff",
        "signer",
        "filename",
        "authorization",
        "token",
        "access_token",
        "client_secret",
        "secret",
        "password",
        "signature",
        "cookie",
    }
)
QUIET = {"aiokafka": logging.CRITICAL, "uvicorn.access": logging.CRITICAL, "alembic": logging.WARNING}

Event = MutableMapping[str, Any]
ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]


def configure(level: str, program: str, stream: BinaryIO | None = None) -> None:
    """Sets up structlog and the standard library's loggers of this process; calling it again replaces the setting."""
    out = stream or sys.stdout.buffer
    number = logging.getLevelNamesMapping()[level.upper()]
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        _Program(program),
        mask_personal,
        _Errors(messages=level == "debug"),
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer(serializer=_dump)],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.BytesLoggerFactory(out),
        cache_logger_on_first_use=stream is None,
    )
    handler = _Lines(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(serializer=lambda event, **_: _dump(event).decode()),
            ],
            foreign_pre_chain=shared,
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(max(number, logging.WARNING))
    for name, limit in QUIET.items():
        logging.getLogger(name).setLevel(limit if level != "debug" else logging.WARNING)


class _Lines(logging.Handler):
    """Lines of libraries on the same stream."""

    def __init__(self, out: BinaryIO) -> None:
        super().__init__()
        self._out = out

    def emit(self, record: logging.LogRecord) -> None:
        self._out.write(self.format(record).encode() + b"\n")
        self._out.flush()


def mask_personal(_logger: object, _method: str, event: Event) -> Event:
    """Masks fields by name, in nested objects too, whoever logged them."""
    for key, value in event.items():
        event[key] = MASK if key in PERSONAL else _masked(value)
    return event


def _masked(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: MASK if key in PERSONAL else _masked(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(inner) for inner in value]
    return value


def describe(error: BaseException, *, messages: bool = False) -> list[dict[str, Any]]:
    """The chain of an error: kinds and places, with messages only where that is allowed."""
    chain: list[dict[str, Any]] = []
    seen: BaseException | None = error
    while seen is not None and len(chain) < 5:
        frames = traceback.extract_tb(seen.__traceback__)[-12:]
        link: dict[str, Any] = {
            "error": type(seen).__name__,
            "code": getattr(seen, "code", None) or getattr(seen, "sqlstate", None),
            "frames": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
        }
        if messages:
            link["message"] = str(seen)
        chain.append(link)
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    return chain


class _Program:
    def __init__(self, program: str) -> None:
        self._program = program

    def __call__(self, _logger: object, _method: str, event: Event) -> Event:
        event["program"] = self._program
        return event


class _Errors:
    def __init__(self, *, messages: bool) -> None:
        self._messages = messages

    def __call__(self, _logger: object, _method: str, event: Event) -> Event:
        given = event.pop("exc_info", None)
        error = given if isinstance(given, BaseException) else None
        if error is None and given:
            error = given[1] if isinstance(given, tuple) else sys.exc_info()[1]
        if error is not None:
            event["errors"] = describe(error, messages=self._messages)
        return event


def _dump(event: Any, **_: Any) -> bytes:
    return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS)
