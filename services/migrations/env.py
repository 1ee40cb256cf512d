"""Alembic's way in to the history that the three office levels share."""

from services.kernel.migration import run
from services.office.schema import METADATA

run(METADATA)
