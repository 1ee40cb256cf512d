"""`GET /docs`: the page of a program's API, without a token. Made once per process, at the first request."""

from hashlib import blake2b
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.kernel import api_html
from services.kernel.api_texts import Bounds

DOCS_PATH: Final = "/docs"
AGE_SECONDS: Final = 3600


def route(bounds: Bounds) -> Route:
    """For one app, whose page it keeps."""
    kept: list[tuple[bytes, dict[str, str]]] = []

    async def show(request: Request) -> Response:
        if not kept:
            page = api_html.render(request.app.openapi(), bounds)
            kept.append((page, _headers(page)))
        page, headers = kept[0]
        return Response(page, media_type="text/html", headers=headers)

    return Route(DOCS_PATH, show)


def _headers(page: bytes) -> dict[str, str]:
    return {
        "Cache-Control": f"public, max-age={AGE_SECONDS}",
        "Content-Language": "vi, en",
        "Content-Security-Policy": api_html.POLICY,
        "ETag": f'"{blake2b(page, digest_size=12).hexdigest()}"',
    }
