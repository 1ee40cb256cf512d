"""Media types by file name, from a table of our own: the system's differs by machine, and senders' claims are wrong.

Types a browser would run (html, svg, script) are left out on purpose and come out as plain bytes.
"""

from typing import Final

OCTETS: Final = "application/octet-stream"

_OFFICE: Final = "application/vnd.openxmlformats-officedocument."
_ODF: Final = "application/vnd.oasis.opendocument."

_TYPES: Final = {
    "pdf": "application/pdf",
    "doc": "application/msword",
    "docx": _OFFICE + "wordprocessingml.document",
    "xls": "application/vnd.ms-excel",
    "xlsx": _OFFICE + "spreadsheetml.sheet",
    "ppt": "application/vnd.ms-powerpoint",
    "pptx": _OFFICE + "presentationml.presentation",
    "odt": _ODF + "text",
    "ods": _ODF + "spreadsheet",
    "odp": _ODF + "presentation",
    "rtf": "application/rtf",
    "txt": "text/plain",
    "csv": "text/csv",
    "xml": "application/xml",
    "json": "application/json",
    "edxml": "application/edxml+xml",
    "zip": "application/zip",
    "rar": "application/vnd.rar",
    "7z": "application/x-7z-compressed",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "gif": "image/gif",
    "bmp": "image/bmp",
    "tif": "image/tiff",
    "tiff": "image/tiff",
    "webp": "image/webp",
    "mp3": "audio/mpeg",
    "mp4": "video/mp4",
    "p7s": "application/pkcs7-signature",
    "p7m": "application/pkcs7-mime",
    "dwg": "image/vnd.dwg",
}


def extension(name: str) -> str:
    """The last part of the name in lower case, without the dot; nothing when there is none or it is no plain word."""
    _, dot, last = name.strip().rpartition(".")
    return last.lower() if dot and last.isascii() and last.isalnum() and len(last) <= 10 else ""


def media_type(name: str) -> str:
    return _TYPES.get(extension(name), OCTETS)
