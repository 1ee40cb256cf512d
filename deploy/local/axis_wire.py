"""The VXP SDK's protocol as a server sees it: who calls, with which parameters, with which file. Pure.

Written apart from the gateway's client on purpose: the stand-in is there to find its mistakes.
"""

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

INVALID_FILE: Final = "10"
BAD_CREDENTIALS: Final = "15"
UNKNOWN_RECIPIENT: Final = "18"
UNREGISTERED_SENDER: Final = "19"
SYSTEM_ERROR: Final = "20"
BAD_EDXML: Final = "22"

_PREFIX: Final = "xroadvnpt-"


class Refusal(Exception):
    """Answered as FAIL; the description is ASCII, for clients read it as such."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(f"{code} {description}")
        self.code: Final = code
        self.description: Final = description


@dataclass(frozen=True, slots=True)
class Call:
    """A call whose signature holds. Parameter names are in lower case: docId and docid are one."""

    system_id: str
    parameters: Mapping[str, str]

    def get(self, name: str) -> str:
        return self.parameters.get(name.lower(), "")


def verify(raw_headers: Iterable[tuple[bytes, bytes]], secrets: Mapping[str, Sequence[str]]) -> Call:
    """The signed parameters. Each must also stand in a header of its own: what is signed is what is sent.

    The time stamp is not judged, for real clients sign with the time they were started.
    """
    sent: dict[str, list[str]] = {}
    for raw_name, raw_value in raw_headers:
        sent.setdefault(raw_name.decode("latin-1").lower(), []).append(raw_value.decode("latin-1"))
    signed = sent.get(_PREFIX + "sign-header", [""])[-1]
    entries = _entries(signed)
    for name, value in entries:
        if value not in sent.get(name, []):
            raise Refusal(BAD_CREDENTIALS, f"{name} differs from what is signed")
    parameters: dict[str, str] = {}
    for name, value in entries:
        parameters[name.removeprefix(_PREFIX)] = value or parameters.get(name.removeprefix(_PREFIX), "")
    system_id = parameters.get("systemid", "")
    given = sent.get(_PREFIX + "hash-header", [""])[-1].lower()
    # the text is signed in UTF-8; for anything but ASCII the wire has already damaged it
    expected = [
        hmac.new(secret.encode(), signed.encode(), hashlib.sha256).hexdigest() for secret in secrets.get(system_id, ())
    ]
    if not any(hmac.compare_digest(given.encode(), each.encode()) for each in expected):
        raise Refusal(BAD_CREDENTIALS, "system id or secret is wrong")
    return Call(system_id, parameters)


def _entries(signed: str) -> list[tuple[str, str]]:
    try:
        found = json.loads(signed, strict=False)
    except (ValueError, RecursionError) as error:
        raise Refusal(BAD_CREDENTIALS, "no signed parameters") from error
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise Refusal(BAD_CREDENTIALS, "no signed parameters")
    return [(name.lower(), value) for name, value in found.items()]


def file_of(body: bytes, hash_file: str) -> bytes:
    """The file in the body of a sendEdoc, with or without the line break the SDK adds; both spellings of the hash."""
    for data in (body.removesuffix(b"\r\n"), body):
        digest = hashlib.sha256(data)
        if hash_file.lower() in (digest.hexdigest(), "".join(f"{byte:x}" for byte in digest.digest())):
            return data
    raise Refusal(INVALID_FILE, "the file does not fit its hash")


def recipients_of(text: str) -> list[str]:
    """The organs of the parameter `to`, a JSON array; absent means what the file says."""
    if not text:
        return []
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Refusal(INVALID_FILE, "the parameter to is no JSON array") from error
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise Refusal(INVALID_FILE, "the parameter to is no JSON array of texts")
    return found


def good(**more: Any) -> dict[str, Any]:
    return {"status": "OK", "ErrorCode": "0", "ErrorDesc": "Success", **more}


def bad(verb: str, refusal: Refusal) -> dict[str, Any]:
    """All values are text and none is null; sendEdoc answers a DocId even so."""
    answer = {"status": "FAIL", "ErrorCode": refusal.code, "ErrorDesc": refusal.description}
    return answer | ({"DocId": ""} if verb == "sendEdoc" else {})
