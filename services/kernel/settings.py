"""One frozen object per process with everything that differs between machines; read from `LIENTHONG_*` once, at start.

`<NAME>_<PROGRAM>` wins over `<NAME>` for the database URL; ports and URLs are always named by program.
"""

import os
from functools import cached_property
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "LIENTHONG_"
DEFAULT_PORTS: dict[str, int] = {"gateway": 8000, "province": 8010, "district": 8020, "commune": 8030, "axis": 8040}

Role = Literal["api", "worker", "all"]


class Settings(BaseSettings):
    """Printed without secrets. `load` is the only way programs make one; tests pass values by name."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore", populate_by_name=True)

    program: str
    home: Path = Path(".lienthong")
    hub: str = Field(default="h28", pattern=r"^[a-z0-9-]{1,32}$")
    local: bool = False
    role: Role = "all"
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    host: str = "127.0.0.1"
    port: int = 0
    ports: dict[str, int] = Field(default_factory=lambda: dict(DEFAULT_PORTS))
    urls: dict[str, str] = Field(default_factory=dict)
    max_body_bytes: int = 4 * 1024 * 1024
    max_file_bytes: int = 128 * 1024 * 1024
    max_requests: int = 1000
    max_url_bytes: int = 8 * 1024
    max_query_parameters: int = 100
    max_headers: int = 100
    max_header_bytes: int = 32 * 1024
    max_json_depth: int = Field(default=64, ge=1, le=512)
    body_pause_seconds: float = Field(default=30.0, gt=0)
    body_grace_seconds: float = Field(default=10.0, gt=0)
    body_bytes_per_second: int = Field(default=10_000, gt=0)
    """A body may take the grace and its size at this rate, with no pause as long as `body_pause_seconds`."""
    quota_requests_per_second: int | None = Field(default=None, gt=0)
    """Of a system whose registry entry says nothing, in each process: unset, 200, and no bound in local mode. So with
    `quota_bytes_per_second`: unset, 50 MB of request bodies."""
    quota_bytes_per_second: int | None = Field(default=None, gt=0)
    stop_seconds: float = 10.0

    database_url: SecretStr = SecretStr("")
    database_pool_size: int = 10

    kafka_bootstrap: str = "127.0.0.1:19092"
    kafka_security: Literal["plaintext", "sasl_ssl"] = "plaintext"
    kafka_username: str = ""
    kafka_password: SecretStr = SecretStr("")
    kafka_ca_file: Path | None = None
    topic_prefix: str = ""
    kafka_replication: int | None = Field(default=None, ge=1)
    """Replicas of each topic this program makes; one fewer must hold a record before it counts as written. Unset: 3,
    and 1 in local mode."""
    group_instance_id: str | None = None
    session_timeout_seconds: float = 6.0
    retry_scale: float = Field(default=1.0, gt=0)

    signing_key_days: float = Field(default=90.0, gt=0)
    """The gateway takes a new signing key when the present one is as old."""

    keep_outbox_days: int = Field(default=30, ge=30)
    """An office's settled facts; at least as long as a restored database asks back."""
    keep_ledger_months: int = Field(default=24, ge=3)
    """Journeys of facts that are final, with the receipts given for them. Whole months of UTC, here and below."""
    keep_inbox_months: int = Field(default=12, ge=1)
    """Inbox items that some system of the organ has acknowledged; others stay."""
    keep_access_months: int = Field(default=24, ge=12)
    """An office's record of who read what."""
    keep_payloads_days: int = Field(default=30, ge=30)
    """The gateway's sealed contents and hops, from when all deliveries are final; contents go by whole months."""
    keep_events_days: int = Field(default=90, ge=7)
    """Events for integrators, from their publication on."""
    keep_dead_letters_months: int = Field(default=12, ge=1)
    """Dead letters that a person has closed, and what an office keeps of those it sent to the list; open ones stay."""

    clock_offset_seconds: float = 0.0
    key_file_path: Path | None = Field(default=None, validation_alias=f"{PREFIX}KEY_FILE")
    attachments_quota_bytes: int = Field(default=100 * 1024**3, ge=0)
    attachments_location: str | None = Field(default=None, validation_alias=f"{PREFIX}ATTACHMENTS_URL")
    axis_url: str | None = None
    axis_systemid: str = ""
    axis_secret: SecretStr = SecretStr("")

    @classmethod
    def load(cls, program: str) -> Self:
        """Settings of one program from the environment."""
        env = os.environ
        ports = {name: int(env.get(f"{PREFIX}PORT_{name.upper()}", port)) for name, port in DEFAULT_PORTS.items()}
        urls = {name: env[f"{PREFIX}URL_{name.upper()}"] for name in ports if f"{PREFIX}URL_{name.upper()}" in env}
        general = env.get(f"{PREFIX}DATABASE_URL", "")
        return cls(
            program=program,
            port=ports.get(program, 0),
            ports=ports,
            urls=urls,
            database_url=SecretStr(env.get(f"{PREFIX}DATABASE_URL_{program.upper()}", general)),
        )

    @property
    def source(self) -> str:
        """The CloudEvents `source` of everything this program sends."""
        return f"urn:lienthong:{self.hub}:{self.program}"

    @cached_property
    def key_file(self) -> Path:
        return self.key_file_path or self.home / "hub.key"

    @cached_property
    def attachments_url(self) -> str:
        return self.attachments_location or (self.home / "attachments").resolve().as_uri()

    @property
    def gateway_url(self) -> str:
        return self.url_of("gateway")

    @cached_property
    def office_urls(self) -> dict[str, str]:
        """Where each office answers, by program name."""
        return {name: self.url_of(name) for name in self.ports if name not in ("gateway", "axis")}

    def url_of(self, program: str) -> str:
        return self.urls.get(program) or f"http://{self.host}:{self.ports[program]}"
