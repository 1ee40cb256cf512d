"""What the doors that change the directory take and give, with the examples of the API page."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool

from contracts.identifiers import Identifier, OrganId
from contracts.levels import Level
from contracts.messages.base import Date, Ordinal, ShortText
from contracts.messages.registry import Alias, OrganChanged, Superior
from contracts.problems import HubError
from gateway.audit.doors import Reason

Home = Literal["office", "vxp", "axis"]
Superiors = Annotated[list[Superior], Field(max_length=100)]
Aliases = Annotated[list[Alias], Field(max_length=100)]
Successors = Annotated[list[OrganId], Field(max_length=500)]

ORGAN: dict[str, Any] = {
    "code": "H44.104",
    "name": "Ủy ban nhân dân phường Đồng Tiến",
    "level": "commune",
    "kind": "committee",
    "superiors": [{"organ": "H28", "valid_from": "2025-07-01"}],
    "aliases": [{"code": "000.04.01.H44", "kind": "old"}],
    "home": "office",
    "valid_from": "2025-07-01",
}
SHOWN: dict[str, Any] = {**ORGAN, "version": 1, "successors": [], "suspended": False}
CLOSING: dict[str, Any] = {
    "valid_to": "2025-07-01",
    "successors": ["H44.101", "H44.102"],
    "default_successor": "H44.101",
    "reason": "Nghị quyết sắp xếp đơn vị hành chính cấp xã",
}
ALIAS: dict[str, Any] = {"code": "000.00.99.H44", "kind": "old", "valid_to": "2026-01-01"}
REPORT: dict[str, Any] = {
    "dry_run": True,
    "lines": 3,
    "created": 1,
    "changed": 0,
    "unchanged": 1,
    "refused": 1,
    "report": [
        {
            "line": 4,
            "code": "H44.105",
            "outcome": "refused",
            "errors": [{"column": "superior", "problem": "no such organ"}],
        },
        {"line": 3, "code": "H44.104", "outcome": "created", "errors": []},
    ],
    "omitted": 0,
}


class Form(BaseModel):
    """Base of what is sent: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class OrganForm(Form):
    """A whole entry, as it is read. `code` is that of the address; `version`, when it is there, must be the present
    one. A suspension stays when `suspended` is left out."""

    code: OrganId | None = None
    version: Ordinal | None = None
    name: ShortText
    level: Level
    kind: ShortText = "organ"
    superiors: Superiors = []
    aliases: Aliases = []
    home: Home = "office"
    valid_from: Date | None = None
    valid_to: Date | None = None
    successors: Successors = []
    default_successor: OrganId | None = None
    suspended: StrictBool | None = None
    administrative_unit: Identifier | None = None

    def entry(self, code: str, held: OrganChanged | None) -> OrganChanged:
        """The entry it says."""
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        suspended = self.suspended if self.suspended is not None else held is not None and held.suspended
        version = 1 if held is None else held.version
        return OrganChanged(**{**fields, "code": self.code or code, "version": version, "suspended": suspended})


class OrganPatch(Form):
    """What is to change; fields that are left out stay, lists are given whole. Null takes a date or a default away."""

    name: ShortText = Field(default_factory=str)
    kind: ShortText = Field(default_factory=str)
    home: Home = Field(default_factory=lambda: "office")
    suspended: StrictBool = Field(default_factory=bool)
    superiors: Superiors = Field(default_factory=list)
    valid_from: Date | None = None
    valid_to: Date | None = None
    successors: Successors = Field(default_factory=list)
    default_successor: OrganId | None = None
    administrative_unit: Identifier | None = None
    reason: Reason = Field(default_factory=str)

    def edited(self, held: OrganChanged) -> OrganChanged:
        """The entry with the changes; successors of an organ that is opened again go with its end."""
        changes = {name: getattr(self, name) for name in self.model_fields_set - {"reason"}}
        if "valid_to" in changes and changes["valid_to"] is None:
            changes = {"successors": [], "default_successor": None} | changes
        return held.model_copy(update=changes)

    def action(self, held: OrganChanged) -> str:
        """What the audit calls it."""
        if "suspended" in self.model_fields_set and self.suspended != held.suspended:
            return "organ.suspended" if self.suspended else "organ.resumed"
        if "valid_to" in self.model_fields_set and self.valid_to is not None and held.valid_to is None:
            return "organ.closed"
        return "organ.changed"


class CellError(BaseModel):
    """`column` is empty when the line as a whole is wrong."""

    column: str
    problem: str


class LineReport(BaseModel):
    """A line that is refused, or that makes or changes an organ."""

    line: int
    code: str
    outcome: Literal["created", "changed", "refused"]
    errors: list[CellError]


class ImportReport(BaseModel):
    """Counts of all lines; `report` tells of the first 1000 that are refused or change something, refused ones first,
    `omitted` says of how many more it does not."""

    dry_run: bool
    lines: int
    created: int
    changed: int
    unchanged: int
    refused: int
    report: list[LineReport]
    omitted: int


def with_alias(held: OrganChanged, alias: Alias) -> OrganChanged:
    if len(held.aliases) == 100:
        raise HubError("request.conflict", "the organ has as many aliases as it may have", pointer="/code")
    return held if alias in held.aliases else held.model_copy(update={"aliases": [*held.aliases, alias]})
