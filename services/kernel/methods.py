"""Which methods each path offers: for `Allow`, in answers to OPTIONS and in 405."""

from collections.abc import Sequence
from re import Pattern

from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute

_ORDER = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class Methods:
    """Of the routes as they are when it is first asked."""

    def __init__(self, routes: Sequence[BaseRoute]) -> None:
        self._routes = routes
        self._known: list[tuple[Pattern[str], frozenset[str]]] | None = None

    def allow(self, path: str) -> str | None:
        """The header's value; None for a path that nothing offers."""
        if self._known is None:
            contexts = iter_route_contexts(self._routes)
            self._known = [(found.path_regex, frozenset(found.methods)) for found in contexts if found.methods]
        offered = frozenset[str]().union(*(methods for regex, methods in self._known if regex.match(path)))
        if not offered:
            return None
        offered |= {"OPTIONS", "HEAD"} if "GET" in offered else {"OPTIONS"}
        return ", ".join(sorted(offered, key=_ORDER.index))
