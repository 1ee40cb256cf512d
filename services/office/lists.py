"""The closed lists a vendor needs beside the operations, as Markdown made from the rules themselves: statuses of
dossiers and documents, and which act leads where."""

from collections.abc import Iterable, Sequence
from typing import Final

from contracts.custody import ACTIONS, NO_OFFER, Who
from contracts.statuses import DOCUMENT_STATUS_NAMES, DOSSIER_STATUS_NAMES, DocumentStatus

_WHO: Final = {
    Who.CUSTODIAN: "the custodian · cơ quan đang giữ",
    Who.RECEIVER: "the receiving organ · cơ quan tiếp nhận",
    Who.EITHER: "the receiving organ or the custodian · cơ quan tiếp nhận hoặc đang giữ",
}
_OFFERABLE: Final = DOSSIER_STATUS_NAMES.keys() - NO_OFFER
_SIDES: Final = {DocumentStatus.TAKE_BACK: "the sender · bên gửi"}
_MEANINGS: Final = ("Tiếng Việt", "English")


def dossier_statuses() -> str:
    rows = [(f"`{number}`", *names) for number, names in DOSSIER_STATUS_NAMES.items()]
    return _table(("Status · Trạng thái", *_MEANINGS), rows)


def dossier_acts() -> str:
    """Every act, who may do it and what it does to the status."""
    rows = [("`POST /v1/dossiers`", _WHO[Who.RECEIVER], "–", "`1`")]
    rows += [
        (f"`{name}`", _WHO[rule.who], _numbers(rule.origins), f"`{rule.target}`") for name, rule in ACTIONS.items()
    ]
    offerable, same = _numbers(_OFFERABLE), "unchanged · không đổi"
    offered = "the organ offered to · cơ quan được đề nghị"
    rows += [
        ("`POST /v1/dossiers/{code}/transfers`", _WHO[Who.CUSTODIAN], offerable, same),
        ("`accept_custody`", offered, offerable, same),
        ("`refuse_custody`", offered, offerable, same),
        ("`recall_custody`", _WHO[Who.CUSTODIAN], offerable, same),
    ]
    return _table(("Act · Thao tác", "By · Cơ quan thực hiện", "From · Từ", "To · Thành"), rows)


def document_statuses() -> str:
    rows = [
        (f"`{code.value}`", *names, _SIDES.get(code, "a recipient · bên nhận"))
        for code, names in DOCUMENT_STATUS_NAMES.items()
    ]
    return _table(("Code · Mã", *_MEANINGS, "Told by · Bên báo"), rows)


def _numbers(statuses: Iterable[int]) -> str:
    return ", ".join(f"`{number}`" for number in sorted(statuses))


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
