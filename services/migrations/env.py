"""Alembic's way in to the history of the three office databases."""

from services.kernel.migration import run
from services.office.schema import METADATA

run(METADATA)
