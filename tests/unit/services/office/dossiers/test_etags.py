"""The tag of a dossier, and `If-Match` as it is written."""

from dataclasses import replace

import pytest

from contracts.problems import HubError
from contracts.protocol import Stamp
from services.office.dossiers.etags import ANY, IfMatch, etag
from services.office.dossiers.rules import PENDING, REFUSED, ROUTED
from tests.unit.services.office.dossiers.test_rules import entry, own, shown

FIRST = entry("submit", state=ROUTED)
SECOND = entry("accept", state=ROUTED)


def at(version: int) -> Stamp:
    return Stamp(status=1, custodian="H28.1", epoch=1, version=version)


def test_version_alone_when_every_accepted_step_is_known() -> None:
    assert etag(shown(own().after(at(1)), FIRST)) == '"1"'
    assert etag(shown(own().after(at(2)), FIRST, SECOND)) == '"2"'


def test_another_tag_for_each_thing_shown() -> None:
    held = own().after(at(1))
    steps = [
        (own(), (replace(FIRST, state=PENDING),)),
        (own(), (replace(FIRST, state=REFUSED, refusal="contract.invalid"),)),
        (
            own(),
            (replace(FIRST, state=REFUSED, refusal="contract.invalid"), replace(FIRST, transfer="2", state=PENDING)),
        ),
        (held, (FIRST,)),
        (held, (FIRST, replace(SECOND, state=PENDING))),
        (held, (FIRST, replace(SECOND, state=REFUSED, refusal="custody.stale"))),
        (held, (FIRST, replace(SECOND, state=REFUSED, refusal="status.not_allowed"))),
        (own().after(at(2)), (FIRST,)),
        (own().after(at(2)), (FIRST, SECOND)),
    ]

    tags = [etag(shown(row, *history)) for row, history in steps]

    assert len(set(tags)) == len(tags)
    assert [tag.strip('"').partition("-")[0] for tag in tags] == ["0", "0", "0", "1", "1", "1", "1", "2", "2"]


def test_the_plain_version_matches_while_it_is_the_whole_tag() -> None:
    view = shown(own().after(at(1)), FIRST)

    for header in ('"1"', "1", '"9", "1"', 'W/"1"'):
        IfMatch.parse(header).require(view)


def test_the_plain_version_matches_though_a_step_was_refused_or_is_not_here_yet() -> None:
    refused = shown(own().after(at(1)), FIRST, replace(SECOND, state=REFUSED, refusal="custody.stale"))
    ahead = shown(own().after(at(2)), FIRST)

    IfMatch.parse('"1"').require(refused)
    IfMatch.parse('"2"').require(ahead)
    with pytest.raises(HubError):
        IfMatch.parse('"1"').require(ahead)


def test_only_the_whole_tag_matches_while_an_own_act_is_on_its_way() -> None:
    view = shown(own().after(at(1)), FIRST, replace(SECOND, state=PENDING))

    for header in (etag(view), f'"9", {etag(view)}', "*", None):
        IfMatch.parse(header).require(view)
    for header in ('"0"', '"1"', "1", '"9", "1"', '"1-0"', '"2"'):
        with pytest.raises(HubError) as caught:
            IfMatch.parse(header).require(view)
        assert caught.value.code == "request.precondition_failed"
        assert caught.value.headers == {"ETag": etag(view)}


@pytest.mark.parametrize("header", [None, "*", " * "])
def test_anything(header: str | None) -> None:
    assert IfMatch.parse(header) is ANY


@pytest.mark.parametrize(
    ("header", "tags"),
    [
        ('"7"', {"7"}),
        ('W/"7"', {"7"}),
        ("7", {"7"}),
        ('"7-0a1b"', {"7-0a1b"}),
        ('"1", "2-x" ,W/"3"', {"1", "2-x", "3"}),
        ('"1",,"2"', {"1", "2"}),
        ('"a,b"', {"a,b"}),
        ('""', {""}),
    ],
)
def test_tags(header: str, tags: set[str]) -> None:
    assert IfMatch.parse(header).tags == tags


@pytest.mark.parametrize(
    "header", ["", " ", ",", '"1', '1"', "seven", "*, *", '"1" "2"', "W/7", '"\x01"', '"é"', "9" * 19]
)
def test_nonsense(header: str) -> None:
    with pytest.raises(HubError) as caught:
        IfMatch.parse(header)

    assert caught.value.code == "request.malformed"
