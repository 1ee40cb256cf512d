"""What the operators' doors share: who acts and why, filters and pages of their lists, times as operators read them.
What only one of them asks or shows stands there."""

from datetime import date, datetime
from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, ConfigDict, PlainSerializer, StringConstraints, WithJsonSchema

from contracts import samples
from contracts.directory import Directory, shown
from contracts.messages.base import NO_NUL_PATTERN, NoNul, Speakable
from services.kernel import cursors
from services.kernel.auth import Caller, require

LIMIT, MAX_LIMIT = 100, 500
MAX_CODE = 40  # codes have 35 characters; blanks around them are forgiven
MIN_REASON, MAX_REASON = 3, 500

Operator = Annotated[Caller, require("ops")]
Subject = Annotated[
    str | None,
    Query(
        max_length=200,
        pattern=NO_NUL_PATTERN,
        description="Dossier code or document id · mã hồ sơ hoặc mã văn bản trong trục",
        examples=[samples.RECEIVED],
    ),
]
Cursor = Annotated[
    str | None, Query(max_length=cursors.LONGEST, description="`next_cursor` of a page · con trỏ trang sau")
]
Moment = Annotated[datetime, PlainSerializer(shown), WithJsonSchema({"type": "string", "format": "date-time"})]


class ActForm(BaseModel):
    """Why an operator acts."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    reason: Annotated[str, StringConstraints(min_length=MIN_REASON, max_length=MAX_REASON), Speakable, NoNul]
    """Why, for the audit · lý do, ghi vào nhật ký"""
    dry_run: bool = False
    """Tells what would happen and changes nothing · chỉ xem trước, không thay đổi gì"""


class View(BaseModel):
    """Base of what is shown: docstrings of fields are published."""

    model_config = ConfigDict(use_attribute_docstrings=True)


def canonical(directory: Directory, code: str | None, on: date) -> str | None:
    """The organ's own code, by which the ledger names it; what is unknown stays as it was written."""
    if code is None:
        return None
    found = directory.find(code, on)
    return found.code if found else code.strip()
