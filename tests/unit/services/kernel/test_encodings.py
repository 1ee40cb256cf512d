"""gzip in both directions: bounded pieces, broken streams, what a client says it takes."""

import gzip
import random
import tracemalloc
import zlib

import pytest

from contracts.problems import HubError
from services.kernel.encodings import PIECE_BYTES, Inflater, accepts_gzip, compress, is_gzipped

NOISE = random.Random(4).randbytes(300_000)


def inflate(data: bytes, step: int) -> bytes:
    inflater, whole = Inflater(), bytearray()
    for start in range(0, len(data), step):
        inflater.feed(data[start : start + step])
        while piece := inflater.piece():
            assert len(piece) <= PIECE_BYTES
            whole += piece
    inflater.finish()
    return bytes(whole)


@pytest.mark.parametrize("step", [1_000_000, 4096, 7])
@pytest.mark.parametrize("plain", [b"", b"a", b"a" * PIECE_BYTES, b"ab" * PIECE_BYTES, NOISE])
def test_whatever_was_compressed_comes_back(plain: bytes, step: int) -> None:
    assert inflate(gzip.compress(plain), step) == plain
    assert inflate(compress(plain), step) == plain


def test_a_bomb_needs_no_memory_until_it_is_taken() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join([*(packer.compress(b"\0" * 1_000_000) for _ in range(200)), packer.flush()])
    tracemalloc.start()
    inflater = Inflater()
    inflater.feed(bomb)
    assert len(inflater.piece()) == PIECE_BYTES
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000


@pytest.mark.parametrize(
    "data",
    [
        b"plain",
        gzip.compress(NOISE, mtime=0)[:-1],
        gzip.compress(NOISE, mtime=0)[:100],
        gzip.compress(b"a", mtime=0)[:-8] + b"\0" * 8,
        gzip.compress(b"a", mtime=0) + b"b",
        gzip.compress(b"a", mtime=0) * 2,
        zlib.compress(b"a"),
    ],
)
@pytest.mark.parametrize("step", [1_000_000, 5])
def test_what_is_not_one_whole_stream_is_malformed(data: bytes, step: int) -> None:
    with pytest.raises(HubError) as caught:
        inflate(data, step)
    assert caught.value.code == "request.malformed"


@pytest.mark.parametrize(
    ("header", "takes"),
    [
        (None, False),
        (b"", False),
        (b"gzip", True),
        (b"deflate, GZIP", True),
        (b"gzip;q=0", False),
        (b"gzip; q=0.000, *", False),
        (b"gzip;q=0.001", True),
        (b"gzip;q=1.0", True),
        (b"br, *", True),
        (b"*;q=0, gzip", True),
        (b"*;q=0", False),
        (b"identity", False),
        (b"gzipped", False),
    ],
)
def test_a_client_says_what_it_takes(header: bytes | None, takes: bool) -> None:
    assert accepts_gzip(header) is takes


def test_other_codings_are_named_with_those_that_are_taken() -> None:
    assert is_gzipped(b" GZip ")
    assert is_gzipped(b"x-gzip")
    assert not is_gzipped(b"identity")
    assert not is_gzipped(None)
    for other in (b"br", b"deflate", b"gzip, gzip", b"gzip, identity", b"\xff"):
        with pytest.raises(HubError) as caught:
            is_gzipped(other)
        assert caught.value.code == "request.unsupported_media_type"
        assert caught.value.headers == {"Accept-Encoding": "gzip, identity"}
