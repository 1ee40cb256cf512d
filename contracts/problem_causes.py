"""Cause and cure of every error code in Vietnamese and English, by topic; what the pages behind a problem's `type` say.

The codes themselves, with status, titles and remedy, are in `problems.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from contracts.causes.callers import CALLERS
from contracts.causes.cause import Cause, Words
from contracts.causes.documents import DOCUMENTS
from contracts.causes.dossiers import DOSSIERS
from contracts.causes.messages import MESSAGES
from contracts.causes.recipients import RECIPIENTS
from contracts.causes.requests import REQUESTS
from contracts.causes.systems import SYSTEMS


@dataclass(frozen=True, slots=True)
class Topic:
    """Codes that belong together, in the order they are shown."""

    key: str
    title: Words
    causes: Mapping[str, Cause]


TOPICS: Final = (
    Topic("requests", Words("Yêu cầu", "Requests"), REQUESTS),
    Topic("callers", Words("Hệ thống và cơ quan gọi", "Calling systems and organs"), CALLERS),
    Topic("recipients", Words("Nơi nhận", "Recipients"), RECIPIENTS),
    Topic("dossiers", Words("Hồ sơ", "Dossiers"), DOSSIERS),
    Topic("documents", Words("Văn bản và tệp đính kèm", "Documents and attachments"), DOCUMENTS),
    Topic("messages", Words("Gói tin và việc giao", "Messages and their delivery"), MESSAGES),
    Topic("systems", Words("Tình trạng hệ thống", "State of the programs"), SYSTEMS),
)

CAUSES: Final[Mapping[str, Cause]] = MappingProxyType(
    {code: cause for topic in TOPICS for code, cause in topic.causes.items()}
)
"""Every code of `contracts.problems.PROBLEMS` is here once."""
