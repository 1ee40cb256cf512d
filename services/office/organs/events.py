"""The office's copy of organs, systems and keys in memory, kept by the kernel's registry copies."""

from collections.abc import Mapping
from typing import Any, TypeVar

import structlog
from pydantic import ValidationError

from contracts.directory import Directory
from contracts.messages.base import Payload
from contracts.messages.registry import KeyPublished, OrganChanged, SystemChanged
from services.kernel.auth import System, system_of
from services.kernel.clock import Clock

ORGANS, SYSTEMS, KEYS = TOPICS = ("registry.organ", "registry.system", "registry.key")

Model = TypeVar("Model", OrganChanged, SystemChanged, KeyPublished)

_log = structlog.get_logger(__name__)


class Registry:
    """`changed` is called with what is new; readers always see a whole directory."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._directory = Directory()
        self._systems: dict[str, System] = {}
        self._keys: dict[str, KeyPublished] = {}

    def changed(self, topic: str, entries: Mapping[str, bytes]) -> None:
        """Takes over newer entries. One that this release cannot read leaves the one before in force."""
        if topic == ORGANS:
            directory = self._directory.copy()
            for organ in _readable(topic, OrganChanged, entries):
                directory.put(organ)
            self._directory = directory
        elif topic == SYSTEMS:
            for system in _readable(topic, SystemChanged, entries):
                self._systems[system.client_id] = system_of(system)
        elif topic == KEYS:
            self._keys |= {key.kid: key for key in _readable(topic, KeyPublished, entries)}

    def directory(self) -> Directory:
        return self._directory

    def system(self, client_id: str) -> System | None:
        return self._systems.get(client_id)

    def key(self, kid: str) -> Mapping[str, Any] | None:
        """The public key a token names, unless it has ended by hub time."""
        key = self._keys.get(kid)
        ended = key is None or (key.valid_to is not None and key.valid_to <= self._clock.hub_now())
        return None if key is None or ended else dict(key.jwk)


MODELS: dict[str, type[Payload]] = {ORGANS: OrganChanged, SYSTEMS: SystemChanged, KEYS: KeyPublished}


def readable(topic: str, value: bytes) -> bool:
    """Whether this release can read the entry."""
    try:
        MODELS[topic].model_validate_json(value)
    except ValidationError:
        return False
    return True


def _readable(topic: str, model: type[Model], entries: Mapping[str, bytes]) -> list[Model]:
    found: list[Model] = []
    for name, value in entries.items():
        try:
            found.append(model.model_validate_json(value))
        except ValidationError as error:
            _log.error("registry.entry_unreadable", topic=topic, id=name, errors=error.error_count())
    return found
