"""Changes of systems and signing keys. Secrets arrive hashed, private keys leave sealed."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from joserfc.jwk import OKPKey
from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.directory import Directory
from contracts.messages.registry import Jwk, KeyPublished, SystemChanged
from contracts.problems import HubError
from gateway.identity import store
from gateway.identity.model import KEYS, SYSTEMS
from gateway.identity.rules import CLOCK_SKEW, PUBLISH_AHEAD, SCOPES, last_day, signing_key
from gateway.registries import actions as registries
from gateway.registries import store as entries
from services.kernel.crypto import Keyring


def canonical(system: SystemChanged, directory: Directory, on: date) -> SystemChanged:
    """The system with its organs by their canonical codes; refuses organs and scopes that do not exist."""
    organs = []
    for place, code in enumerate(system.organs):
        organ = directory.find(code, on)
        if organ is None:
            raise HubError("request.invalid", "no such organ", pointer=f"/organs/{place}")
        organs.append(organ.code)
    for place, scope in enumerate(system.scopes):
        if scope not in SCOPES:
            raise HubError("request.invalid", "no such scope", pointer=f"/scopes/{place}")
    return system.model_copy(update={"organs": list(dict.fromkeys(organs))})


async def create_system(conn: AsyncConnection, system: SystemChanged, hashed: str) -> SystemChanged:
    """A new system with its first secret; organs are canonical. Refuses a client id in use."""
    await entries.lock(conn)
    if await store.system(conn, system.client_id):
        raise HubError("request.conflict", "the client id is in use", pointer="/client_id")
    await store.add_secret(conn, system.client_id, hashed)
    return await _save(conn, system)


async def put_system(conn: AsyncConnection, system: SystemChanged, hashed: str | None) -> SystemChanged:
    """The system as given, new or not; with a hash, that is its only secret from now on. A suspension stays."""
    await entries.lock(conn)
    held = await store.system(conn, system.client_id)
    if hashed is not None:
        await store.clear_secrets(conn, system.client_id)
        await store.add_secret(conn, system.client_id, hashed)
    suspended = held is not None and held.suspended
    return await _save(conn, system.model_copy(update={"suspended": suspended}))


async def suspend_system(conn: AsyncConnection, client_id: str, *, suspended: bool = True) -> SystemChanged:
    """A suspended system gets no token, and the gateway takes nothing it sends; `suspended=False` lifts it."""
    await entries.lock(conn)
    return await _save(conn, (await _known(conn, client_id)).model_copy(update={"suspended": suspended}))


async def add_secret(conn: AsyncConnection, client_id: str, hashed: str) -> None:
    """A further secret beside the present one, so that a system can change over; an older third is gone."""
    await _known(conn, client_id)
    await store.add_secret(conn, client_id, hashed)


async def ensure_key(conn: AsyncConnection, keyring: Keyring, now: datetime) -> None:
    """Makes the first signing key when there is none; it is in use at once, as nobody can hold an older token."""
    await entries.lock(conn)
    if signing_key(await store.keys(conn, now), now) is None:
        await _add_key(conn, keyring, now - CLOCK_SKEW)


async def rotate_key(
    conn: AsyncConnection, keyring: Keyring, now: datetime, *, ahead: timedelta = PUBLISH_AHEAD
) -> KeyPublished:
    """Publishes a new key that signs from `now + ahead` on; those before it verify until their last token has ended."""
    await entries.lock(conn)
    begins = now + ahead
    replaced = [
        key.model_copy(update={"valid_to": last_day(begins)}) for key in await store.keys(conn, now) if not key.valid_to
    ]
    await _save_keys(conn, replaced)
    return await _add_key(conn, keyring, begins)


def private_context(kid: str) -> bytes:
    return f"signing-key|{kid}".encode()


async def _known(conn: AsyncConnection, client_id: str) -> SystemChanged:
    system = await store.system(conn, client_id)
    if system is None:
        raise HubError("request.not_found", "no such system")
    return system


async def _save(conn: AsyncConnection, system: SystemChanged) -> SystemChanged:
    changed = await registries.save(conn, SYSTEMS, {system.client_id: system}, lambda _: {})
    return changed[0] if changed else system


async def _add_key(conn: AsyncConnection, keyring: Keyring, begins: datetime) -> KeyPublished:
    pair = OKPKey.generate_key("Ed25519")
    kid = f"{begins:%Y%m%d}-{pair.thumbprint()[:16]}"
    jwk = Jwk(kty="OKP", crv="Ed25519", x=str(pair.as_dict(private=False)["x"]), kid=kid, alg="EdDSA", use="sig")
    await store.add_private_key(conn, kid, keyring.seal(pair.as_pem(private=True), private_context(kid)))
    return (await _save_keys(conn, [KeyPublished(kid=kid, version=1, jwk=jwk, valid_from=begins)]))[0]


async def _save_keys(conn: AsyncConnection, keys: Iterable[KeyPublished]) -> list[KeyPublished]:
    return await registries.save(conn, KEYS, {key.kid: key for key in keys}, lambda key: {"valid_to": key.valid_to})
