"""Payloads of the registries (compacted topics): organs, systems, keys. Upsert by `version`, never deleted."""

from typing import Annotated, Literal, NotRequired

from pydantic import ConfigDict, Field, StrictBool, StringConstraints, with_config
from typing_extensions import TypedDict

from contracts.identifiers import Identifier, OrganId
from contracts.levels import Level
from contracts.messages.base import Date, Moment, Ordinal, Payload, ShortText, Whole


class Alias(Payload):
    """Another code of the same organ, valid for some time."""

    code: OrganId
    kind: Literal["old", "new", "closed"] = "old"
    valid_from: Date | None = None
    valid_to: Date | None = None


class Superior(Payload):
    """A dated fact: who is superior, from when (inclusive) to when (exclusive)."""

    organ: OrganId
    valid_from: Date | None = None
    valid_to: Date | None = None


Scope = Annotated[str, StringConstraints(pattern=r"^[a-z]+(:[a-z]+)?$", max_length=40)]


class OrganChanged(Payload):
    """`organ.changed`: an organ as it stands now. `valid_to` is exclusive."""

    code: OrganId
    version: Ordinal
    name: ShortText
    level: Level
    kind: ShortText = "organ"
    superiors: Annotated[list[Superior], Field(max_length=100)] = []
    aliases: Annotated[list[Alias], Field(max_length=100)] = []
    home: Literal["office", "vxp", "axis"] = "office"
    """Channel: an office of this hub, the VXP mailbox at the gateway, or the national axis."""
    valid_from: Date | None = None
    valid_to: Date | None = None
    successors: Annotated[list[OrganId], Field(max_length=500)] = []
    default_successor: OrganId | None = None
    """Who receives what is addressed to the closed organ; with several successors and no default a person decides."""
    suspended: StrictBool = False
    administrative_unit: Identifier | None = None
    """Unit it serves: era.province.district.commune in statistics-office numbers."""


class Quota(Payload):
    """How much a system may send to each process, on average over a second; a burst of two seconds is taken."""

    requests_per_second: Annotated[int, Field(ge=1, le=100_000), Whole] | None = None
    """None: the hub's default."""
    bytes_per_second: Annotated[int, Field(ge=1024, le=10_000_000_000), Whole] | None = None
    """Of request bodies. None: the hub's default."""


class SystemChanged(Payload):
    """`system.changed`: an agency system as offices need it to know who calls; no secret. `quota` since version 2."""

    client_id: Identifier
    version: Ordinal
    name: ShortText
    level: Level
    organs: Annotated[list[OrganId], Field(max_length=5000)]
    scopes: Annotated[list[Scope], Field(max_length=50)]
    suspended: StrictBool = False
    quota: Quota | None = None


@with_config(ConfigDict(extra="forbid"))
class Jwk(TypedDict):
    """A public Ed25519 key (RFC 8037). Closed, so that a private part cannot be published."""

    kty: Literal["OKP"]
    crv: Literal["Ed25519"]
    x: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z_-]{43}$")]
    kid: NotRequired[Identifier]
    alg: NotRequired[Literal["EdDSA", "Ed25519"]]
    use: NotRequired[Literal["sig"]]


class KeyPublished(Payload):
    """`key.published`: a public key tokens are signed with (JWK, Ed25519)."""

    kid: Identifier
    version: Ordinal
    jwk: Jwk
    valid_from: Moment
    valid_to: Moment | None = None


Registration = Annotated[OrganChanged | SystemChanged | KeyPublished, Field()]
