"""Codes the API page's examples name. The sample traffic of a local hub posts these first, so that the examples work
there as they stand (with the default seed, as the system `commune-a`)."""

from typing import Final

ORGAN: Final = "000.01.21.H28"
NEIGHBOUR: Final = "000.01.22.H28"
SUPERIOR: Final = "000.00.21.H28"
CENTRAL: Final = "G22"

DOSSIER: Final = f"{ORGAN}-20240603-9000001"
DOSSIER_TO_HAND_ON: Final = f"{ORGAN}-20240603-9000002"
PAPER: Final = "Liên Thông\n"
PAPER_SHA256: Final = "9155b0042c8182a417791133ebf585791a4bafbd3e709b4287b6c3c3b3d82f3c"

RECEIVED: Final = "71b69da9-4e31-5bb0-a5d6-659aa9082c76"
"""The id of a document from CENTRAL to ORGAN, which the axis stand-in sends on this order; TRANSFER brings it."""
TRANSFER: Final = "d5c1046e-cf11-51ca-bcde-bc1a357ff47f"
RECEIVED_ORDER: Final = {
    "to": ORGAN,
    "number": "9001",
    "notation": "VPCP-KSTT",
    "subject": "V/v cải cách thủ tục hành chính",
    "at": "2024-06-03T09:00:00+07:00",
}
SENT_NUMBERS: Final = {"recall": "9001", "update": "9002", "replace": "9003"}
SENT_NOTATION: Final = "UBND-VP"
SENT_DOCUMENT_IDS: Final = {act: f"{ORGAN},2024/06/03,{number}/{SENT_NOTATION}" for act, number in SENT_NUMBERS.items()}
SENT: Final = {
    "recall": "323d6ed6-1f8a-5f83-93cb-81a183f508f6",
    "update": "c6e8a34c-9a8b-5404-b242-04703a85cf51",
    "replace": "1efe3a62-1075-5d41-9fd6-0cca333de7d3",
}
"""Ids of documents from ORGAN to NEIGHBOUR, one for each thing that can be done with a document that was sent."""
