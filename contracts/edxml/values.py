"""Single values in the spellings that occur: dates in both orders, numbers, the two-digit status code."""

import re
from datetime import date, datetime, timedelta, timezone
from typing import Final

from contracts.edxml.model import VIETNAM

_WHEN: Final = re.compile(
    r"(?:(?P<y>\d{4})[/.-](?P<m>\d{1,2})[/.-](?P<d>\d{1,2})|(?P<d2>\d{1,2})[/.-](?P<m2>\d{1,2})[/.-](?P<y2>\d{4}))"
    r"(?:[ T]+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d{1,9})?)?"
    r" *(?P<zone>Z|(?P<sign>[+-])(?P<zh>\d{2}):?(?P<zm>\d{2}))?)?",
    re.ASCII,
)
_INTEGER: Final = re.compile(r"[+-]?\d{1,9}", re.ASCII)
_STATUS: Final = re.compile(r"\d{1,3}", re.ASCII)


def read_moment(text: str) -> datetime | None:
    """`yyyy/MM/dd HH:mm:ss` or with the day first; without a zone it means Vietnam. None when it cannot be a time."""
    found = _WHEN.fullmatch(text)
    if found is None:
        return None
    zone = VIETNAM
    try:
        if found["sign"]:
            offset = timedelta(hours=int(found["zh"]), minutes=int(found["zm"]))
            zone = timezone(-offset if found["sign"] == "-" else offset)
        elif found["zone"]:
            zone = timezone(timedelta())
        moment = datetime(
            int(found["y"] or found["y2"]),
            int(found["m"] or found["m2"]),
            int(found["d"] or found["d2"]),
            int(found["hour"] or 0),
            int(found["minute"] or 0),
            int(found["second"] or 0),
            tzinfo=zone,
        )
        return moment.astimezone(VIETNAM)
    except (ValueError, OverflowError):
        return None


def read_date(text: str) -> date | None:
    """`yyyy/MM/dd` or `dd/MM/yyyy`, a time behind it is dropped. None for what the calendar does not have."""
    moment = read_moment(text)
    return moment.date() if moment else None


def read_integer(text: str) -> int | None:
    return int(text) if _INTEGER.fullmatch(text) else None


def read_flag(text: str) -> bool | None:
    return {"true": True, "1": True, "false": False, "0": False}.get(text.lower())


def read_status_code(text: str) -> str | None:
    """Two digits; one digit is filled up, private codes of three stay as they are."""
    return text.zfill(2) if _STATUS.fullmatch(text) else None


def write_date(value: date) -> str:
    return f"{value.year:04d}/{value.month:02d}/{value.day:02d}"


def write_moment(value: datetime) -> str:
    """In Vietnam's time. Raises ValueError for a time without zone: it could be anyone's."""
    if value.tzinfo is None:
        raise ValueError("a time without zone cannot be written")
    local = value.astimezone(VIETNAM)
    return f"{write_date(local)} {local.hour:02d}:{local.minute:02d}:{local.second:02d}"
