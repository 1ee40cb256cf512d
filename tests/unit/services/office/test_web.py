"""Small readings of headers."""

import pytest

from contracts.problems import HubError
from services.office.web import problems, version_of


@pytest.mark.parametrize(("header", "version"), [(None, None), ("*", None), ('"7"', 7), ('W/"7"', 7), ("7", 7)])
def test_reads_the_version_of_if_match(header: str | None, version: int | None) -> None:
    assert version_of(header) == version


def test_refuses_another_if_match() -> None:
    with pytest.raises(HubError) as caught:
        version_of('"seven"')

    assert caught.value.code == "request.malformed"


def test_problems_are_listed_by_status() -> None:
    listed = problems("custody.taking", writes=True)

    assert "`custody.taking`" in listed[409]["description"]
    assert "`idempotency.in_progress`" in listed[409]["description"]
