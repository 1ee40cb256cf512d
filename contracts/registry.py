"""The closed list of message types and versions, and the check of a payload against the version it declares.

The check uses the frozen schema file of that version, never the model: a later release must judge an old message as
the old contract did. Topics are in `topology.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeAlias

import orjson
from jsonschema_rs import Draft202012Validator, ValidationError, ValidationErrorKind

from contracts.messages import document, dossier, event, receipt, registry
from contracts.messages.base import Payload

SCHEMAS: Final = Path(__file__).parent / "schemas"

Model: TypeAlias = type[Payload]


class Kind(StrEnum):
    """FACT has a sequence and is kept until settled; RECEIPT and CONTROL report on facts; the others are read only."""

    FACT = "fact"
    RECEIPT = "receipt"
    CONTROL = "control"
    REGISTRY = "registry"
    EVENT = "event"


@dataclass(frozen=True, slots=True)
class Message:
    """A message type. `model` is its newest version; every version from 1 on has a frozen schema."""

    type: str
    kind: Kind
    model: Model
    version: int = 1

    @property
    def contracts(self) -> tuple[str, ...]:
        return tuple(f"{self.type}/v{number}" for number in range(1, self.version + 1))

    @property
    def contract(self) -> str:
        """The newest version, the one to write."""
        return f"{self.type}/v{self.version}"


@dataclass(frozen=True, slots=True)
class ContractViolation:
    """Where a payload breaks its contract and which rule. Both are words of the schema, never of the payload."""

    pointer: str
    rule: str


_LIST: Final = (
    Message("dossier.submitted", Kind.FACT, dossier.Submitted),
    Message("dossier.transferred", Kind.FACT, dossier.Transferred),
    Message("dossier.custody-accepted", Kind.FACT, dossier.CustodyAnswer),
    Message("dossier.custody-refused", Kind.FACT, dossier.CustodyAnswer),
    Message("dossier.custody-recalled", Kind.FACT, dossier.CustodyAnswer),
    Message("dossier.status-changed", Kind.FACT, dossier.StatusChanged),
    Message("dossier.supplement-requested", Kind.FACT, dossier.SupplementRequested),
    Message("dossier.supplemented", Kind.FACT, dossier.Supplemented),
    Message("dossier.payment-requested", Kind.FACT, dossier.PaymentRequested),
    Message("dossier.paid", Kind.FACT, dossier.Paid),
    Message("dossier.result-issued", Kind.FACT, dossier.ResultIssued),
    Message("dossier.returned", Kind.FACT, dossier.Returned),
    Message("dossier.withdrawn", Kind.FACT, dossier.Withdrawn),
    Message("document.issued", Kind.FACT, document.Issued),
    Message("document.recalled", Kind.FACT, document.Recalled),
    Message("document.updated", Kind.FACT, document.Updated),
    Message("document.replaced", Kind.FACT, document.Replaced),
    Message("document.status-changed", Kind.FACT, document.StatusChanged, version=2),
    Message("message.voided", Kind.FACT, receipt.MessageVoided),
    Message("receipt.routed", Kind.RECEIPT, receipt.RoutedBatch),
    Message("receipt.handed-over", Kind.RECEIPT, receipt.HandedOverBatch),
    Message("receipt.refused", Kind.RECEIPT, receipt.RefusedBatch),
    Message("receipt.conflict", Kind.RECEIPT, receipt.ConflictBatch),
    Message("receipt.expired", Kind.RECEIPT, receipt.ExpiredBatch),
    Message("control.resend-requested", Kind.CONTROL, receipt.ResendRequestedBatch),
    Message("control.hop-stuck", Kind.CONTROL, receipt.HopStuckBatch),
    Message("delivery.voided", Kind.CONTROL, receipt.DeliveryVoided),
    Message("organ.changed", Kind.REGISTRY, registry.OrganChanged),
    Message("system.changed", Kind.REGISTRY, registry.SystemChanged, version=2),
    Message("key.published", Kind.REGISTRY, registry.KeyPublished),
    Message("event.dossier-changed", Kind.EVENT, event.DossierChanged),
    Message("event.document-changed", Kind.EVENT, event.DocumentChanged),
)

MESSAGES: Final[Mapping[str, Message]] = MappingProxyType({message.type: message for message in _LIST})
_CONTRACTS: Final = frozenset(contract for message in _LIST for contract in message.contracts)


def is_known(contract: str) -> bool:
    """True for a published type and version, `dossier.submitted/v1`."""
    return contract in _CONTRACTS


def kind_of(message_type: str) -> Kind | None:
    """Kind of a type without prefix, None when there is no such type."""
    message = MESSAGES.get(message_type)
    return message.kind if message else None


def validate(contract: str, value: bytes) -> ContractViolation | None:
    """The first violation of the payload, None when it fits. Never raises on any input.

    JSON as RFC 8259 has it: UTF-8 without byte order mark, no NaN or infinity, no lone surrogates (rule `json`); text
    without NUL is a rule of the schemas. Of duplicate keys the last one wins.
    """
    result = _examine(contract, value)
    return result if isinstance(result, ContractViolation) else None


def read(contract: str, value: bytes) -> dict[str, Any] | ContractViolation:
    """As `validate`, but hands on the parsed payload, so that nobody parses it again. All its numbers are `int`."""
    payload = _examine(contract, value)
    if isinstance(payload, ContractViolation):
        return payload
    _make_whole(payload)
    return payload


def warm() -> None:
    """Compiles every schema, so that a missing file shows when a program starts and not at the first message."""
    for contract in _CONTRACTS:
        _validator(contract)


def _examine(contract: str, value: bytes) -> dict[str, Any] | ContractViolation:
    if contract not in _CONTRACTS:
        return ContractViolation("", "contract")
    try:
        payload: dict[str, Any] = orjson.loads(value)
    except orjson.JSONDecodeError:
        return ContractViolation("", "json")
    validator = _validator(contract)
    try:
        if not validator.is_valid(payload):
            validator.validate(payload)
    except ValidationError as error:
        return _violation(error)
    except ValueError:
        # nested deeper (255) than the validator describes; no contract nests half a dozen levels
        return ContractViolation("", "depth")
    return payload


def _make_whole(payload: dict[str, Any]) -> None:
    """`4.0` is the whole number 4 in JSON Schema, and no contract has fractions: a database column wants an `int`."""
    rest: list[Any] = [payload]
    while rest:
        node = rest.pop()
        for place, member in node.items() if type(node) is dict else enumerate(node):
            kind = type(member)
            if kind is dict or kind is list:
                rest.append(member)
            elif kind is float:
                node[place] = int(member)


@cache
def _validator(contract: str) -> Draft202012Validator:
    """Compiled once per process. `offline`: a schema that refers elsewhere does not compile."""
    schema = orjson.loads((SCHEMAS / f"{contract}.json").read_bytes())
    return Draft202012Validator(schema, validate_formats=True, ignore_unknown_formats=False, offline=True)


def _violation(error: ValidationError) -> ContractViolation:
    """The innermost place: of alternatives (a value or null) the error in the value, not the choice itself."""
    while isinstance(error.kind, ValidationErrorKind.AnyOf):
        error = max((branch[0] for branch in error.kind.context), key=lambda branch: len(branch.instance_path))
    steps = list(error.instance_path)
    if isinstance(error.kind, ValidationErrorKind.Required):
        steps.append(error.kind.property)
    return ContractViolation("".join(f"/{step}" for step in steps), error.kind.name)
