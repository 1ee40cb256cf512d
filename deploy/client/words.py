"""The closed lists of the hub, as literals a type checker knows."""

from typing import Literal

Action = Literal[
    "accept",
    "refuse",
    "assign",
    "request_supplement",
    "supplement",
    "request_payment",
    "pay",
    "stop",
    "resume",
    "withdraw",
    "complete",
    "reopen",
    "return_result",
    "accept_custody",
    "refuse_custody",
    "recall_custody",
]
Custody = Literal["held", "offered", "taking", "none"]
DossierStatus = Literal[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
DocumentStatus = Literal["01", "02", "03", "04", "05", "06", "13", "15", "16"]
Kind = Literal["dossier", "document", "status", "receipt"]
TransferState = Literal["accepted", "routed", "handed_over", "partly", "refused", "closed"]
DeliveryState = Literal["open", "handed_over", "refused", "closed"]
Level = Literal["central", "province", "district", "commune"]
Office = Literal["province", "district", "commune"]
Box = Literal["in", "out"]
DocumentState = Literal["current", "recalled", "replaced", "refused"]
Home = Literal["office", "vxp", "axis"]
AliasKind = Literal["old", "new", "closed"]
StuckKind = Literal["stuck", "waiting", "undecided", "expired"]
DeadLetterState = Literal["open", "closed"]
