"""What of a dead letter may be shown: headers of envelopes that hold codes, and where and why it was refused. Pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid5

from contracts.identifiers import HUB_NAMESPACE

NOT_SHOWN = "(not shown)"
HEADERS = frozenset(
    {
        "content-type",
        "ce_specversion",
        "ce_id",
        "ce_source",
        "ce_type",
        "ce_subject",
        "ce_time",
        "ce_datacontenttype",
        "ce_dataschema",
        "ce_partitionkey",
        "ce_sender",
        "ce_system",
        "ce_recipients",
        "ce_sequence",
        "ce_hopsequence",
        "ce_epoch",
        "ce_stamp",
        "ce_occurredat",
        "ce_traceparent",
        "ce_priority",
    }
)
"""Those of an envelope. Others come from strangers, and even their names may say anything."""

_CODE = re.compile(r"[0-9A-Za-z._:;,|/+=\-]{0,200}")
_POINTER = re.compile(r"[0-9A-Za-z._/~\-]{0,200}")
_VERDICT = ("step", "code", "pointer", "contract")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """One line of the list."""

    id: str
    program: str
    topic: str
    log_partition: int
    log_offset: int
    headers: Mapping[str, str]
    verdict: Mapping[str, str]
    at: datetime


def dead_letter_id(program: str, number: int, at: datetime) -> str:
    """The same for every telling of one row; another one where a restored database counts the same numbers again."""
    return str(uuid5(HUB_NAMESPACE, f"dead letter\n{program}\n{number}\n{at.isoformat()}"))


def shown_headers(headers: Iterable[tuple[str, bytes]]) -> dict[str, str]:
    """Known names only; a value that does not look like a code is left out and said to be."""
    found: dict[str, str] = {}
    for name, raw in headers:
        if name in HEADERS and name not in found:
            text = (raw or b"").decode("utf-8", "replace")
            found[name] = text if _CODE.fullmatch(text) else NOT_SHOWN
    return found


def shown_verdict(verdict: Mapping[str, Any]) -> dict[str, str]:
    """Step, code, place and contract, as far as they are words of ours."""
    texts = {name: verdict.get(name) for name in _VERDICT}
    return {name: text for name, text in texts.items() if isinstance(text, str) and text and _POINTER.fullmatch(text)}
