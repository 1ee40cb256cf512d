"""Alembic's way in to the gateway's history."""

from gateway.schema import metadata
from services.kernel.migration import run

run(metadata)
