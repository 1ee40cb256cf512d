"""What the stand-in of the national axis does for each verb, and the answering of its central organ."""

import asyncio
import base64
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import structlog
from pydantic import BaseModel, ConfigDict, SecretStr

from contracts.edxml import changes
from contracts.edxml.attachments import Attachment
from contracts.edxml.errors import EdxmlError
from contracts.edxml.model import Business, Document, Message
from contracts.edxml.reader import read
from contracts.edxml.trace import append_trace
from contracts.edxml.values import write_moment
from deploy.local import axis_central as central
from deploy.local.axis_store import AxisStore, Letter, Receiver
from deploy.local.axis_wire import (
    BAD_EDXML,
    INVALID_FILE,
    UNKNOWN_RECIPIENT,
    UNREGISTERED_SENDER,
    Call,
    Refusal,
    file_of,
    good,
    recipients_of,
)

PAGE: Final = 500
REMEMBERED: Final = 1000
EARLIEST: Final = datetime.min.replace(tzinfo=UTC)
_LEVEL_ONE: Final = re.compile(r"[A-Z]\d{2}")
_MESSAGE_TYPES: Final = ("edoc", "status")
_TRANSPORT: Final = ("processing", "done", "fail")

# A few neighbours, so that documents to several ministries have somewhere to go. They take and never answer.
OTHERS: Final = {
    "G01": "Bộ Công an",
    "G06": "Bộ Khoa học và Công nghệ",
    "G09": "Bộ Nội vụ",
    "G12": "Bộ Tài chính",
    "G15": "Bộ Tư pháp",
    "H26": "Ủy ban nhân dân thành phố Hà Nội",
    "H57": "Ủy ban nhân dân thành phố Huế",
}

log = structlog.get_logger(__name__)


class AxisSystem(BaseModel):
    """A client of the axis. It owns every organ that has one of `provinces` as a group of its code: H28, 000.00.15.H28
    and H28.15 all belong to H28. Two secrets are valid at a time while one is being replaced."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    secrets: tuple[SecretStr, ...]
    provinces: tuple[str, ...] = ()

    def owns(self, system_id: str, organ: str) -> bool:
        groups = self.provinces or [each for each in system_id.upper().split(".") if _LEVEL_ONE.fullmatch(each)]
        owned = {group.upper() for group in groups}
        return organ.upper() == system_id.upper() or not owned.isdisjoint(organ.strip().upper().split("."))


class Axis:
    """Answers calls whose signature was checked. Everything it says OK to is in the store before."""

    def __init__(self, store: AxisStore, systems: Mapping[str, AxisSystem], clock: Callable[[], datetime]) -> None:
        self._store = store
        self._systems = systems
        self._clock = clock
        self._answered: dict[str, datetime] = {}
        self.bell = asyncio.Event()

    async def send(self, call: Call, body: bytes, *, copies: int = 1) -> dict[str, Any]:
        message_type = _message_type(call)
        data = await asyncio.to_thread(file_of, body, call.get("hash-file"))
        try:
            message = await asyncio.to_thread(read, data)
        except EdxmlError as error:
            raise Refusal(BAD_EDXML, f"{error.code} {error.path}".encode("ascii", "replace").decode()) from error
        if isinstance(message, Document) != (message_type == "edoc"):
            raise Refusal(BAD_EDXML, "messagetype and file disagree")
        sender = call.get("from") or message.sender.organ_id
        if self._system_of(sender) != call.system_id:
            raise Refusal(UNREGISTERED_SENDER, "the sender is not registered under this system")
        letter = Letter(message_type, sender, _document_id(message), data, call.system_id)
        receivers = self._receivers(message, recipients_of(call.get("to")))
        doc_id = await asyncio.to_thread(self._store.accept, letter, receivers, self._clock(), copies=copies)
        self.bell.set()
        log.info("axis.message_accepted", doc_id=doc_id, organ=sender, step=message_type)
        return good(DocId=doc_id)

    async def received(self, call: Call, *, repeat: int = 1) -> dict[str, Any]:
        """The parameter `status` is left unread: clients drag it along from their last updateStatus."""
        size = min(_number(call, "pageSize", PAGE), PAGE)
        offset = (max(_number(call, "pageIndex", 1), 1) - 1) * size
        rows = await asyncio.to_thread(
            self._store.waiting, call.system_id, _message_type(call), limit=size, offset=offset
        )
        return good(data=[item for row in rows for item in [_item(row)] * repeat])

    async def fetch(self, call: Call) -> bytes:
        """A document gets the hop of the axis, which names no organ; its time is fixed, so every fetch is the same."""
        found = await asyncio.to_thread(self._store.fetch, call.system_id, call.get("docId"))
        if found is None:
            raise Refusal(INVALID_FILE, "no such document")
        message_type, data, accepted_at = found
        return await asyncio.to_thread(append_trace, data, None, accepted_at) if message_type == "edoc" else data

    async def get_edoc(self, call: Call) -> dict[str, Any]:
        return good(data=base64.b64encode(await self.fetch(call)).decode())

    async def update_status(self, call: Call) -> dict[str, Any]:
        if call.get("status") not in _TRANSPORT:
            raise Refusal(INVALID_FILE, "status is processing, done or fail")
        known = await asyncio.to_thread(
            self._store.mark,
            call.system_id,
            call.get("docId"),
            call.get("status"),
            call.get("description"),
            self._clock(),
        )
        if not known:
            raise Refusal(INVALID_FILE, "no such document")
        return good()

    async def agencies(self, call: Call) -> dict[str, Any]:
        """Level 1 only: the lower levels are the provinces' own."""
        if call.get("level") not in ("", "1"):
            return good(data=[])
        codes = {central.CODE: central.NAME, **OTHERS}
        return good(
            data=[
                {"id": code, "code": code, "name": name, "mail": "", "code102": f"000.00.00.{code}"}
                for code, name in codes.items()
            ]
        )

    async def send_down(
        self,
        to: Sequence[str],
        number: str,
        notation: str,
        subject: str,
        attachments: Sequence[Attachment],
        *,
        at: datetime | None = None,
        business: Business | None = None,
    ) -> dict[str, str]:
        """A document of the central organ, new unless `business` says otherwise; with `at` the same order makes the
        same file. Raises ValueError when it cannot be written or nobody here takes it."""
        receivers = [Receiver(organ, self._system_of(organ)) for organ in to]
        if not receivers or any(receiver.system_id is None for receiver in receivers):
            raise ValueError("an organ of `to` belongs to no system")
        at = at or self._clock()
        data = await asyncio.to_thread(
            central.document_of, to, number, notation, subject, attachments=attachments, at=at, business=business
        )
        document_id = _document_id(read(data))
        doc_id = await asyncio.to_thread(
            self._store.accept, Letter("edoc", central.CODE, document_id, data), receivers, at
        )
        return {"doc_id": doc_id, "document_id": document_id}

    async def answer_forever(self, pace_seconds: float) -> None:
        """The central organ takes what came and answers it, one status at a time; after a restart it goes on."""
        while True:
            self.bell.clear()
            if await self._answer_next():
                await asyncio.sleep(pace_seconds)
            else:
                await self.bell.wait()

    async def _answer_next(self) -> bool:
        due = await asyncio.to_thread(self._store.next_to_answer)
        if due is None:
            return False
        message = await asyncio.to_thread(read, due.data)
        at = self._moment_of(_subject(message))
        addressee, status = central.status_of(message, due.organ, due.code, at)
        # a file may name a sender nobody registered: its answers go back the way it came
        receiver = Receiver(addressee, self._system_of(addressee) or due.system_id)
        letter = Letter("status", due.organ, _document_id(message), status)
        await asyncio.to_thread(self._store.answer, due.doc_id, due.code, letter, receiver, at)
        log.info("axis.status_answered", doc_id=due.doc_id, organ=due.organ, step=due.code)
        return True

    def _moment_of(self, subject: str) -> datetime:
        """Now, but a second after the last answer on the same document: times in edXML have whole seconds, and to
        everybody two files of the same bytes are one message."""
        at = max(self._clock(), self._answered.pop(subject, EARLIEST) + timedelta(seconds=1))
        self._answered[subject] = at
        if len(self._answered) > REMEMBERED:
            del self._answered[next(iter(self._answered))]
        return at

    def _receivers(self, message: Message, named: Sequence[str]) -> list[Receiver]:
        """A status goes to the sender of the document it answers, whatever `to` says. Unknown organs are passed over
        as long as one is known."""
        if isinstance(message, Document):
            organs = named or [each.organ_id for each in message.to]
        else:
            organs = [message.addressee]
        found: dict[str, Receiver] = {}
        for organ in organs:
            code = organ.strip().upper()
            if central.is_central(organ):
                found[central.CODE] = Receiver(organ.strip(), None, central.plan_of(message))
            elif (system_id := self._system_of(organ)) is not None or code.removeprefix("000.00.00.") in OTHERS:
                found[code] = Receiver(organ.strip(), system_id)
        if not found:
            raise Refusal(UNKNOWN_RECIPIENT, "no receiver is known")
        return list(found.values())

    def _system_of(self, organ: str) -> str | None:
        return next((name for name, system in self._systems.items() if system.owns(name, organ)), None)


def _subject(message: Message) -> str:
    """What an answer to the message is about; a recall or an update is about its earlier document."""
    if isinstance(message, Document) and (earlier := changes.earlier_ids(message)):
        return earlier[0]
    return _document_id(message)


def _document_id(message: Message) -> str:
    return message.document_id if isinstance(message, Document) else message.response_for.document_id or ""


def _message_type(call: Call) -> str:
    message_type = call.get("messagetype").lower()
    if message_type not in _MESSAGE_TYPES:
        raise Refusal(INVALID_FILE, "messagetype is edoc or status")
    return message_type


def _number(call: Call, name: str, default: int) -> int:
    text = call.get(name)
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else default


def _item(row: Mapping[str, Any]) -> dict[str, str]:
    """Never null: the SDK loses the whole page over one."""
    return {
        "docId": row["doc_id"],
        "serviceType": "eDoc",
        "messageType": row["message_type"],
        "created_time": write_moment(datetime.fromisoformat(row["created_at"])),
        "updated_time": write_moment(datetime.fromisoformat(row["updated_at"])),
        "from": row["sender"],
        "to": row["organ"],
        "status": row["status"],
        "status_desc": row["description"],
    }
