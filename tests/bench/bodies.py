"""What is sent: dossiers of 2 KB as agencies send them, documents, and files."""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import cache
from typing import Any, Final

import orjson

PROCEDURE: Final = "1.001612"
DOSSIER_BYTES: Final = 2_048


@cache
def _words() -> bytes:
    rng = random.Random("bodies")
    syllables = ("ho", "so", "de", "nghi", "cấp", "giấy", "phép", "xây", "dựng", "nhà", "ở", "riêng", "lẻ", "tại", "xã")
    return " ".join(rng.choice(syllables) for _ in range(DOSSIER_BYTES)).encode()


def dossier(
    number: int, *, deciding: str = "", attachments: Sequence[dict[str, Any]] = (), size: int = DOSSIER_BYTES
) -> bytes:
    """A body for `POST /v1/dossiers` of about `size` bytes, no two alike."""
    fields: dict[str, Any] = {
        "procedure": PROCEDURE,
        "applicant": {
            "kind": "citizen",
            "name": "Nguyễn Thị Mẫu",
            "id_number": f"{number % 10**12:012}",
            "address": "Thôn Mẫu, xã Mẫu, tỉnh Mẫu",
            "phone": "0912345678",
        },
        "summary": f"Hồ sơ số {number}",
        "note": "",
    }
    if deciding:
        fields["deciding_organ"] = deciding
    if attachments:
        fields["attachments"] = list(attachments)
    room = size - len(orjson.dumps(fields))
    fields["note"] = _words()[: max(0, room)].decode(errors="ignore")
    return orjson.dumps(fields)


def batch(items: Sequence[bytes]) -> bytes:
    """A body for `POST /v1/dossiers:batch`."""
    return b'{"items":[' + b",".join(items) + b"]}"


def document(number: int, to: Sequence[str]) -> bytes:
    """A body for `POST /v1/documents`."""
    return orjson.dumps(
        {
            "to": list(to),
            "number": str(number),
            "notation": "UBND-VP",
            "promulgated_on": "2024-06-03",
            "type": 18,
            "type_name": "Công văn",
            "subject": "V/v phối hợp giải quyết thủ tục hành chính",
        }
    )


def file(number: int, size: int) -> bytes:
    """Bytes that do not compress, no two files alike."""
    return random.Random(number).randbytes(size)
