"""One message being read: the values several parts of it share, and the list of what was odd about it."""

from collections.abc import Callable
from datetime import date, datetime
from typing import TypeVar

from contracts.edxml.errors import EdxmlError, Oddity
from contracts.edxml.model import Organization, ResponseFor, StaffInfo
from contracts.edxml.tree import Node
from contracts.edxml.values import read_date, read_integer, read_moment

Value = TypeVar("Value")


class Reading:
    """A text that says nothing (a date the calendar lacks) is left out and noted; a required one that is absent
    refuses the message."""

    def __init__(self) -> None:
        self.oddities: list[Oddity] = []

    def note(self, code: str, path: str, detail: str) -> None:
        self.oddities.append(Oddity(code, path, detail))

    def required(self, node: Node, name: str) -> str:
        text = node.text(name)
        if text is None:
            raise EdxmlError("edxml.missing_field", f"{node.path}/{name}", "required")
        return text

    def value(self, convert: Callable[[str], Value | None], node: Node, *names: str) -> Value | None:
        text = node.text(*names)
        if text is None:
            return None
        value = convert(text)
        if value is None:
            self.note("value_unreadable", "/".join((node.path, *names)), "left out")
        return value

    def date(self, node: Node, *names: str) -> date | None:
        return self.value(read_date, node, *names)

    def moment(self, node: Node, *names: str) -> datetime | None:
        return self.value(read_moment, node, *names)

    def integer(self, node: Node, *names: str) -> int | None:
        return self.value(read_integer, node, *names)

    def organization(self, node: Node) -> Organization:
        return Organization(
            organ_id=self.required(node, "OrganId"),
            organization_in_charge=node.text("OrganizationInCharge"),
            organ_name=node.text("OrganName"),
            organ_add=node.text("OrganAdd"),
            email=node.text("Email"),
            telephone=node.text("Telephone"),
            fax=node.text("Fax"),
            website=node.text("Website"),
        )

    def sender(self, node: Node) -> Organization:
        sender = node.one("From")
        if sender is None:
            raise EdxmlError("edxml.missing_field", f"{node.path}/From/OrganId", "required")
        return self.organization(sender)

    def response(self, node: Node) -> ResponseFor:
        return ResponseFor(
            organ_id=node.text("OrganId"),
            code=node.text("Code"),
            document_id=node.text("DocumentId"),
            promulgation_date=self.date(node, "PromulgationDate"),
        )


def has_text(node: Node | None) -> bool:
    """Whether anything stands in the element: templates leave empty ones behind, which are as good as absent."""
    return node is not None and node.own_text() is not None


def read_staff(node: Node) -> StaffInfo:
    return StaffInfo(
        department=node.text("Department"),
        department_id=node.text("DepartmentId"),
        staff=node.text("Staff"),
        staff_id=node.text("StaffId"),
        email=node.text("Email"),
        mobile=node.text("Mobile"),
    )


def texts(node: Node | None, name: str) -> tuple[str, ...]:
    """The texts of all children of that name."""
    children = node.all(name) if node is not None else []
    return tuple(text for child in children if (text := child.own_text()))
