"""Content codings of bodies in both directions: gzip and none."""

import zlib

from contracts.problems import HubError

ACCEPTED = "gzip, identity"
PIECE_BYTES = 64 * 1024
_GZIP = 16 + zlib.MAX_WBITS
_NAMES = frozenset({b"gzip", b"x-gzip"})
_LEVEL = 4  # JSON shrinks to about the same as with 6, in half the time


def is_gzipped(content_encoding: bytes | None) -> bool:
    """Whether a request's body is to be decompressed; refuses what it cannot be."""
    named = (content_encoding or b"").strip().lower()
    if named in _NAMES:
        return True
    if named in (b"", b"identity"):
        return False
    raise HubError(
        "request.unsupported_media_type", f"Content-Encoding: {ACCEPTED}", headers={"Accept-Encoding": ACCEPTED}
    )


class Inflater:
    """One gzip member as a stream: whoever takes the pieces decides how much memory the whole may have."""

    def __init__(self) -> None:
        self._zip = zlib.decompressobj(_GZIP)
        self._rest = b""
        self._full = False

    def feed(self, data: bytes) -> None:
        if self._zip.eof and data:
            raise _broken()
        self._rest += data

    def piece(self) -> bytes:
        """The next piece, of at most `PIECE_BYTES`; empty: more must be fed first."""
        if not self._rest and not self._full:
            return b""
        try:
            piece = self._zip.decompress(self._rest, PIECE_BYTES)
        except zlib.error:
            raise _broken() from None
        if self._zip.unused_data:
            raise _broken()
        self._rest = self._zip.unconsumed_tail
        self._full = len(piece) == PIECE_BYTES
        return piece

    def finish(self) -> None:
        """Refuses a stream that is not at its end."""
        if not self._zip.eof:
            raise _broken()


def _broken() -> HubError:
    return HubError("request.malformed", "the body is not one whole gzip stream")


def accepts_gzip(accept_encoding: bytes | None) -> bool:
    """By the weights of the header; without one nothing is compressed."""
    found = False
    for part in (accept_encoding or b"").lower().split(b","):
        coding, _, weight = part.partition(b";")
        wanted = weight.strip().removeprefix(b"q=").strip(b"0.") != b"" if weight.strip() else True
        if coding.strip() in _NAMES:
            return wanted
        if coding.strip() == b"*":
            found = wanted
    return found


def compress(body: bytes) -> bytes:
    return zlib.compress(body, _LEVEL, _GZIP)
