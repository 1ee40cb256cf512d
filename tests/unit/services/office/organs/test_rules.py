"""Whom a caller acts for."""

from datetime import date
from typing import Any

import pytest

from contracts.directory import Directory
from contracts.messages.registry import Alias, OrganChanged
from contracts.problems import HubError
from services.office.organs import rules

ON = date(2024, 6, 3)


def organ(code: str, **fields: Any) -> OrganChanged:
    given = {"code": code, "version": 1, "name": code, "level": "commune"} | fields
    return OrganChanged.model_validate(given)


DIRECTORY = Directory.from_organs(
    [
        organ("H28.1", aliases=[Alias(code="000.01.H28")]),
        organ("H28.2"),
        organ("H28.3", suspended=True),
        organ("H28.4", valid_to=date(2024, 1, 1)),
    ]
)


def refusal(organs: list[str], wanted: str | None) -> str:
    with pytest.raises(HubError) as caught:
        rules.choose(organs, wanted, DIRECTORY, ON)
    return caught.value.code


def test_only_organ_needs_no_header() -> None:
    assert rules.choose(["H28.1"], None, DIRECTORY, ON).code == "H28.1"


def test_alias_and_case_name_the_same_organ() -> None:
    assert rules.choose(["H28.1", "H28.2"], "000.01.h28", DIRECTORY, ON).code == "H28.1"
    assert rules.choose(["000.01.H28"], "h28.1", DIRECTORY, ON).code == "H28.1"


def test_refuses_what_is_unclear_or_foreign() -> None:
    assert refusal(["H28.1", "H28.2"], None) == "organ.ambiguous"
    assert refusal([], None) == "organ.forbidden"
    assert refusal(["H28.1"], "H28.2") == "organ.forbidden"
    assert refusal(["H28.1"], "H99") == "organ.forbidden"
    assert refusal(["H99"], None) == "sender.unknown"


def test_suspended_or_closed_organ_reads_and_does_not_write() -> None:
    suspended, closed = (rules.choose([code], None, DIRECTORY, ON) for code in ("H28.3", "H28.4"))

    with pytest.raises(HubError, match="suspended"):
        rules.require_active(suspended, ON)
    with pytest.raises(HubError, match="not registered"):
        rules.require_active(closed, ON)
