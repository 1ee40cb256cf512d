"""The closed list of what a system may be allowed to do. Write includes read."""

from typing import Final, Literal, get_args

ScopeName = Literal[
    "dossier:read", "dossier:write", "document:read", "document:write", "inbox:read", "event:read", "ops", "admin"
]
SCOPES: Final[tuple[str, ...]] = get_args(ScopeName)
