"""Changes of systems and signing keys, each marked in the audit. Secrets arrive hashed, private keys leave sealed."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from joserfc.jwk import OKPKey

from contracts.messages.registry import Jwk, KeyPublished, SystemChanged
from contracts.problems import HubError
from gateway.audit.actions import Act, Entry, record, told
from gateway.identity import store
from gateway.identity.model import KEYS, SYSTEMS
from gateway.identity.rules import ADMIN, CLOCK_SKEW, PUBLISH_AHEAD, administers, key_is_due, last_day, signing_key
from gateway.identity.store import Secret
from gateway.organs.rules import fold
from gateway.registries import actions as registries
from gateway.registries import store as entries
from gateway.registries.actions import Saved
from services.kernel.connection import Connection
from services.kernel.crypto import Keyring

KIND = "system"
KEY_KIND = "key"
COMING = "a new key is published already and is not in use yet"


async def create_system(
    conn: Connection, system: SystemChanged, hashed: str, *, by: Act
) -> tuple[SystemChanged, Secret]:
    """A new system with its first secret; organs are canonical. Refuses a client id in use."""
    await entries.lock(conn)
    if await store.system(conn, system.client_id):
        raise HubError("request.conflict", "the client id is in use", pointer="/client_id")
    secret, _ = await store.add_secret(conn, system.client_id, hashed)
    return await _save(conn, system, by, "system.created"), secret


async def put_system(conn: Connection, system: SystemChanged, hashed: str | None, *, by: Act) -> SystemChanged:
    """The system as given, new or not; with a hash, that is its only secret from now on. A suspension and a quota
    that were decided meanwhile stay."""
    await entries.lock(conn)
    held = await store.system(conn, system.client_id)
    if hashed is not None:
        gone = await store.clear_secrets(conn, system.client_id)
        secret, _ = await store.add_secret(conn, system.client_id, hashed)
        if held is not None:
            await _record_secrets(conn, system.client_id, by, added=secret, removed=gone)
    kept = {"suspended": held.suspended, "quota": held.quota} if held else {}
    return await _save(conn, system.model_copy(update=kept), by, "system.changed" if held else "system.created")


async def change_system(
    conn: Connection,
    client_id: str,
    edit: Callable[[SystemChanged], SystemChanged],
    *,
    by: Act,
    action: str = "system.changed",
) -> SystemChanged:
    """The system as `edit` makes it of the present one, which nobody else changes meanwhile; it may refuse."""
    await entries.lock(conn)
    held = await _known(conn, client_id)
    new = edit(held)
    if administers(held) and not administers(new):
        await _keep_an_administrator(conn, client_id)
    return await _save(conn, new, by, action)


async def suspend_system(conn: Connection, client_id: str, *, by: Act, suspended: bool = True) -> SystemChanged:
    """A suspended system gets no token, and nothing it sends is taken; `suspended=False` lifts it."""

    def edit(held: SystemChanged) -> SystemChanged:
        return held.model_copy(update={"suspended": suspended})

    return await change_system(
        conn, client_id, edit, by=by, action="system.suspended" if suspended else "system.resumed"
    )


async def add_secret(conn: Connection, client_id: str, hashed: str, *, by: Act) -> Secret:
    """A further secret beside the present one, so that a system can change over; an older third is gone."""
    await entries.lock(conn)
    await _known(conn, client_id)
    secret, gone = await store.add_secret(conn, client_id, hashed)
    await _record_secrets(conn, client_id, by, added=secret, removed=gone)
    return secret


async def remove_secret(conn: Connection, client_id: str, id_: str, *, by: Act) -> None:
    """Nobody gets a token by that secret any more; tokens given before run to their end."""
    await entries.lock(conn)
    held = await _known(conn, client_id)
    secret = await store.remove_secret(conn, client_id, id_)
    if secret is None:
        raise HubError("request.not_found", "no such secret")
    if administers(held) and not await store.secrets(conn, client_id):
        await _keep_an_administrator(conn, client_id)
    await _record_secrets(conn, client_id, by, removed=[secret])


async def ensure_key(conn: Connection, keyring: Keyring, *, by: Act) -> None:
    """Makes the first signing key when there is none; it is in use at once, as nobody can hold an older token."""
    await entries.lock(conn)
    if signing_key(await store.keys(conn, by.at), by.at) is None:
        await _add_key(conn, keyring, by.at - CLOCK_SKEW, by, "key.created")


async def rotate_key(conn: Connection, keyring: Keyring, *, by: Act, ahead: timedelta = PUBLISH_AHEAD) -> KeyPublished:
    """Publishes a new key that signs from `ahead` on; those before it verify until their last token has ended.
    Refuses while the last rotation has not come into force."""
    await entries.lock(conn)
    held = await store.keys(conn, by.at)
    if any(key.valid_from > by.at for key in held):
        raise HubError("request.conflict", COMING)
    begins = by.at + ahead
    replaced = [key.model_copy(update={"valid_to": last_day(begins)}) for key in held if not key.valid_to]
    await _save_keys(conn, replaced)
    return await _add_key(conn, keyring, begins, by, "key.rotated")


async def rotate_due_key(conn: Connection, keyring: Keyring, age: timedelta, *, by: Act) -> KeyPublished | None:
    """Rotates when the youngest key began that long ago. Of several processes one finds it due: they wait for one
    another, and the next one finds the new key."""
    await entries.lock(conn)
    if not key_is_due(await store.keys(conn, by.at), by.at, age):
        return None
    return await rotate_key(conn, keyring, by=by)


def private_context(kid: str) -> bytes:
    return f"signing-key|{kid}".encode()


async def _known(conn: Connection, client_id: str) -> SystemChanged:
    system = await store.system(conn, client_id)
    if system is None:
        raise HubError("request.not_found", "no such system")
    return system


async def _keep_an_administrator(conn: Connection, client_id: str) -> None:
    if not await store.other_administrator(conn, client_id):
        raise HubError("request.conflict", "no other system could administer the hub then")


async def _save(conn: Connection, system: SystemChanged, by: Act, action: str) -> SystemChanged:
    """With its row's columns, its organs and its mark in the audit; nothing when nothing differs."""
    changed = await registries.save(conn, SYSTEMS, {system.client_id: system}, _columns)
    if not changed:
        return system
    saved: Saved[SystemChanged] = changed[0]
    await store.replace_organs(conn, saved.key, saved.payload.organs)
    await record(conn, by, [Entry(action, KIND, saved.key, saved.before, saved.after)])
    return saved.payload


def _columns(system: SystemChanged) -> dict[str, object]:
    return {
        "level": system.level.value,
        "search": fold(f"{system.name} {system.client_id}"),
        "suspended": system.suspended,
        "administers": ADMIN in system.scopes,
    }


async def _record_secrets(
    conn: Connection, client_id: str, by: Act, *, added: Secret | None = None, removed: Sequence[Secret] = ()
) -> None:
    marks = [Entry("system.secret-removed", KIND, client_id, before=_shown(secret)) for secret in removed]
    if added is not None:
        marks.append(Entry("system.secret-added", KIND, client_id, after=_shown(added)))
    await record(conn, by, marks)


def _shown(secret: Secret) -> bytes:
    return told(secret=secret.id, created_at=secret.created_at, last_used_at=secret.last_used_at)


async def _add_key(conn: Connection, keyring: Keyring, begins: datetime, by: Act, action: str) -> KeyPublished:
    pair = OKPKey.generate_key("Ed25519")
    kid = f"{begins:%Y%m%d}-{pair.thumbprint()[:16]}"
    jwk = Jwk(kty="OKP", crv="Ed25519", x=str(pair.as_dict(private=False)["x"]), kid=kid, alg="EdDSA", use="sig")
    await store.add_private_key(conn, kid, keyring.seal(pair.as_pem(private=True), private_context(kid)))
    saved = (await _save_keys(conn, [KeyPublished(kid=kid, version=1, jwk=jwk, valid_from=begins)]))[0]
    await record(conn, by, [Entry(action, KEY_KIND, kid, saved.before, saved.after)])
    return saved.payload


async def _save_keys(conn: Connection, keys: Iterable[KeyPublished]) -> list[Saved[KeyPublished]]:
    return await registries.save(conn, KEYS, {key.kid: key for key in keys}, lambda key: {"valid_to": key.valid_to})
