"""Entries of the registers as a person reads them: every member by its name in both languages, lists of entries as
tables."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from deploy.commands.tables import Renderable, facts, listed, moment, stacked, table

NAMES = {
    "administrative_unit": "Đơn vị hành chính · Administrative unit",
    "aliases": "Mã khác · Aliases",
    "client_id": "Mã hệ thống · Client id",
    "client_secret": "Khóa, chỉ hiện lần này · Secret, shown this once",
    "code": "Mã · Code",
    "created_at": "Tạo lúc · Created",
    "default_successor": "Kế thừa mặc định · Default successor",
    "dropped": "Khóa đã thu hồi · Secret taken away",
    "home": "Kênh · Home",
    "id": "Mã · Id",
    "kind": "Loại · Kind",
    "last_used_at": "Dùng lần cuối · Last used",
    "level": "Cấp · Level",
    "name": "Tên · Name",
    "organ": "Cơ quan · Organ",
    "organs": "Cơ quan đại diện · Organs",
    "quota": "Hạn mức · Quota",
    "scopes": "Quyền · Scopes",
    "secrets": "Khóa · Secrets",
    "successors": "Kế thừa · Successors",
    "superiors": "Cấp trên · Superiors",
    "suspended": "Tạm dừng · Suspended",
    "valid_from": "Từ · From",
    "valid_to": "Đến trước · Until",
    "version": "Phiên bản · Version",
}

Entry = Mapping[str, Any]


def members(entry: Entry) -> Renderable:
    """A member nobody has named yet is shown by its own name."""
    single = [(_name(key), _value(key, value)) for key, value in entry.items() if not _is_rows(value)]
    tables = [_rows(key, value) for key, value in entry.items() if _is_rows(value)]
    return stacked(facts(single), *tables)


def _rows(key: str, rows: Sequence[Entry]) -> Renderable:
    keys = list(dict.fromkeys(each for row in rows for each in row))
    lines = [[_value(each, row.get(each)) for each in keys] for row in rows]
    return table(_name(key), [_name(each) for each in keys], lines)


def _name(key: str) -> str:
    return NAMES.get(key, key)


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, Mapping) for row in value)


def _value(key: str, value: Any) -> object:
    if isinstance(value, bool):
        return "có · yes" if value else "không · no"
    if key.endswith("_at") and value is not None:
        return moment(value)
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return listed(value)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | Mapping) else value
