"""What a home folder decides once and keeps: seed, shift of hub time, secret between gateway and axis stand-in."""

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
SEED = "seed"
DEFAULT_SEED = "hoa-binh"


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
    kept = json.loads(file.read_text()) if file.exists() else {}
    stored = float(kept["offset_seconds"]) if kept else None
    if not wanted or kept.get("begun_with") == wanted:
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
    _write(file, json.dumps({"offset_seconds": offset, "begun_with": wanted}))
    return offset


def seed(home: Path, wanted: str | None) -> str:
    """The seed this home was begun with; another one would be mixed into its data and is refused."""
    file = home / SEED
    stored = file.read_text(encoding="utf-8").strip() if file.exists() else None
    chosen = wanted or stored or DEFAULT_SEED
    if stored is not None and chosen != stored:
        raise LocalError(
            f"Dữ liệu ở đây được nạp bằng SEED={stored}; hãy dùng LIENTHONG_HOME khác cho SEED={chosen}.",
            f"The data here was begun with SEED={stored}; use another LIENTHONG_HOME for SEED={chosen}.",
        )
    if stored is None:
        _write(file, chosen)
    return chosen


def _write(file: Path, text: str) -> None:
    """Appears whole, mode 600."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=".new-")
    with os.fdopen(handle, "w", encoding="utf-8") as new:
        new.write(text)
    Path(name).replace(file)
