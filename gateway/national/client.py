"""HTTP client of the national axis: the VXP SDK's wire protocol, as the unmodified SDK speaks it.

Judges answers only as far as "refused for good" or "try again"; what that means for a delivery is the caller's.
"""

import base64
import binascii
import hashlib
import hmac
import json
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Any, Final, Literal

import httpx

MessageType = Literal["edoc", "status"]
TransportStatus = Literal["processing", "done", "fail"]

PREFIX: Final = "XroadVnpt-"
_VIETNAM: Final = timezone(timedelta(hours=7))
_JSON: Final = "application/json"
_OCTETS: Final = "application/octet-stream"
_SYSTEM_ERROR: Final = "20"
_DESCRIPTION_CHARACTERS: Final = 200
_HEADER_TEXT: Final = re.compile(r"[\x20-\x7e]*")


class AxisError(Exception):
    """What the axis, or the way to it, answered. Texts are the axis's own: not for logs at large."""


class AxisRefused(AxisError):
    """The axis read the call and says no: a repeat would hear the same. `code` is the axis's, or `local`."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(f"{code}: {description}")
        self.code: Final = code
        self.description: Final = description


class AxisUnavailable(AxisError):
    """No answer, or none of the axis itself: nothing is known of the call, and every call may be repeated."""


@dataclass(frozen=True, slots=True)
class AxisAccount:
    """Where the axis is and as whom we call. `base_url` ends before the verb."""

    base_url: str
    system_id: str
    secret: str

    def __repr__(self) -> str:
        return f"AxisAccount({self.base_url!r}, {self.system_id!r})"


@dataclass(frozen=True, slots=True)
class ReceivedItem:
    """A message waiting at the axis. For statuses `to` is not dependable: the file says whom it answers."""

    doc_id: str
    message_type: str | None = None
    sender: str | None = None
    to: str | None = None
    status: str | None = None
    created_time: str | None = None


@dataclass(frozen=True, slots=True)
class Agency:
    """An organ the axis knows: `code` of QĐ 20/2020, `code102` the old form."""

    code: str
    name: str | None = None
    code102: str | None = None


class AxisClient:
    """One account at the axis. Keeps nothing between calls, so parameters cannot leak from one into the next."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        account: AxisAccount,
        *,
        clock: Callable[[], datetime],
        timeout_seconds: float = 60.0,
        answer_bytes: int = 300 * 1024 * 1024,
    ) -> None:
        self._http = http
        self._account = account
        self._clock = clock
        self._timeout = httpx.Timeout(timeout_seconds, connect=min(10.0, timeout_seconds))
        self._answer_bytes = answer_bytes

    async def send_edoc(self, data: bytes, *, sender: str, to: Sequence[str], message_type: MessageType) -> str:
        """The DocId under which the axis keeps the message. The same bytes again give the same DocId there."""
        parameters = {
            "servicetype": "eDoc",
            "messagetype": message_type,
            "hash-file": hash_file(data),
            "from": sender,
            "to": json.dumps(list(to), separators=(",", ":")),
        }
        # the SDK ends the body with a line break that belongs neither to the file nor to its hash
        answer = await self._call("sendEdoc", parameters, content=data + b"\r\n", content_type=_OCTETS)
        doc_id = answer.get("DocId")
        if not isinstance(doc_id, str) or not doc_id:
            raise AxisUnavailable("sendEdoc was answered without DocId")
        return doc_id

    async def received(
        self,
        message_type: MessageType,
        *,
        page_index: int | None = None,
        page_size: int | None = None,
        since: date | None = None,
    ) -> list[ReceivedItem]:
        """What waits for our organs, in the axis's order; an item stays until update_status says `done`."""
        parameters = {"servicetype": "eDoc", "messagetype": message_type}
        if page_size is not None:
            parameters |= {"pageSize": str(page_size), "pageIndex": str(page_index or 1)}
        if since is not None:
            parameters["fromDate"] = since.strftime("%Y/%m/%d")
        answer = await self._call("getReceivedEdocList", parameters)
        return [
            ReceivedItem(
                doc_id=doc_id,
                message_type=_text(item, "messageType"),
                sender=_text(item, "from"),
                to=_text(item, "to"),
                status=_text(item, "status"),
                created_time=_text(item, "created_time"),
            )
            for item in _items(answer)
            if (doc_id := _text(item, "docId"))
        ]

    async def get_edoc(self, doc_id: str) -> bytes:
        """The file, byte for byte."""
        answer = await self._call("getEdoc", {"docId": doc_id}, content=b"{}")
        encoded = answer.get("data")
        if not isinstance(encoded, str) or not encoded:
            raise AxisUnavailable("getEdoc was answered without data")
        try:
            return base64.b64decode("".join(encoded.split()), validate=True)
        except (binascii.Error, ValueError) as error:
            raise AxisUnavailable("getEdoc was answered with damaged data") from error

    async def update_status(self, doc_id: str, status: TransportStatus, description: str | None = None) -> None:
        """Tells how the transport went; `done` takes the item off the list, so store the message before.

        The description travels in a header and loses its accents.
        """
        parameters = {"docId": doc_id, "status": status}
        if description:
            parameters["description"] = plain(description)
        await self._call("updateStatus", parameters, content=b"{}")

    async def agencies_qd20(self, level: int) -> list[Agency]:
        """Organs of a level with both forms of their code."""
        answer = await self._call("getAgenciesListQD20", {"level": str(level)})
        return [
            Agency(code=code, name=_text(item, "name"), code102=_text(item, "code102"))
            for item in _items(answer)
            if (code := _text(item, "code"))
        ]

    async def _call(
        self, verb: str, parameters: Mapping[str, str], *, content: bytes = b"", content_type: str = _JSON
    ) -> dict[str, Any]:
        headers = signed_headers(
            {"systemid": self._account.system_id, **parameters},
            secret=self._account.secret,
            content_type=content_type,
            at=self._clock(),
        )
        url = f"{self._account.base_url.rstrip('/')}/{verb}"
        try:
            async with self._http.stream(
                "POST", url, content=content, headers=headers, timeout=self._timeout, follow_redirects=False
            ) as response:
                body = await self._read(response)
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL) as error:
            raise AxisUnavailable(f"{verb}: {type(error).__name__}") from error
        if response.status_code >= 500:
            raise AxisUnavailable(f"{verb}: HTTP {response.status_code}")
        return _judge(verb, response.status_code, body)

    async def _read(self, response: httpx.Response) -> bytes:
        pieces, size = [], 0
        async for piece in response.aiter_bytes():
            size += len(piece)
            if size > self._answer_bytes:
                raise AxisRefused("local", f"the answer has more than {self._answer_bytes} bytes")
            pieces.append(piece)
        return b"".join(pieces)


def signed_headers(
    parameters: Mapping[str, str], *, secret: str, content_type: str, at: datetime
) -> list[tuple[str, str]]:
    """All headers of a call. The signature covers exactly the text sent as sign-header, in the order given here."""
    named = {**parameters, "timestamp": timestamp(at), "Content-Type": content_type}
    for name, value in named.items():
        if not _HEADER_TEXT.fullmatch(value):
            raise AxisRefused("local", f"{name} cannot travel in a header")
    signed = json.dumps({PREFIX + name: value for name, value in named.items()}, separators=(",", ":"))
    return [
        *((PREFIX + name, value) for name, value in named.items()),
        ("Content-Type", content_type),
        (PREFIX + "sign-header-key", ";".join(named)),
        (PREFIX + "sign-header", signed),
        (PREFIX + "hash-header", sign(signed, secret)),
        (PREFIX + "version", "3.0.201608"),
        ("User-Agent", "JAVASDKAgent/1.0.0 XRoad/VPCP"),
    ]


def sign(text: str, secret: str) -> str:
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def timestamp(at: datetime) -> str:
    """`ddMMyyyyTHHmmss+SSSS` in Vietnam's time; what follows the plus sign is milliseconds, not a zone."""
    local = at.astimezone(_VIETNAM)
    return f"{local:%d%m%YT%H%M%S}+{local.microsecond // 1000:04d}"


def hash_file(data: bytes) -> str:
    """SHA-256 as the SDK spells it: hexadecimal without the leading zero of each byte."""
    return "".join(f"{byte:x}" for byte in hashlib.sha256(data).digest())


def plain(text: str) -> str:
    """Vietnamese in ASCII, in one line: other letters are cut on the wire and break the signature."""
    bare = unicodedata.normalize("NFD", text).translate({ord("đ"): "d", ord("Đ"): "D"})
    ascii_only = bare.encode("ascii", "ignore").decode()
    return " ".join(ascii_only.split())[:_DESCRIPTION_CHARACTERS]


def _judge(verb: str, http_status: int, body: bytes) -> dict[str, Any]:
    """The answer when it says OK. Whatever is not the axis's JSON came from something in between: try again."""
    try:
        answer = json.loads(body, strict=False)
    except (ValueError, RecursionError) as error:
        raise AxisUnavailable(f"{verb}: HTTP {http_status} without an answer of the axis") from error
    if not isinstance(answer, dict) or not isinstance(answer.get("status"), str):
        raise AxisUnavailable(f"{verb}: HTTP {http_status} without an answer of the axis")
    code = str(answer.get("ErrorCode") or "")
    if answer["status"].upper() == "OK" and code in ("", "0") and http_status in (200, 201):
        return answer
    description = str(answer.get("ErrorDesc") or "")
    if code in ("", "0", _SYSTEM_ERROR):
        raise AxisUnavailable(f"{verb}: {code or 'no code'} {description}".strip())
    raise AxisRefused(code, description)


def _items(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    data = answer.get("data")
    if not isinstance(data, list):
        raise AxisUnavailable("a list was answered without data")
    return [item for item in data if isinstance(item, dict)]


def _text(item: Mapping[str, Any], name: str) -> str | None:
    value = item.get(name)
    return value if isinstance(value, str) and value else None
