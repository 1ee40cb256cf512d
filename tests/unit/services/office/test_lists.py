"""The closed lists on the API page: all that the rules know, and nothing the rules do not do."""

from __future__ import annotations

import pytest
from lxml import html

from contracts import custody
from contracts.custody import ACTIONS, CUSTODY_ACTIONS, Move
from contracts.protocol import Stamp
from contracts.statuses import DOCUMENT_STATUS_NAMES, DOSSIER_STATUS_NAMES
from services.kernel.prose import chapters
from services.office import lists
from services.office.about import DESCRIPTION

RECEIVER, CUSTODIAN = "R", "C"
WHO = {
    "the receiving organ or the custodian": {RECEIVER, CUSTODIAN},
    "the receiving organ": {RECEIVER},
    "the custodian": {CUSTODIAN},
}


def rows(text: str) -> list[list[str]]:
    lines = text.splitlines()
    assert set(lines[1]) <= set("|- ")
    return [[cell.strip().replace("`", "") for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_every_status_is_named_in_both_languages() -> None:
    assert rows(lists.dossier_statuses()) == [[str(n), *names] for n, names in DOSSIER_STATUS_NAMES.items()]
    told = {code: names for code, *names, _ in rows(lists.document_statuses())}
    assert told == {code.value: [*names] for code, names in DOCUMENT_STATUS_NAMES.items()}


def test_every_act_is_listed() -> None:
    named = [row[0] for row in rows(lists.dossier_acts())]
    assert {*named} == {"POST /v1/dossiers", "POST /v1/dossiers/{code}/transfers", *ACTIONS, *CUSTODY_ACTIONS} - {
        "transfer"
    }
    assert len(named) == len({*named})


@pytest.mark.parametrize("act", ACTIONS)
def test_an_act_does_what_its_line_says(act: str) -> None:
    _, who, origins, target = next(row for row in rows(lists.dossier_acts()) if row[0] == act)
    for status in DOSSIER_STATUS_NAMES:
        if status == int(target) and str(status) not in origins.split(", "):
            continue  # a repeat
        for actor in (RECEIVER, CUSTODIAN):
            stamp = Stamp(status=status, custodian=CUSTODIAN, epoch=2, version=5)
            dossier = custody.Dossier(stamp=stamp, receiver=RECEIVER, parties=(RECEIVER, CUSTODIAN))
            after = custody.decide(dossier, Move(action=act, actor=actor, epoch=2))
            allowed = str(status) in origins.split(", ") and actor in WHO[who.split(" · ")[0]]
            assert isinstance(after, custody.Dossier) is allowed, (act, status, actor)
            if isinstance(after, custody.Dossier):
                assert after.stamp.status == int(target)


def test_the_page_shows_them_as_tables_named_by_their_headings() -> None:
    tables = [html.fromstring(f"<div>{chapter.body}</div>").findall("table") for chapter in chapters(DESCRIPTION)]
    found = [each for group in tables for each in group]
    assert len(found) == 3
    assert all(each.findtext("caption") or len(each.find("caption")) for each in found)
    assert [len(each.findall("tbody/tr")) for each in found] == [10, len(ACTIONS) + 5, len(DOCUMENT_STATUS_NAMES)]
