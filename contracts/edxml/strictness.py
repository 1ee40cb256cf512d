"""What the strict checker of another hub (EDOC) would refuse and this one only notes: missing fields, long texts."""

from collections.abc import Iterator
from typing import Final

from contracts.edxml.errors import Oddity
from contracts.edxml.model import Document, Organization

_MISSING: Final = "a strict checker refuses this"

_ORGANIZATION_LIMITS: Final = (
    ("organization_in_charge", "OrganizationInCharge", 500),
    ("organ_name", "OrganName", 200),
    ("organ_add", "OrganAdd", 500),
    ("email", "Email", 100),
    ("telephone", "Telephone", 20),
    ("fax", "Fax", 20),
)


def strictness(document: Document, path: str) -> Iterator[Oddity]:
    """Oddities of a document whose MessageHeader stands at `path`."""
    for element, value in (
        ("Code", document.code),
        ("PromulgationInfo/PromulgationDate", document.promulgation_date),
        ("DocumentType", document.type if document.type is not None else document.type_name),
        ("Subject", document.subject),
    ):
        if value is None:
            yield Oddity("field_missing", f"{path}/{element}", _MISSING)
    yield from _long_texts(document, path)


def _long_texts(document: Document, path: str) -> Iterator[Oddity]:
    other = document.other_info
    for element, text, longest in (
        ("Code/CodeNumber", document.code_number, 11),
        ("Code/CodeNotation", document.code_notation, 30),
        ("PromulgationInfo/Place", document.place, 50),
        ("DocumentType/TypeName", document.type_name, 100),
        ("Subject", document.subject, 500),
        ("Content", document.content, 500),
        ("OtherInfo/SphereOfPromulgation", other.sphere_of_promulgation if other else None, 100),
        ("OtherInfo/TyperNotation", other.typer_notation if other else None, 10),
    ):
        if text is not None and len(text) > longest:
            yield Oddity("text_long", f"{path}/{element}", f"more than {longest} characters")
    yield from _long_organization(document.sender, f"{path}/From")
    for place, recipient in enumerate(document.to, start=1):
        yield from _long_organization(recipient, f"{path}/To[{place}]" if len(document.to) > 1 else f"{path}/To")


def _long_organization(organization: Organization, path: str) -> Iterator[Oddity]:
    for attribute, element, longest in _ORGANIZATION_LIMITS:
        if len(getattr(organization, attribute) or "") > longest:
            yield Oddity("text_long", f"{path}/{element}", f"more than {longest} characters")
