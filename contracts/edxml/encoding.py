"""Base64 as it is really sent: broken into lines, with escaped line ends, sometimes without padding."""

import binascii
import re
from typing import Final

from contracts.edxml.errors import EdxmlError

_WHITE: Final = b" \t\r\n"
_ALPHABET: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_WINDOW: Final = 1024 * 1024

# Writers that escape the carriage returns of broken lines leave these behind.
_WHITE_REFERENCE: Final = re.compile(rb"&#(?:[xX]0*(?:9|[aA]|[dD]|20)|0*(?:9|10|13|32));")


def is_base64(data: bytes, start: int, end: int) -> bool:
    """Whether this part holds nothing but base64 and white space. An empty part does."""
    known = _ALPHABET + _WHITE
    for position in range(start, end, _WINDOW):
        if data[position : min(position + _WINDOW, end)].translate(None, known):
            return not _WHITE_REFERENCE.sub(b"", data[start:end]).translate(None, known)
    return True


def decode(text: bytes, path: str) -> bytes:
    """The bytes behind a base64 text; white space is ignored, missing padding is added."""
    if b"&" in text:
        text = _WHITE_REFERENCE.sub(b"", text)
    text = text.translate(None, _WHITE).rstrip(b"=")
    if not text:
        return b""
    try:
        return binascii.a2b_base64(text + b"=" * (-len(text) % 4), strict_mode=True)
    except binascii.Error as error:
        raise EdxmlError("edxml.attachment_unreadable", path, "the content is not base64") from error


def encode(content: bytes) -> bytes:
    return binascii.b2a_base64(content, newline=False)
