"""What the codec says when it refuses (EdxmlError) and when it only wonders (Oddity).

Details name elements and limits, never their content: they are written to logs and shown to senders.
"""

from dataclasses import dataclass
from typing import Final, Literal

ErrorCode = Literal[
    "edxml.malformed",
    "edxml.dtd_refused",
    "edxml.too_large",
    "edxml.not_edxml",
    "edxml.missing_field",
    "edxml.bad_value",
    "edxml.attachment_unreadable",
    "edxml.archive_refused",
]


class EdxmlError(ValueError):
    """The only error the codec raises for what stands in a message, whatever the bytes."""

    def __init__(self, code: ErrorCode, path: str, detail: str) -> None:
        super().__init__(f"{code} at {path}: {detail}")
        self.code: Final = code
        self.path: Final = path
        self.detail: Final = detail

    def __reduce__(self) -> tuple[type["EdxmlError"], tuple[ErrorCode, str, str]]:
        return type(self), (self.code, self.path, self.detail)


@dataclass(frozen=True, slots=True)
class Oddity:
    """Something a strict reader would refuse and this one tolerated."""

    code: str
    path: str
    detail: str
