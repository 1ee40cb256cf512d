"""Every table of the gateway's database: the slices' models fill the metadata that migrations compare with."""

from gateway.audit import model as audit
from gateway.delivery import model as delivery
from gateway.identity import model as identity
from gateway.operations import model as operations
from gateway.organs import model as organs
from gateway.subjects import model as subjects
from gateway.succession import model as succession
from gateway.tables import metadata
from gateway.transfers import model as transfers

SLICES = (audit, delivery, identity, operations, organs, subjects, succession, transfers)

__all__ = ["SLICES", "metadata"]
