"""A history as the programs have them."""

from services.kernel.migration import run
from tests.integration.kernel.conftest import metadata

run(metadata())
