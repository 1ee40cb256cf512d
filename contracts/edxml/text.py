"""Text on its way into XML."""

import re
from typing import Final

from contracts.edxml.errors import EdxmlError

_FORBIDDEN: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# A bare carriage return would come back as a line feed.
_ESCAPES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#xD;"})


def escape(text: str, path: str) -> bytes:
    """UTF-8 element content. Raises EdxmlError for characters XML cannot carry; the form (NFC, NFD) is left alone."""
    if _FORBIDDEN.search(text):
        raise EdxmlError("edxml.bad_value", path, "a character XML cannot carry")
    return text.translate(_ESCAPES).encode()
