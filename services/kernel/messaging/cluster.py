"""Where the Kafka cluster is, how it is spoken to, and what the prefix makes of topic names."""

import ssl
from dataclasses import dataclass, field
from typing import Any, Self

from services.kernel.settings import Settings

REQUEST_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Cluster:
    """Plaintext without a user name (local mode), else SASL over TLS."""

    bootstrap: str
    prefix: str = ""
    client_id: str = "lienthong"
    username: str = ""
    password: str = field(default="", repr=False)
    ca_file: str | None = None

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        secured = settings.kafka_security == "sasl_ssl"
        return cls(
            bootstrap=settings.kafka_bootstrap,
            prefix=settings.topic_prefix,
            client_id=f"lienthong-{settings.program}",
            username=settings.kafka_username if secured else "",
            password=settings.kafka_password.get_secret_value() if secured else "",
            ca_file=str(settings.kafka_ca_file) if secured and settings.kafka_ca_file else None,
        )

    def options(self) -> dict[str, Any]:
        """What every client of the cluster is made with."""
        options: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap,
            "client_id": self.client_id,
            "request_timeout_ms": int(REQUEST_SECONDS * 1000),
        }
        if self.username:
            options |= {
                "security_protocol": "SASL_SSL",
                "sasl_mechanism": "SCRAM-SHA-512",
                "sasl_plain_username": self.username,
                "sasl_plain_password": self.password,
                "ssl_context": ssl.create_default_context(cafile=self.ca_file),
            }
        return options

    def physical(self, name: str) -> str:
        """The name of a topic or group as the cluster knows it."""
        return self.prefix + name

    def logical(self, name: str) -> str:
        return name.removeprefix(self.prefix)
