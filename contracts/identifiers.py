"""Identifiers of the field: organ codes, document keys, dossier codes, attachment digests. Pure.

Sources: QĐ 20/2020/QĐ-TTg and QCVN 102:2016 for organ codes (at most 35 characters of `0-9 A-Z .`; lower case is
seen in practice), the national portal for dossier and procedure codes.
"""

import re
from datetime import date
from typing import Annotated
from unicodedata import normalize
from uuid import UUID, uuid5

from pydantic import StringConstraints

HUB_NAMESPACE = UUID("6f1f3d1a-2c43-5a0e-9b5e-8d4c1f6a7b20")
"""Namespace of document keys: the same at every program and in every installation."""

ORGAN_PATTERN = r"^[0-9A-Za-z][0-9A-Za-z.]{0,34}$"
DOSSIER_PATTERN = r"^[0-9A-Za-z]+(\.[0-9A-Za-z]+)*-([0-9]{6}|[0-9]{8})-[0-9]{4,7}$"
PROCEDURE_PATTERN = r"^[1-9]\.[0-9]{6}(\.[0-9]{3}\.[0-9]{2}\.[0-9]{2}\.[A-Z][0-9]{2})?$"
SHA256_PATTERN = r"^[0-9a-f]{64}$"
TRANSFER_PATTERN = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
IDENTIFIER_PATTERN = r"^[0-9A-Za-z][0-9A-Za-z_.-]{0,63}$"

OrganId = Annotated[str, StringConstraints(pattern=ORGAN_PATTERN)]
DossierCode = Annotated[str, StringConstraints(pattern=DOSSIER_PATTERN, max_length=64)]
ProcedureCode = Annotated[str, StringConstraints(pattern=PROCEDURE_PATTERN)]
Sha256 = Annotated[str, StringConstraints(pattern=SHA256_PATTERN)]
TransferId = Annotated[str, StringConstraints(pattern=TRANSFER_PATTERN)]
"""Envelope id, transfer id or document key: a UUID in its canonical spelling."""
Identifier = Annotated[str, StringConstraints(pattern=IDENTIFIER_PATTERN)]
"""An opaque id or code of ours (offer, delivery, problem code): safe in a header, never text of a person."""


def organ_key(code: str) -> str:
    """The form organ codes are compared in: trimmed, upper case. What was written is kept beside it."""
    return code.strip().upper()


def document_key(sender: str, document_id: str) -> str:
    """Subject, path id and Kafka key of a document: the same for the same (canonical From organ, DocumentId), in
    whatever normal form its letters are written."""
    return str(uuid5(HUB_NAMESPACE, f"{sender}\n{normalize('NFC', document_id)}"))


def dossier_organ(code: str) -> str:
    """The organ part of a dossier code."""
    return code.rsplit("-", 2)[0]


def issue_dossier_code(organ: str, day: date, number: int) -> str:
    """`<organ>-yyyymmdd-NNNNNNN`, the form of the 2026 national portal."""
    return f"{organ}-{day:%Y%m%d}-{number:07d}"


_DOSSIER = re.compile(DOSSIER_PATTERN)


def is_dossier_code(text: str) -> bool:
    return len(text) <= 64 and _DOSSIER.fullmatch(text) is not None
