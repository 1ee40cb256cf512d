"""What callers of the inbox send and read."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from contracts import samples
from contracts.messages.base import NO_NUL_PATTERN

Id = Annotated[str, Field(min_length=1, max_length=100, pattern=NO_NUL_PATTERN)]

EXAMPLE: dict[str, Any] = {
    "items": [
        {
            "id": samples.TRANSFER,
            "kind": "document",
            "type": "vn.lienthong.document.issued",
            "subject": samples.RECEIVED,
            "from": samples.CENTRAL,
            "to": samples.ORGAN,
            "received_at": "2024-06-03T09:00:04.120+07:00",
            "href": f"/v1/documents/{samples.RECEIVED}",
            "data": {
                "document": {
                    "document_id": "G22,2024/06/03,9001/VPCP-KSTT",
                    "sender": samples.CENTRAL,
                    "to": [samples.ORGAN],
                    "number": "9001",
                    "notation": "VPCP-KSTT",
                    "promulgated_on": "2024-06-03",
                    "type": 18,
                    "type_name": "Công văn",
                    "subject": "V/v cải cách thủ tục hành chính",
                }
            },
        }
    ],
    "cursor": "17",
}
ACKNOWLEDGED: dict[str, Any] = {"acknowledged": [samples.TRANSFER], "unknown": []}


class Item(BaseModel):
    """One thing addressed to the organ. `data` is the fact's value, for a receipt the transfer as of then."""

    model_config = ConfigDict(populate_by_name=True, use_attribute_docstrings=True)

    id: str
    """The transfer's id; word about an own transfer has an id of its own. Acknowledge by it."""
    kind: Literal["dossier", "document", "status", "receipt"]
    type: str
    """The full CloudEvents type, `vn.lienthong.dossier.submitted`."""
    subject: str
    """The dossier's code or the document's id."""
    sender: str = Field(alias="from")
    organ: str = Field(alias="to")
    received_at: datetime
    href: str
    """Where the subject is read in this office."""
    data: dict[str, Any]


class Page(BaseModel):
    """Items oldest first; `cursor` pages on behind the last one without acknowledging."""

    items: list[Item]
    cursor: str | None


class AckForm(BaseModel):
    """Ids of items that this system has taken over."""

    model_config = ConfigDict(extra="forbid")

    ids: list[Id] = Field(min_length=1, max_length=1000)


class Acknowledged(BaseModel):
    """Ids taken (again), and ids that are not in this inbox."""

    acknowledged: list[str]
    unknown: list[str]
