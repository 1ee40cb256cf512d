"""Verifying secrets: right and wrong, remembered without keeping them, never more work at once than allowed."""

import asyncio
from collections.abc import Iterator

import pytest

from contracts.problems import HubError
from gateway.identity.secrets import SecretVerifier, hash_secret, make_secret


@pytest.fixture
def verifier() -> Iterator[SecretVerifier]:
    made = SecretVerifier(waiting=2)
    yield made
    made.close()


async def test_tells_right_from_wrong_among_two_valid_secrets(verifier: SecretVerifier) -> None:
    old, new = make_secret(), make_secret()
    hashes = [hash_secret(new), hash_secret(old)]
    assert await verifier.matches(new, hashes)
    assert await verifier.matches(old, hashes)
    assert not await verifier.matches(make_secret(), hashes)
    assert not await verifier.matches(new, [])


async def test_hashes_the_same_question_once(verifier: SecretVerifier) -> None:
    secret = make_secret()
    hashed = hash_secret(secret)
    answers = await asyncio.gather(*(verifier.matches(secret, [hashed]) for _ in range(50)))
    assert all(answers)
    assert await verifier.matches(secret, [hashed])
    assert [await verifier.matches("wrong", [hashed]) for _ in range(3)] == [False, False, False]
    assert verifier.hashed == 2


async def test_secret_taken_away_is_not_found_in_memory(verifier: SecretVerifier) -> None:
    secret = make_secret()
    assert await verifier.matches(secret, [hash_secret(secret)])
    assert not await verifier.matches(secret, [hash_secret(make_secret())])


async def test_memory_holds_neither_secret_nor_hash(verifier: SecretVerifier) -> None:
    secret = make_secret()
    hashed = hash_secret(secret)
    await verifier.matches(secret, [hashed])
    assert secret not in repr(vars(verifier))
    assert hashed not in repr(vars(verifier))


async def test_refuses_when_too_many_wait(verifier: SecretVerifier) -> None:
    hashed = hash_secret(make_secret())
    results = await asyncio.gather(
        *(verifier.matches(f"guess {number}", [hashed]) for number in range(5)), return_exceptions=True
    )
    refused = [result for result in results if isinstance(result, HubError)]
    assert [error.code for error in refused] == ["system.overloaded"] * 3
    assert results.count(False) == 2


async def test_forgets_the_oldest(verifier: SecretVerifier) -> None:
    small = SecretVerifier(remembered=1)
    hashed = hash_secret("one")
    for guess in ("one", "two", "one"):
        await small.matches(guess, [hashed])
    small.close()
    assert small.hashed == 3


async def test_garbage_instead_of_a_hash_matches_nothing(verifier: SecretVerifier) -> None:
    assert not await verifier.matches("secret", ["not a hash"])


async def test_endless_secret_is_not_hashed(verifier: SecretVerifier) -> None:
    assert not await verifier.matches("x" * 10_000, [hash_secret("x")])
    assert verifier.hashed == 0
