"""An office with dossiers, documents and attachments of one organ, and systems of every standing."""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import uuid4

from joserfc.jwk import OKPKey

from contracts.levels import Level
from tests.api.document import Operation
from tests.api.houses import Json, Signer, Thing
from tests.integration.office.stage import (
    AGENCY,
    COMMUNE_A,
    COMMUNE_C,
    COMMUNE_D,
    DEPARTMENT,
    Stage,
    dossier,
    fresh_code,
    new_id,
    stamp,
    until,
)
from tests.integration.office_documents.papers import arrive, await_document, document, fresh_id, issue

NEIGHBOUR = "000.01.22.H28"
STRANGER = "stranger"
"""Of an organ that has nothing, and that nobody writes to; it must stay so, whatever other tests do."""
ALL = (*AGENCY, "admin")
SYSTEMS: tuple[tuple[str, tuple[str, ...], tuple[str, ...], bool], ...] = (
    ("everything", (COMMUNE_A,), ALL, False),
    ("suspended", (COMMUNE_A,), ALL, True),
    ("powerless", (COMMUNE_A,), (), False),
    ("both", (COMMUNE_A, COMMUNE_C), ALL, False),
    ("elsewhere", (DEPARTMENT,), ALL, False),
    ("neighbour", (COMMUNE_C,), ALL, False),
    ("organless", (), ALL, False),
    (STRANGER, (COMMUNE_D,), ALL, False),
)
CONTENT = "Giấy tờ của cơ quan\n".encode()


class OfficeStage(Stage):
    """The stage with more systems, and one more organ that examples write to."""

    @property
    def signing_key(self) -> OKPKey:
        return self._key

    def registries(self) -> list[tuple[str, str, Json]]:
        systems: list[tuple[str, str, Json]] = [
            ("registry.system", name, {"client_id": name, "version": 1, "name": name, "level": "commune",
             "organs": list(organs), "scopes": list(scopes), "suspended": suspended})
            for name, organs, scopes, suspended in SYSTEMS
        ]  # fmt: skip
        organ = {"code": NEIGHBOUR, "version": 1, "name": "Xã bên cạnh", "level": Level.COMMUNE.value}
        return [*super().registries(), *systems, ("registry.organ", NEIGHBOUR, organ)]


class OfficeHouse:
    """See `House`."""

    name = "office"
    right = "everything"
    all_scopes = " ".join(ALL)

    def __init__(self, stage: OfficeStage) -> None:
        self.stage = stage
        self.app = stage.app
        self.signer = Signer(stage.settings.gateway_url, "k1", stage.signing_key)
        self.things: dict[tuple[str, str], Thing] = {}
        self.also: dict[tuple[str, str], list[str]] = {}
        self.dossier = self.received = self.item = ""

    async def fill(self) -> None:
        stage = self.stage
        attachment = await stage.attach(CONTENT)
        posted = await stage.submit(attachments=[attachment])
        self.dossier = posted["code"]
        fact = await stage.fact(self.dossier, 1)
        await stage.accept(fact, stamp())
        issued = await issue(stage, to=[NEIGHBOUR])
        journey, _ = await arrive(stage, COMMUNE_A)
        self.received = journey.subject
        await await_document(stage, self.received)
        items = await until(lambda: stage.items("a", self.received), what="the document in the inbox")
        self.item = items[0]["id"]
        digest = attachment["sha256"]
        self.also = {("documents", "id"): [self.received, (await issue(stage, to=[NEIGHBOUR]))["id"]]}
        self.things = {
            ("dossiers", "code"): Thing(self.dossier, fresh_code()),
            ("documents", "id"): Thing(issued["id"], str(uuid4())),
            ("transfers", "id"): Thing(posted["transfers"][0], new_id()),
            ("attachments", "sha256"): Thing(digest, hashlib.sha256(uuid4().bytes).hexdigest()),
        }

    def bodies(self, operation: Operation) -> Json | bytes | None:
        table: dict[str, Any] = {
            "submitDossier": dossier,
            "submitDossiers": lambda: {"items": [dossier(), dossier()]},
            "transferDossier": lambda: {"to": DEPARTMENT, "reason": "Đúng thẩm quyền"},
            "sendDocument": lambda: document(to=[NEIGHBOUR]),
            "replaceDocument": lambda: {**document(to=[NEIGHBOUR], document_id=fresh_id()), "reason": "Sai thể thức"},
            "acknowledgeItems": lambda: {"ids": [self.item]},
            "putAttachment": lambda: CONTENT,
        }
        made = table.get(operation.id)
        return made() if made else None
