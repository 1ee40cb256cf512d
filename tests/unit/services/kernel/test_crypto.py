"""Seals: bound to their context, openable after rotation, made under a private file."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from services.kernel.crypto import Keyring, SealBroken

OLD, NEW = b"o" * 32, b"n" * 32


def test_a_seal_opens_only_unchanged_and_in_its_context() -> None:
    ring = Keyring({"k1": OLD}, "k1")
    sealed = ring.seal("hồ sơ".encode(), b"payload 1")
    assert ring.open(sealed, b"payload 1").decode() == "hồ sơ"
    assert b"h\xe1\xbb\x93" not in sealed
    assert ring.seal(b"x", b"") != ring.seal(b"x", b"")
    for broken in (sealed[:-1], sealed[:-1] + bytes([sealed[-1] ^ 1]), b"", b"\x01", b"\x02" + sealed[1:]):
        with pytest.raises(SealBroken):
            ring.open(broken, b"payload 1")
    with pytest.raises(SealBroken):
        ring.open(sealed, b"payload 2")


def test_rotation_keeps_old_seals_readable_until_the_key_goes() -> None:
    sealed = Keyring({"k1": OLD}, "k1").seal(b"x", b"")
    rotated = Keyring({"k1": OLD, "k2": NEW}, "k2")
    assert rotated.open(sealed, b"") == b"x"
    assert b"k2" in rotated.seal(b"x", b"")[:4]
    with pytest.raises(SealBroken, match="not in the key file"):
        Keyring({"k2": NEW}, "k2").open(sealed, b"")
    assert "n" * 4 not in repr(rotated)


def test_a_key_file_is_private_and_the_same_for_all_who_start_at_once(tmp_path: Path) -> None:
    path = tmp_path / "khóa" / "hub.key"
    with ThreadPoolExecutor(8) as pool:
        rings = list(pool.map(lambda _: Keyring.load(path, create=True), range(8)))
    assert path.stat().st_mode & 0o777 == 0o600
    assert len({ring.current for ring in rings}) == 1
    assert Keyring.load(path).open(rings[0].seal(b"x", b""), b"") == b"x"
    assert list(path.parent.iterdir()) == [path], "no half-written file stays"


def test_outside_local_mode_the_file_must_be_there_and_private(tmp_path: Path) -> None:
    path = tmp_path / "hub.key"
    with pytest.raises(FileNotFoundError):
        Keyring.load(path)
    Keyring.load(path, create=True)
    path.chmod(0o644)
    with pytest.raises(PermissionError):
        Keyring.load(path)


def test_short_keys_are_refused() -> None:
    with pytest.raises(ValueError, match="256-bit"):
        Keyring({"k1": b"short"}, "k1")
