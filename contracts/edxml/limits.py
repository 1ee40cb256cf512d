"""How much of a message the codec is willing to look at. The standard names no limit, so these are settings."""

from dataclasses import dataclass
from typing import Final

MEBIBYTE: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """`markup_bytes` is the file without its base64 texts: that part alone becomes an XML tree."""

    message_bytes: int = 200 * MEBIBYTE
    markup_bytes: int = 4 * MEBIBYTE
    depth: int = 64
    elements: int = 20_000
    attachment_bytes: int = 150 * MEBIBYTE
    archive_ratio: int = 200


# Tiny archives reach high ratios honestly: a page of blanks is not a bomb.
RATIO_MATTERS_FROM_BYTES: Final = MEBIBYTE

DEFAULT_LIMITS: Final = Limits()
