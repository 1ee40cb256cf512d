"""What the doors of systems and signing keys take and give, with the examples of the API page."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field

from contracts import samples
from contracts.directory import shown
from contracts.identifiers import IDENTIFIER_PATTERN, Identifier, OrganId
from contracts.levels import Level
from contracts.messages.base import ShortText
from contracts.messages.registry import KeyPublished, Quota, SystemChanged
from contracts.scopes import ScopeName
from gateway.audit.doors import Reason
from gateway.identity.store import Secret

ClientId = Annotated[
    str, Path(pattern=IDENTIFIER_PATTERN, description="The system · mã hệ thống", examples=["stranger"])
]
NO_STORE = {"Cache-Control": "no-store"}
Organs = Annotated[list[OrganId], Field(max_length=5000)]
Scopes = Annotated[list[ScopeName], Field(max_length=50)]

NEW: dict[str, Any] = {
    "client_id": "mot-cua-dong-tien",
    "name": "Một cửa phường Đồng Tiến",
    "level": "commune",
    "organs": [samples.ORGAN],
    "scopes": ["dossier:write", "document:write", "inbox:read"],
    "quota": {"requests_per_second": 50, "bytes_per_second": 10_000_000},
}
SECRET: dict[str, Any] = {
    "id": "7f3f4a4e-2b1c-4f7e-9d55-0c8b5a1f2e6d",
    "created_at": "2024-06-03T08:00:00.000+07:00",
}
SYSTEM: dict[str, Any] = {**NEW, "version": 1, "suspended": False, "secrets": [SECRET]}
CLIENT_SECRET = "kept-by-the-system-and-nowhere-else"  # noqa: S105 - an example
REASONS = {
    "suspend": {"reason": "Khóa của hệ thống bị lộ"},
    "resume": {"reason": "Đã thay khóa, hệ thống an toàn trở lại"},
}
KEY: dict[str, Any] = {
    "kid": "20240603-Vq0pXcW1h2k3m4n5",
    "state": "coming",
    "valid_from": "2024-06-03T08:30:00.000+07:00",
}


class Form(BaseModel):
    """Base of what is sent: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SystemForm(Form):
    """A new system. Without `client_id` it gets one; `quota` left out or null: the hub's default."""

    client_id: Identifier | None = None
    name: ShortText
    level: Level
    organs: Organs
    scopes: Scopes
    quota: Quota | None = None


class SystemPatch(Form):
    """What is to change; fields that are left out stay. `quota` null: the hub's default from now on."""

    name: ShortText = Field(default_factory=str)
    organs: Organs = Field(default_factory=list)
    scopes: Scopes = Field(default_factory=list)
    quota: Quota | None = None


class ReasonForm(Form):
    reason: Reason


class SecretView(BaseModel):
    """A secret without itself. `last_used_at` is exact to the hour."""

    id: str
    created_at: datetime
    last_used_at: datetime | None = None


class NewSecretView(BaseModel):
    """`client_secret` is shown this once."""

    id: str
    created_at: datetime
    client_secret: str


class SystemItem(BaseModel):
    client_id: str
    name: str
    level: Level
    organs: list[str]
    scopes: list[str]
    suspended: bool
    quota: Quota | None = None
    version: int


class SystemView(SystemItem):
    secrets: list[SecretView]


class NewSystemView(SystemView):
    """`client_secret` is shown this once."""

    client_secret: str


class SystemPage(BaseModel):
    """`next_cursor` is there while there is more."""

    items: list[SystemItem]
    next_cursor: str | None = None


class KeyView(BaseModel):
    """`coming` is published and signs later, `signing` signs now, `verifying` verifies until its last token ended."""

    kid: str
    state: Literal["coming", "signing", "verifying"]
    valid_from: datetime
    valid_to: datetime | None = None


class KeyPage(BaseModel):
    items: list[KeyView]


def shape_system(system: SystemChanged, secrets: Sequence[Secret], client_secret: str | None = None) -> dict[str, Any]:
    """The entry as it is shown, with what may be shown of its secrets."""
    body = shape_item(system)
    body["secrets"] = [shape_secret(secret) for secret in secrets]
    return body if client_secret is None else {**body, "client_secret": client_secret}


def shape_item(system: SystemChanged) -> dict[str, Any]:
    return system.model_dump(mode="json", exclude_none=True)


def shape_secret(secret: Secret) -> dict[str, Any]:
    body = {"id": secret.id, "created_at": shown(secret.created_at)}
    return body if secret.last_used_at is None else {**body, "last_used_at": shown(secret.last_used_at)}


def shape_key(key: KeyPublished, now: datetime, signing: str | None) -> dict[str, Any]:
    state = "signing" if key.kid == signing else "coming" if key.valid_from > now else "verifying"
    body = {"kid": key.kid, "state": state, "valid_from": shown(key.valid_from)}
    return body if key.valid_to is None else {**body, "valid_to": shown(key.valid_to)}
