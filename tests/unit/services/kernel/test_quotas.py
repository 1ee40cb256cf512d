"""Token buckets by a clock that the test moves."""

import pytest

from contracts.problems import HubError
from services.kernel.quotas import Load, Quota, Quotas, default_of
from services.kernel.settings import Settings

NONE = Quota()


class Clock:
    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def refused(quotas: Quotas, quota: Quota, load: Load | None = None, client: str = "c") -> tuple[str, str]:
    with pytest.raises(HubError) as caught:
        quotas.charge(client, quota, load)
    assert caught.value.code == "quota.exceeded"
    return caught.value.detail, caught.value.headers["Retry-After"]


def test_requests_have_a_burst_of_two_seconds_and_then_their_rate(clock: Clock) -> None:
    quotas = Quotas(Quota(requests_per_second=5), clock.monotonic)
    for _ in range(10):
        quotas.charge("c", NONE)
    assert refused(quotas, NONE) == ("the quota of requests: 5 per second", "1")
    quotas.charge("other", NONE)
    clock.now += 0.2
    quotas.charge("c", NONE)
    refused(quotas, NONE)
    clock.now += 3600
    for _ in range(10):
        quotas.charge("c", NONE)
    refused(quotas, NONE)


def test_a_systems_own_quota_wins_and_a_change_works_at_once(clock: Clock) -> None:
    quotas = Quotas(Quota(requests_per_second=1000), clock.monotonic)
    for _ in range(2):
        quotas.charge("c", Quota(requests_per_second=1))
    assert refused(quotas, Quota(requests_per_second=1))[0].endswith("1 per second")
    clock.now += 1
    quotas.charge("c", Quota(requests_per_second=50))
    clock.now += 1
    for _ in range(50):
        quotas.charge("c", Quota(requests_per_second=50))
    refused(quotas, Quota(requests_per_second=50))


def test_without_a_quota_there_is_no_bound(clock: Clock) -> None:
    quotas = Quotas(NONE, clock.monotonic)
    for _ in range(10_000):
        quotas.charge("c", NONE, Load(10**12))


def test_bytes_that_do_not_fit_are_told_when_they_will(clock: Clock) -> None:
    quotas = Quotas(Quota(bytes_per_second=1000), clock.monotonic)
    quotas.charge("c", NONE, Load(1500))
    assert refused(quotas, NONE, Load(2000)) == ("the quota of bytes of request bodies: 1000 per second", "2")
    quotas.charge("c", NONE, Load(500))
    quotas.charge("c", NONE, Load(0))
    clock.now += 1.5
    quotas.charge("c", NONE, Load(1500))


def test_a_body_beyond_the_burst_needs_a_full_bucket_and_leaves_a_debt(clock: Clock) -> None:
    quotas = Quotas(Quota(bytes_per_second=1000), clock.monotonic)
    quotas.charge("c", NONE, Load(1))
    refused(quotas, NONE, Load(50_000))
    clock.now += 1
    quotas.charge("c", NONE, Load(50_000))
    assert refused(quotas, NONE, Load(100))[1] == "49", "48 s of debt, and 0.1 s for the body"
    clock.now += 48.2
    quotas.charge("c", NONE, Load(100))


def test_a_refusal_takes_nothing(clock: Clock) -> None:
    quotas = Quotas(Quota(requests_per_second=1, bytes_per_second=1000), clock.monotonic)
    quotas.charge("c", NONE, Load(2000))
    for _ in range(10):
        refused(quotas, NONE, Load(2000))
    quotas.charge("c", NONE)


def test_a_request_is_charged_once(clock: Clock) -> None:
    quotas = Quotas(Quota(requests_per_second=1), clock.monotonic)
    load = Load(0)
    for _ in range(5):
        quotas.charge("c", NONE, load)
    quotas.charge("c", NONE, Load(0))
    refused(quotas, NONE, Load(0))


def test_a_stream_is_charged_as_it_comes(clock: Clock) -> None:
    quotas = Quotas(Quota(bytes_per_second=1000), clock.monotonic)
    stream = Load(None)
    stream.add(700)
    quotas.charge("c", NONE, stream)
    stream.add(700)
    assert refused(quotas, NONE, Load(700))[1] == "1"
    quotas.charge("c", NONE, Load(600))
    stream.add(10_000)
    assert refused(quotas, NONE, Load(None))[1] == "10", "its debt is everyone's"


def test_a_stream_is_cut_when_others_have_used_up_the_quota(clock: Clock) -> None:
    quotas = Quotas(Quota(bytes_per_second=1000), clock.monotonic)
    one, other = Load(None), Load(None)
    quotas.charge("c", NONE, one)
    quotas.charge("c", NONE, other)
    one.add(1900)
    other.add(2100)
    with pytest.raises(HubError) as caught:
        one.add(200)
    assert caught.value.code == "quota.exceeded"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, Quota(200, 50_000_000)),
        ({"quota_requests_per_second": 5}, Quota(5, 50_000_000)),
        ({"local": True}, Quota(None, None)),
        ({"local": True, "quota_bytes_per_second": 7}, Quota(None, 7)),
    ],
)
def test_production_has_defaults_and_local_mode_has_none(given: dict[str, int], expected: Quota) -> None:
    settings = Settings(program="commune").model_copy(update={"local": False, **given})
    assert default_of(settings) == expected
