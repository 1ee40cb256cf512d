"""Organs are found with and without the accents of Vietnamese, whatever normal form the text has."""

import unicodedata

import pytest

from contracts.levels import Level
from contracts.messages.registry import Alias, OrganChanged
from gateway.organs.rules import fold, search_text, search_words

ORGAN = OrganChanged(
    code="000.01.21.H28",
    version=1,
    name="Ủy ban nhân dân phường Đồng Tiến",
    level=Level.COMMUNE,
    aliases=[Alias(code="H28.21.01")],
)


@pytest.mark.parametrize(
    "query",
    [
        "Đồng Tiến",
        "dong tien",
        "  ĐỒNG   tiến ",
        "tien dong",
        "phuong",
        "h28.21",
        "000.01.21.h28",
        "uy ban H28.21.01",
        "",
    ],
)
def test_finds_by_words_of_name_code_and_alias(query: str) -> None:
    assert all(word in search_text(ORGAN) for word in search_words(query))


@pytest.mark.parametrize("query", ["dong tam", "H29", "đồng x"])
def test_does_not_find_when_a_word_is_missing(query: str) -> None:
    assert not all(word in search_text(ORGAN) for word in search_words(query))


def test_composed_and_decomposed_text_are_one() -> None:
    assert (
        fold(unicodedata.normalize("NFD", "Hòa Bình")) == fold(unicodedata.normalize("NFC", "Hòa Bình")) == "hoa binh"
    )


def test_no_words_find_everything() -> None:
    assert search_words("  ") == []
