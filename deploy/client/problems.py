"""What can go wrong with a call, as exceptions: the hub's refusals (RFC 9457) by kind, and no answer at all."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urljoin

import httpx

SHOWN_TEXT = 300


class ClientError(Exception):
    """Base of all errors of this client."""


class Unreachable(ClientError):
    """Nobody answered at the address, as often as it was tried."""

    def __init__(self, url: str, why: str) -> None:
        super().__init__(f"{url} không trả lời ({why}); hub đang chạy không? · no answer; is the hub running?")
        self.url = url
        self.why = why


class TimedOut(ClientError):
    """What was waited for did not come in time. It may still come."""

    def __init__(self, what: str, seconds: float) -> None:
        super().__init__(f"{what}: chưa xảy ra sau {seconds:.0f} giây · has not come after {seconds:.0f} seconds")
        self.what = what
        self.seconds = seconds


class Corrupted(ClientError):
    """The bytes that came do not have the digest that was asked for; nothing was kept."""

    def __init__(self, sha256: str) -> None:
        super().__init__(f"tệp {sha256[:12]}… tải về bị sai nội dung · came with other bytes than its digest says")
        self.sha256 = sha256


@dataclass(frozen=True, slots=True)
class Remedy:
    """What to do, in Vietnamese and in English; both empty when the answer did not come from the hub itself."""

    vi: str = ""
    en: str = ""


class HubProblem(ClientError):
    """The hub refused. `code` is from its closed list, `pointers` are the places in the body that were sent.

    `url` is where to ask instead (`organ.wrong_office`); `type` leads to a page with cause and cure; `instance` is what
    the operators find the request by. `members` is the answer as it came.
    """

    def __init__(self, status: int, members: Mapping[str, Any], *, asked: str = "") -> None:
        self.status = status
        self.members = members
        self.asked = asked
        self.code = _text(members, "code")
        self.title = _text(members, "title") or _phrase(status)
        self.detail = _text(members, "detail")
        self.contract = _text(members, "contract")
        self.instance = _text(members, "instance")
        self.url = _text(members, "url")
        self.type = urljoin(asked, _text(members, "type"))
        self.errors = [error for error in _list(members, "errors") if isinstance(error, Mapping)]
        remedy = members.get("remedy")
        given = remedy if isinstance(remedy, Mapping) else {}
        self.remedy = Remedy(_text(given, "vi"), _text(given, "en"))
        super().__init__(status, self.code)

    @property
    def pointers(self) -> list[str]:
        return [_text(error, "pointer") for error in self.errors if error.get("pointer")]

    @property
    def pointer(self) -> str:
        """The first place, or nothing."""
        return next(iter(self.pointers), "")

    @property
    def places(self) -> list[str]:
        """Each place with what is wrong there."""
        told = ((_text(error, "pointer"), _text(error, "detail")) for error in self.errors)
        return [f"{pointer}: {detail}" if pointer and detail else pointer or detail for pointer, detail in told]

    def __str__(self) -> str:
        about = self.detail or self.title
        parts = [f"{self.status} {self.code}".strip() + f": {about}"]
        parts += [place for place in self.places if place and place not in about]
        parts += [f"→ {self.url}"] if self.url else []
        said = f"{self.remedy.vi} · {self.remedy.en}" if self.remedy.vi or self.remedy.en else ""
        return "; ".join(parts) + (f". {said}" if said else "")


class Denied(HubProblem):
    """401 or 403: the credentials, a scope, or an organ this system or organ may not act for here."""


class NotFound(HubProblem):
    """404 or 410: nothing there, or nothing this organ may see."""


class Conflict(HubProblem):
    """409 or 412: the state does not allow it. Read the dossier or document again and decide anew."""


class Invalid(HubProblem):
    """The request itself is wrong: correct what `pointers` name; a repeat does not help."""


class QuotaExceeded(HubProblem):
    """429: the system sent more than its quota for as long as the call was repeated."""


class Unavailable(HubProblem):
    """5xx: the hub, or a proxy before it, could not answer for as long as the call was repeated."""


_KINDS: dict[int, type[HubProblem]] = {
    401: Denied,
    403: Denied,
    404: NotFound,
    410: NotFound,
    409: Conflict,
    412: Conflict,
    429: QuotaExceeded,
}


def problem_of(answer: httpx.Response) -> HubProblem:
    """The exception for an answer that is no success; its body has been read."""
    try:
        members = answer.json()
    except ValueError:
        members = None
    if not isinstance(members, Mapping):
        members = {"detail": " ".join(answer.text.split())[:SHOWN_TEXT]}
    return problem_from(answer.status_code, members, asked=str(answer.url))


def problem_from(status: int, members: Mapping[str, Any], *, asked: str = "") -> HubProblem:
    """The exception for the members of a problem, also of one line of a batch."""
    kind = _KINDS.get(status) or (Unavailable if status >= HTTPStatus.INTERNAL_SERVER_ERROR else Invalid)
    return kind(status, members, asked=asked)


def _text(members: Mapping[str, Any], name: str) -> str:
    value = members.get(name)
    return value if isinstance(value, str) else ""


def _list(members: Mapping[str, Any], name: str) -> list[Any]:
    value = members.get(name)
    return value if isinstance(value, list) else []


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "Unknown status"
