"""What a home folder decides once and keeps: the secret between gateway and axis stand-in, the shift of hub time."""

from __future__ import annotations

import json
import os
import secrets
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from deploy.local.errors import LocalError

AXIS_SECRET = "axis.secret"  # noqa: S105 - the file's name
CLOCK = "clock.json"


def axis_secret(home: Path) -> str:
    """Made at first, readable by its owner only."""
    file = home / AXIS_SECRET
    if not file.exists():
        _write(file, secrets.token_urlsafe(32))
    return file.read_text(encoding="ascii")


def clock_offset(home: Path, wanted: str | None) -> float:
    """Seconds hub time is ahead of this machine's. `wanted` is the hub time to begin with; without it the home's own
    shift stays. Hub time never goes back over data that exists: deadlines and validities were judged by it."""
    file = home / CLOCK
    stored = float(json.loads(file.read_text())["offset_seconds"]) if file.exists() else None
    if not wanted:
        return stored or 0.0
    try:
        moment = datetime.fromisoformat(wanted)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise LocalError(
            f"CLOCK phải là thời điểm RFC 3339 có múi giờ, không phải “{wanted}”.",
            f"CLOCK must be an RFC 3339 time with a zone, not “{wanted}”.",
        )
    offset = (moment - datetime.now(UTC)).total_seconds()
    present = stored if stored is not None else 0.0 if (home / "credentials.json").exists() else None
    if present is not None and offset < present:
        raise LocalError(
            "CLOCK lùi về trước dữ liệu đã có; hãy dùng LIENTHONG_HOME khác.",
            "CLOCK goes back over existing data; use another LIENTHONG_HOME.",
        )
    _write(file, json.dumps({"offset_seconds": offset}))
    return offset


def _write(file: Path, text: str) -> None:
    """Appears whole, mode 600."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=".new-")
    with os.fdopen(handle, "w", encoding="ascii") as new:
        new.write(text)
    Path(name).replace(file)
