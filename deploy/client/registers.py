"""What the gateway takes and answers beside transfers, as typed dictionaries: routes, organs, systems."""

from typing import Any, Literal, NotRequired, TypedDict

from deploy.client.words import AliasKind, Home, Level


class Route(TypedDict):
    from_level: str
    to_level: str
    open: int
    oldest_seconds: float
    rate_per_minute: float
    failures: int
    last_canary_at: NotRequired[str]


class Alias(TypedDict):
    code: str
    kind: NotRequired[AliasKind]
    valid_from: NotRequired[str]
    valid_to: NotRequired[str]


class Superior(TypedDict):
    organ: str
    valid_from: NotRequired[str]
    valid_to: NotRequired[str]


class Organ(TypedDict):
    """An organ as it stands; `valid_to` is exclusive."""

    code: str
    version: int
    name: str
    level: Level
    kind: str
    superiors: list[Superior]
    aliases: list[Alias]
    home: Home
    valid_from: NotRequired[str | None]
    valid_to: NotRequired[str | None]
    successors: list[str]
    default_successor: NotRequired[str | None]
    suspended: bool
    administrative_unit: NotRequired[str | None]


class OrganFilters(TypedDict, total=False):
    at: str
    level: Level
    parent: str
    q: str
    home: Home
    limit: int


class LineReport(TypedDict):
    line: int
    code: str
    outcome: Literal["created", "changed", "refused"]
    errors: list[dict[str, str]]


class ImportReport(TypedDict):
    """Counts of all lines of a sheet; `report` tells of those that are refused or change something."""

    dry_run: bool
    lines: int
    created: int
    changed: int
    unchanged: int
    refused: int
    report: list[LineReport]
    omitted: int


class System(TypedDict):
    """An agency system as the gateway keeps it. A `client_secret` is shown once, when it is made."""

    client_id: str
    version: int
    name: str
    level: Level
    organs: list[str]
    scopes: list[str]
    suspended: bool
    quota: NotRequired[dict[str, Any] | None]
    secrets: NotRequired[list[dict[str, Any]]]
    client_secret: NotRequired[str]
