"""Tables of an API's page. They name their roles: narrow screens show cells below each other, which would make a table
forget what it is."""

from collections.abc import Iterable, Sequence

from services.kernel.markup import Markup, element


def table(caption: Iterable[str], headings: Iterable[Markup], rows: Iterable[Sequence[Markup]]) -> Markup:
    """The first cell of a row is its heading."""
    heads = [element("th", name, attributes={"scope": "col", "role": "columnheader"}) for name in headings]
    body = [_row(row) for row in rows]
    return element(
        "table",
        element("caption", *caption),
        element("thead", _tr(heads), attributes={"role": "rowgroup"}),
        element("tbody", *body, attributes={"role": "rowgroup"}),
        attributes={"role": "table"},
    )


def _row(cells: Sequence[Markup]) -> Markup:
    first, *rest = cells
    heading = element("th", first, attributes={"scope": "row", "role": "rowheader"})
    return _tr([heading, *(element("td", cell, attributes={"role": "cell"}) for cell in rest)])


def _tr(cells: Iterable[Markup]) -> Markup:
    return element("tr", *cells, attributes={"role": "row"})
