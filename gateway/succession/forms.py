"""Bodies of the operators' interface to closed organs whose successor a person must choose."""

from typing import Annotated, Any

from pydantic import BaseModel, Field, StringConstraints

from contracts.identifiers import ORGAN_PATTERN
from contracts.messages.base import NoNul
from gateway.audit.operators import ActForm, Moment, View

MAX_SUBJECT = 200

Code = Annotated[str, StringConstraints(pattern=ORGAN_PATTERN)]

CHOICE: dict[str, Any] = {
    "successor": "000.01.21.H28",
    "reason": "Theo phương án sắp xếp: địa bàn này do xã Vĩnh Phú tiếp nhận",
}
CHOICE_OF_ONE: dict[str, Any] = {
    **CHOICE,
    "subject": "71b69da9-4e31-5bb0-a5d6-659aa9082c76",
    "dry_run": True,
}
CHOSEN: dict[str, Any] = {
    "organ": "000.03.21.H28",
    "successor": "000.01.21.H28",
    "deliveries": 12,
    "dry_run": False,
}
LISTED: dict[str, Any] = {
    "items": [
        {
            "organ": "000.03.21.H28",
            "name": "UBND xã Hòa Bình",
            "closed_on": "2024-06-01",
            "successors": [
                {"organ": "000.01.21.H28", "name": "UBND xã Vĩnh Phú"},
                {"organ": "000.01.22.H28", "name": "UBND xã Hưng Sơn"},
            ],
            "waiting": 12,
            "subjects": 9,
            "oldest_at": "2024-06-03T09:00:02.480+07:00",
        }
    ]
}


class Form(ActForm):
    """`reason` goes into the audit."""

    successor: Code
    """The organ that receives, by any of its codes: one of the successors, or whom one of them leads to · cơ quan kế
    thừa nhận thay"""
    subject: Annotated[str, StringConstraints(min_length=1, max_length=MAX_SUBJECT), NoNul] | None = None
    """Only for this dossier code or document id and what follows of it; all of the organ when absent · chỉ cho hồ sơ
    hoặc văn bản này"""


class Chosen(View):
    """A choice, and what it is for."""

    organ: str
    """The closed organ, by its own code · cơ quan đã kết thúc"""
    successor: str
    """Who receives in its place · cơ quan nhận thay"""
    subject: str | None = None
    """The dossier or document it is for; absent: everything of the organ · hồ sơ hoặc văn bản"""
    deliveries: int
    """How many waited for this choice · số lượt giao đang chờ"""
    dry_run: bool
    """Nothing was changed · chỉ xem trước"""


class Heir(View):
    """An organ that may be chosen."""

    organ: str
    """Its code · mã"""
    name: str | None = None
    """Its name · tên"""


class Standing(View):
    """A choice that was made for everything of the organ."""

    successor: str
    """Who was chosen · cơ quan đã chọn"""
    by: str
    """The system of the operator who chose · ai chọn"""
    at: Moment
    """When, hub time · lúc nào"""


class Undecided(View):
    """A closed organ for which something waits."""

    organ: str
    """Its own code · mã"""
    name: str | None = None
    """Its name · tên"""
    closed_on: str | None = None
    """The first day it no longer existed · ngày kết thúc"""
    successors: list[Heir]
    """Who may be chosen · các cơ quan có thể chọn"""
    waiting: Annotated[int, Field(ge=1)]
    """Deliveries that wait · số lượt giao đang chờ"""
    subjects: Annotated[int, Field(ge=1)]
    """Dossiers and documents they are of · số hồ sơ, văn bản"""
    oldest_at: Moment
    """When the oldest was taken · chờ lâu nhất từ lúc"""
    decided: Standing | None = None
    """A choice that is being carried out, or that cannot be while its successor is suspended or no longer one · lựa
    chọn đang thực hiện hoặc chưa thực hiện được"""


class UndecidedPage(BaseModel):
    """`next_cursor` is there while there is more."""

    items: list[Undecided]
    next_cursor: str | None = None
