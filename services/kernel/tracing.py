"""W3C trace context: an outside `traceparent` is taken on if it is well-formed, else one is begun."""

import re
import secrets

import structlog

_FORM = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def traceparent_of(given: str | None) -> str:
    """The trace id of the caller with a span of our own; its sampled flag is not trusted with our costs."""
    trace = given[3:35] if given and _FORM.fullmatch(given) else secrets.token_hex(16)
    return f"00-{trace}-{secrets.token_hex(8)}-00"


def current() -> str:
    """The `traceparent` of the request in work, for what it sends; empty outside a request."""
    return str(structlog.contextvars.get_contextvars().get("traceparent", ""))
