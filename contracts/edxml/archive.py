"""The one-entry ZIP that senders put around an attachment: taking it off under guard, putting it on again the same way.

Most senders call such an archive by the name and often by the type of the file inside.
"""

import io
import struct
import zipfile
import zlib
from typing import Final
from uuid import UUID

from contracts.edxml.errors import EdxmlError
from contracts.edxml.limits import RATIO_MATTERS_FROM_BYTES, Limits
from contracts.edxml.media import extension

_LOCAL_FILE: Final = b"PK\x03\x04"
_END_OF_DIRECTORY: Final = struct.Struct("<4s4H2LH")
_END_MARK: Final = b"PK\x05\x06"
_ZIP64_LOCATOR_MARK: Final = b"PK\x06\x07"
_ZIP64_LOCATOR_BYTES: Final = 20
_COMMENT_BYTES: Final = 65_535
# One entry with the longest name, extra field and comment the format has.
_ONE_ENTRY_BYTES: Final = 46 + 3 * 65_535

# Names whose files are archives themselves. They hold several entries; one single entry of the same kind is a wrap.
_OFFICE: Final = (
    "docx",
    "docm",
    "dotx",
    "dotm",
    "xlsx",
    "xlsm",
    "xltx",
    "xltm",
    "xlsb",
    "pptx",
    "pptm",
    "potx",
    "ppsx",
)
_ODF: Final = ("odt", "ott", "ods", "ots", "odp", "otp", "odg", "odf")
_ARCHIVES: Final = frozenset((*_OFFICE, *_ODF, "vsdx", "jar", "war", "apk", "epub", "kmz", "asice", "asics"))
# What EdXML102-0.0.3 leaves bare, misspellings included: its readers expect exactly these.
_BARE: Final = frozenset({"pdf", "doc", "docx", "xsl", "xslx", "zip"})

_UNREADABLE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    RuntimeError,  # an encrypted entry
    ValueError,
    OverflowError,
)


def unwrap(content: bytes, name: str, limits: Limits, path: str) -> bytes | None:
    """The file inside, or None when the content is the file itself.

    Raises EdxmlError for a wrap that is damaged or grows beyond the limits.
    """
    if not content.startswith(_LOCAL_FILE) or extension(name) == "zip" or not _has_one_entry(content):
        return None
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            if len(entries) != 1 or entries[0].is_dir():
                return None
            entry = entries[0]
            if extension(name) in _ARCHIVES and extension(entry.filename) != extension(name):
                return None
            _guard(entry, limits, path)
            with archive.open(entry) as file:
                # the directory may lie about the size: read one byte more than it promises
                inside = file.read(entry.file_size + 1)
    except EdxmlError:
        raise
    except _UNREADABLE as error:
        raise EdxmlError("edxml.attachment_unreadable", path, "the archive around the file is damaged") from error
    if len(inside) != entry.file_size:
        raise EdxmlError("edxml.attachment_unreadable", path, "the archive around the file is damaged")
    return inside


def wrap(content: bytes, name: str, sha256: str) -> tuple[bytes, str]:
    """The bytes to send and their content type, by the rule of EdXML102-0.0.3; the same file gives the same bytes."""
    kind = extension(name)
    if kind in _BARE:
        return content, f"application/{kind}"
    entry = zipfile.ZipInfo(str(UUID(sha256[:32])) + (f".{kind}" if kind else ""), date_time=(1980, 1, 1, 0, 0, 0))
    entry.create_system = 0
    # stored: what deflate writes differs from one zlib to the next
    entry.compress_type = zipfile.ZIP_STORED
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr(entry, content)
    return target.getvalue(), "application/zip"


def _has_one_entry(content: bytes) -> bool:
    """Asked of the end record before the directory is read, which in a hostile file lists millions of entries."""
    tail_start = max(0, len(content) - _END_OF_DIRECTORY.size - _COMMENT_BYTES)
    found = content.rfind(_END_MARK, tail_start)
    if found < 0 or found + _END_OF_DIRECTORY.size > len(content):
        return False
    locator = max(0, found - _ZIP64_LOCATOR_BYTES)
    if content.startswith(_ZIP64_LOCATOR_MARK, locator):
        return False
    _, _, _, here, total, directory_bytes, _, _ = _END_OF_DIRECTORY.unpack_from(content, found)
    return bool(here == total == 1 and directory_bytes <= _ONE_ENTRY_BYTES)


def _guard(entry: zipfile.ZipInfo, limits: Limits, path: str) -> None:
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise EdxmlError("edxml.archive_refused", path, "compressed in a way no sender uses")
    if entry.file_size > limits.attachment_bytes:
        raise EdxmlError("edxml.archive_refused", path, f"unpacks to more than {limits.attachment_bytes} bytes")
    if entry.file_size > RATIO_MATTERS_FROM_BYTES and entry.file_size > limits.archive_ratio * entry.compress_size:
        raise EdxmlError("edxml.archive_refused", path, f"unpacks to more than {limits.archive_ratio} times its size")
