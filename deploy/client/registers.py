"""What the gateway takes and answers beside transfers, as typed dictionaries: routes, organs, systems."""

from typing import Any, Literal, NotRequired, TypedDict

from deploy.client.words import AliasKind, DeadLetterState, DeliveryState, Home, Level, Office, StuckKind


class Route(TypedDict):
    from_level: str
    to_level: str
    open: int
    oldest_seconds: float
    rate_per_minute: float
    failures: int
    last_canary_at: NotRequired[str]


class Stuck(TypedDict):
    """A delivery that nobody has taken yet, or whose successor nobody has decided; open `since` then, and for the kind
    stuck refused by its office `stuck_since` then. `reason` is a problem's code or says what is waited for; `href`
    leads to the transfer."""

    kind: StuckKind
    delivery: str
    transfer: str
    subject: str
    type: str
    sender: str
    organ: str
    office: NotRequired[str]
    via: str
    since: str
    stuck_since: NotRequired[str]
    attempts: int
    due_at: NotRequired[str]
    reason: str
    href: str


class Queued(TypedDict):
    transfer: str
    hopsequence: NotRequired[int]


class Redelivered(TypedDict):
    """What is sent now, in order: what was open before it to the same office goes first. `attempts`: sent so far."""

    delivery: str
    transfer: str
    subject: str
    organ: str
    via: str
    office: NotRequired[str]
    attempts: int
    queued: list[Queued]
    dry_run: bool


class Closed(TypedDict):
    """Final, or waiting for the office's receipt; until then the sender sees it open. `left` are the organs the same
    record still goes to, `open_offer` is the custody offer it carried, which its giver has to recall."""

    delivery: str
    transfer: str
    subject: str
    organ: str
    state: DeliveryState
    final: bool
    office: NotRequired[str]
    hopsequence: NotRequired[int]
    record: NotRequired[Literal["voided", "narrowed"]]
    left: list[str]
    sender_sees: DeliveryState
    code: str
    open_offer: NotRequired[str]
    dry_run: bool


class StuckFilters(TypedDict, total=False):
    """All that are given must fit; `older_than` is in seconds and bounds the kind waiting only, `limit` is the size of
    a page."""

    kind: StuckKind
    office: Office
    organ: str
    subject: str
    older_than: int
    limit: int


class DeadLetter(TypedDict):
    """A record a program could not read as a message: headers that are codes, and the verdict; never its body."""

    id: str
    program: str
    topic: str
    partition: int
    offset: int
    headers: dict[str, str]
    verdict: dict[str, str]
    at: str
    state: DeadLetterState
    closed_at: NotRequired[str]
    closed_by: NotRequired[str]
    reason: NotRequired[str]
    dry_run: NotRequired[bool]


class DeadLetterFilters(TypedDict, total=False):
    """All that are given must fit; `since` is RFC 3339, `limit` the size of a page."""

    topic: str
    code: str
    state: DeadLetterState
    since: str
    limit: int


class Successor(TypedDict):
    organ: str
    name: NotRequired[str]


class Decided(TypedDict):
    successor: str
    by: str
    at: str


class Undecided(TypedDict):
    """A closed organ with several successors, and what waits for a decision. `decided`: work still goes on, or the
    choice cannot be carried out."""

    organ: str
    name: NotRequired[str]
    closed_on: NotRequired[str]
    successors: list[Successor]
    waiting: int
    subjects: int
    oldest_at: str
    decided: NotRequired[Decided]


class Decision(TypedDict):
    """Whom the deliveries of a closed organ go to now; with `subject` those of one dossier or document. `deliveries`
    counts those that wait."""

    organ: str
    successor: str
    subject: NotRequired[str]
    deliveries: int
    dry_run: bool


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
