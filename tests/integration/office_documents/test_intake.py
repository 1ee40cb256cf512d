"""Files on their way in and out, with a real store and small limits."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from contracts.edxml.attachments import Attachment, iterate_attachments
from contracts.edxml.model import Document as Message
from contracts.messages.document import Document
from contracts.problems import HubError
from services.kernel.vault import Vault
from services.office.attachments.actions import Attachments
from services.office.documents.intake import Intake
from tests.integration.office_documents.papers import file

NAMESPACE = "commune"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def intake(folder: Path) -> Intake:
    return Intake(Attachments(Vault.open(folder.as_uri()), NAMESPACE), message_bytes=3_000_000)


def stored_files(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file()]


async def pieces(content: bytes, size: int = 70_000) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


async def test_files_inside_and_the_message_are_stored(intake: Intake, folder: Path) -> None:
    scan, table = bytes(range(256)) * 5000, b"cells"
    content = file(Attachment("quét.pdf", scan), Attachment("bảng.xlsx", table))

    async with intake.spool(pieces(content)) as body, intake.open(body) as parcel:
        kept, original = await intake.keep(parcel)

    assert isinstance(parcel.message, Message)
    assert [(each["name"], each["size"]) for each in kept] == [("quét.pdf", len(scan)), ("bảng.xlsx", len(table))]
    stored = [(folder / NAMESPACE / each["sha256"]).read_bytes() for each in (*kept, original)]
    assert stored == [scan, table, content]


async def test_a_body_is_cut_off_as_soon_as_it_is_too_large(intake: Intake) -> None:
    given = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal given
        while True:
            given += 100_000
            yield bytes(100_000)

    with pytest.raises(HubError) as caught:
        async with intake.spool(endless()):
            pass
    assert caught.value.code == "size.too_large"
    assert given <= 3_100_000


async def test_rubbish_leaves_nothing_behind(intake: Intake, folder: Path) -> None:
    with pytest.raises(HubError) as caught:
        async with intake.spool(pieces(b"<edXML/>")) as body, intake.open(body):
            pass
    assert caught.value.code == "edxml.invalid"
    assert stored_files(folder) == []


async def test_turns_are_given_back_after_a_refusal(intake: Intake) -> None:
    for _ in range(5):
        with pytest.raises(HubError):
            async with intake.spool(pieces(b"<")) as body, intake.open(body):
                pass
    content = file()
    async with intake.spool(pieces(content)) as body, intake.open(body) as parcel:
        assert parcel.data == content


async def test_a_document_is_written_with_its_files(intake: Intake) -> None:
    named = {"sha256": "0" * 64, "name": "a.pdf", "media_type": "application/pdf", "size": 5}
    fields = {"document_id": "x", "sender": "H28", "to": ["H28.01"], "attachments": [named]}

    written = await intake.write(Document.model_validate(fields), [pieces(b"%PDF-", 2)])

    assert [(each.name, each.content) for each in iterate_attachments(written)] == [("a.pdf", b"%PDF-")]


async def test_what_is_too_large_for_one_file_is_not_written(intake: Intake) -> None:
    named = {"sha256": "0" * 64, "name": "a.pdf", "media_type": "application/pdf", "size": 3_000_001}
    fields = {"document_id": "x", "sender": "H28", "to": ["H28.01"], "attachments": [named]}

    with pytest.raises(HubError) as caught:
        await intake.write(Document.model_validate(fields), [pieces(b"")])
    assert caught.value.code == "size.too_large"
