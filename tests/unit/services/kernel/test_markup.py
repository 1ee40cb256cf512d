"""HTML is escaped wherever text enters it."""

import pytest

from services.kernel.markup import Markup, element, joined, page, style


def test_text_is_escaped_and_markup_is_not() -> None:
    inner = element("b", "<script>")
    assert inner == "<b>&lt;script&gt;</b>"
    assert element("p", "a & ", inner) == "<p>a &amp; <b>&lt;script&gt;</b></p>"
    assert joined(["<", Markup("<br>")]) == "&lt;<br>"


def test_attributes_are_escaped() -> None:
    assert element("a", "x", attributes={"href": '"><script>'}) == '<a href="&quot;&gt;&lt;script&gt;">x</a>'


def test_void_elements_have_no_end() -> None:
    assert element("meta", attributes={"charset": "utf-8"}) == '<meta charset="utf-8">'


def test_text_made_of_markup_is_text_again() -> None:
    assert element("p", element("b", "x") + "<i>") == "<p>&lt;b&gt;x&lt;/b&gt;&lt;i&gt;</p>"


def test_a_style_sheet_cannot_end_its_element() -> None:
    with pytest.raises(ValueError, match="style"):
        style("</style><script>")


def test_a_page_is_a_document() -> None:
    document = page([element("title", "Lỗi")], [element("p", "<")], lang="vi").decode()
    assert document.startswith('<!doctype html>\n<html lang="vi"><head><title>Lỗi</title></head>')
    assert "<p>&lt;</p>" in document
