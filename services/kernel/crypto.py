"""Sealing what must be unreadable in the database: AES-256-GCM under a key file, with the key's id in front.

The file holds several keys; new seals use the current one, old ones open as long as their key is kept.
"""

import base64
import os
import secrets
import tempfile
from pathlib import Path
from typing import Self

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
NONCE_BYTES = 12
FORMAT = 1


class SealBroken(ValueError):
    """The bytes were not sealed under any key we hold, for another context, or were changed."""


class Keyring:
    """Keys by id. Printing it shows ids only."""

    def __init__(self, keys: dict[str, bytes], current: str) -> None:
        if current not in keys or any(len(key) != KEY_BYTES for key in keys.values()):
            raise ValueError("a key ring needs 256-bit keys and names one of them as current")
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self.current = current

    def __repr__(self) -> str:
        return f"Keyring({sorted(self._ciphers)}, current={self.current!r})"

    @classmethod
    def load(cls, path: Path, *, create: bool = False) -> Self:
        """Reads the key file; with `create` (local mode) makes one, readable by its owner only, if there is none."""
        if create and not path.exists():
            _create(path)
        if path.stat().st_mode & 0o007:
            raise PermissionError(f"{path} can be read by everybody")
        document = orjson.loads(path.read_bytes())
        return cls(
            {key_id: base64.b64decode(text) for key_id, text in document["keys"].items()}, str(document["current"])
        )

    def seal(self, plain: bytes, context: bytes) -> bytes:
        """`context` is not stored: the same must be given to open, so that a seal cannot be moved elsewhere."""
        key_id = self.current.encode()
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = self._ciphers[self.current].encrypt(nonce, plain, context)
        return bytes([FORMAT, len(key_id)]) + key_id + nonce + sealed

    def open(self, sealed: bytes, context: bytes) -> bytes:
        """Raises `SealBroken`."""
        if len(sealed) < 2 or sealed[0] != FORMAT:
            raise SealBroken("not a seal")
        start = 2 + sealed[1]
        cipher = self._ciphers.get(sealed[2:start].decode("utf-8", "replace"))
        if cipher is None:
            raise SealBroken("sealed under a key that is not in the key file")
        try:
            return cipher.decrypt(sealed[start : start + NONCE_BYTES], sealed[start + NONCE_BYTES :], context)
        except (InvalidTag, ValueError) as error:
            raise SealBroken("changed, or sealed for something else") from error


def _create(path: Path) -> None:
    """Appears whole or not at all; of several processes that start at once the first one's file is used by all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    key_id = f"k{secrets.token_hex(4)}"
    key = base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".key-")  # mkstemp makes it mode 600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(orjson.dumps({"current": key_id, "keys": {key_id: key}}))
            file.flush()
            os.fsync(file.fileno())
        os.link(name, path)
    except FileExistsError:
        return
    finally:
        os.unlink(name)
