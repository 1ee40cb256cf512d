"""Systems and signing keys in memory, replaced as a whole when they changed: who may speak, and what signs tokens."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from joserfc.jwk import OKPKey

from contracts.messages.registry import Jwk, KeyPublished, SystemChanged
from gateway.identity import store as secrets
from gateway.identity.actions import private_context
from gateway.identity.model import KEYS, SYSTEMS
from gateway.identity.rules import signing_key
from gateway.registries import store
from services.kernel.auth import System, system_of
from services.kernel.connection import Connection
from services.kernel.crypto import Keyring


class SystemSnapshot:
    """Both mappings stay as they are for whoever took them."""

    def __init__(self) -> None:
        self.systems: Mapping[str, System] = {}
        self.speakers: Mapping[str, int] = {}
        """Canonical organ → number of systems, not suspended, that may speak for it."""
        self._revision = 0

    async def refresh(self, conn: Connection) -> bool:
        """Takes over what was committed since the last time; tells whether anything was."""
        revision, documents = await store.since(conn, SYSTEMS.table, self._revision)
        if revision <= self._revision:  # also when another refresh was faster, which must not be undone
            return False
        changed = [SystemChanged.model_validate_json(document) for document in documents]
        systems = {**self.systems, **{system.client_id: system_of(system) for system in changed}}
        active = (system for system in systems.values() if not system.suspended)
        speakers = Counter(organ for system in active for organ in system.organs)
        self.systems, self.speakers, self._revision = systems, speakers, revision
        return True


class KeySnapshot:
    """Published keys, and the private ones opened."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._keys: Mapping[str, KeyPublished] = {}
        self._private: Mapping[str, OKPKey] = {}
        self._revision = 0

    async def refresh(self, conn: Connection) -> bool:
        """Takes over what was committed since the last time; tells whether anything was."""
        revision, documents = await store.since(conn, KEYS.table, self._revision)
        if revision <= self._revision:
            return False
        changed = {key.kid: key for key in map(KeyPublished.model_validate_json, documents)}
        sealed = await secrets.private_keys(conn, [kid for kid in changed if kid not in self._private])
        opened = {
            kid: OKPKey.import_key(self._keyring.open(private, private_context(kid))) for kid, private in sealed.items()
        }
        if revision <= self._revision:
            return True
        self._keys, self._private = {**self._keys, **changed}, {**self._private, **opened}
        self._revision = revision
        return True

    def signer(self, now: datetime) -> tuple[str, OKPKey] | None:
        """Key id and private key tokens are signed with at this moment."""
        key = signing_key((key for key in self._keys.values() if key.kid in self._private), now)
        return None if key is None else (key.kid, self._private[key.kid])

    def jwk(self, kid: str, now: datetime) -> Jwk | None:
        """The public key a token names; None when there is none or it has ended."""
        key = self._keys.get(kid)
        return key.jwk if key is not None and (key.valid_to is None or key.valid_to > now) else None

    def public(self, now: datetime) -> list[Jwk]:
        """The keys tokens may be signed with now or soon, the oldest first."""
        current = [key for key in self._keys.values() if key.valid_to is None or key.valid_to > now]
        return [key.jwk for key in sorted(current, key=lambda key: (key.valid_from, key.kid))]
