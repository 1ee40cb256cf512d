"""What every payload model shares: closed fields, bounded values, text every part can store, attachments by digest.

What a schema accepts the model accepts too (tests/contracts compare them): the gateway checks by schema and reads by
model, and must not stumble in between.
"""

import re
from datetime import date, datetime
from typing import Annotated, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
)

from contracts.identifiers import Sha256

Day = TypeVar("Day", bound=date)

MAX_COUNT = 2**53 - 1
"""The largest whole number that every JSON reader keeps exactly."""
NO_NUL_PATTERN = r"^[^\u0000]*$"
DATE_PATTERN = "^[12][0-9]{3}-[0-9]{2}-[0-9]{2}$"
MOMENT_PATTERN = (
    r"^[12][0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-5][0-9](\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})$"
)
_DATE = re.compile(DATE_PATTERN)
_MOMENT = re.compile(MOMENT_PATTERN)


def _speakable(text: str) -> str:
    """Text that every part can store and send: no NUL, no lone surrogate."""
    if "\x00" in text:
        raise ValueError("text holds a NUL character")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("text holds a lone surrogate") from None
    return text


def _plausible(day: Day) -> Day:
    """Years 1000 to 2999: near the ends of the calendar, moving to another time zone overflows."""
    if not 1000 <= day.year <= 2999:
        raise ValueError("year out of range")
    return day


def _whole(value: object) -> object:
    """`4.0` is the whole number 4 in JSON Schema, text and booleans are none: "75.000" đồng must not become 75."""
    if isinstance(value, str | bool):
        raise ValueError("not a number")
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _moment(value: object) -> object:
    """Times as the schema spells them; pydantic would take seconds since 1970 as well."""
    if isinstance(value, datetime) or (isinstance(value, str) and _MOMENT.fullmatch(value)):
        return value
    raise ValueError("not an RFC 3339 time")


def _date(value: object) -> object:
    if (isinstance(value, date) and not isinstance(value, datetime)) or (
        isinstance(value, str) and _DATE.fullmatch(value)
    ):
        return value
    raise ValueError("not a date")


Speakable = AfterValidator(_speakable)
NoNul = Field(json_schema_extra={"pattern": NO_NUL_PATTERN})
Whole = BeforeValidator(_whole)

Text = Annotated[str, StringConstraints(max_length=2000), Speakable, NoNul]
ShortText = Annotated[str, StringConstraints(min_length=1, max_length=500), Speakable, NoNul]
LongText = Annotated[str, StringConstraints(max_length=10_000), Speakable, NoNul]
Moment = Annotated[
    AwareDatetime,
    BeforeValidator(_moment),
    AfterValidator(_plausible),
    WithJsonSchema({"type": "string", "format": "date-time", "pattern": MOMENT_PATTERN}),
]
"""RFC 3339 with a zone. Written with any offset, stored in UTC."""
Date = Annotated[
    date,
    BeforeValidator(_date),
    AfterValidator(_plausible),
    WithJsonSchema({"type": "string", "format": "date", "pattern": DATE_PATTERN}),
]
Count = Annotated[int, Field(ge=0, le=MAX_COUNT), Whole]
Ordinal = Annotated[int, Field(ge=1, le=MAX_COUNT), Whole]


class Payload(BaseModel):
    """Base of all payloads: unknown fields are refused, instances do not change; docstrings of fields are published."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Attachment(Payload):
    """An attachment by reference: the bytes lie in the attachment store under their SHA-256."""

    sha256: Sha256
    name: ShortText
    media_type: Annotated[
        str, StringConstraints(max_length=127, pattern=r"^[0-9A-Za-z.+_-]+/[0-9A-Za-z.+_-]+(;[ -~]*)?$")
    ]
    size: Count
    """Bytes."""
    component: ShortText | None = None
    """Mã thành phần hồ sơ: which paper of the procedure's list this is."""


Attachments = Annotated[list[Attachment], Field(max_length=100)]
