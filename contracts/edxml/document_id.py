"""Issues DocumentIds. Reading them is not offered: in traffic they are opaque, case-sensitive text."""

from datetime import date

from contracts.edxml.values import write_date


def issue_document_id(organ_id: str, promulgated_on: date, code: str) -> str:
    """`organId,yyyy/MM/dd,number/notation`: some clients cut the id at its commas and take the third field as the code.

    Raises ValueError when the organ id holds a comma or a part is empty, for then the pattern would be broken.
    """
    if not organ_id or not code or "," in organ_id:
        raise ValueError("organ id and code are needed, and the organ id has no comma")
    return f"{organ_id},{write_date(promulgated_on)},{code}"
