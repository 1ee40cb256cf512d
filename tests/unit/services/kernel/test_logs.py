"""What may not get into a log line."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from services.kernel import logs
from services.kernel.tracing import traceparent_of


class Log:
    """A logger and what it wrote."""

    def __init__(self) -> None:
        self.out = io.BytesIO()
        logs.configure("info", "commune", self.out)
        self.logger = structlog.get_logger("test")

    def line(self) -> dict[str, Any]:
        (written,) = self.out.getvalue().splitlines()
        found = json.loads(written)
        assert isinstance(found, dict)
        return found


@pytest.fixture
def log() -> Iterator[Log]:
    before, handlers, level = structlog.get_config(), logging.getLogger().handlers, logging.getLogger().level
    structlog.contextvars.clear_contextvars()
    yield Log()
    structlog.configure(**before)
    logging.getLogger().handlers = handlers
    logging.getLogger().setLevel(level)


def test_lines_are_json_with_time_level_and_program(log: Log) -> None:
    log.logger.info("transfer.received", transfer="t-1", organ="H28.1")
    log.logger.debug("transfer.seen")
    found = log.line()
    assert found.pop("at").endswith("Z")
    assert found == {
        "event": "transfer.received",
        "transfer": "t-1",
        "organ": "H28.1",
        "level": "info",
        "program": "commune",
    }


def test_personal_fields_are_masked_wherever_they_are(log: Log) -> None:
    log.logger.info("x.done", name="Nguyễn Văn A", seen={"phone": "0900"}, items=[{"id_number": "001", "code": "ok"}])
    found = log.line()
    assert "Nguyễn" not in json.dumps(found, ensure_ascii=False)
    assert found["seen"] == {"phone": logs.MASK}
    assert found["items"] == [{"id_number": logs.MASK, "code": "ok"}]


def test_errors_show_kinds_and_places_never_messages(log: Log) -> None:
    try:
        try:
            raise ValueError("Key (id_number)=(079300000001) exists")
        except ValueError as error:
            raise RuntimeError("Nguyễn Văn A") from error
    except RuntimeError:
        log.logger.exception("x.failed")
    found = log.line()
    text = json.dumps(found, ensure_ascii=False)
    assert "Nguyễn" not in text
    assert "079300000001" not in text
    assert [link["error"] for link in found["errors"]] == ["RuntimeError", "ValueError"]
    assert "test_logs.py" in found["errors"][0]["frames"][-1]


def test_library_logs_are_lines_too_and_chatty_ones_are_quiet(log: Log) -> None:
    logging.getLogger("aiokafka").error("Unable connect to node")
    logging.getLogger("asyncio").error("Task was destroyed: %s", "x")
    assert log.line()["event"] == "Task was destroyed: x"


def test_a_well_formed_trace_is_taken_on_and_any_other_begun_anew() -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    assert traceparent_of(f"00-{trace}-00f067aa0ba902b7-01")[3:35] == trace
    for given in (None, "", f"00-{'0' * 32}-00f067aa0ba902b7-01", f"01-{trace}-00f067aa0ba902b7-01", "x" * 55):
        begun = traceparent_of(given)
        assert trace not in begun
        assert traceparent_of(begun)[3:35] == begun[3:35]
