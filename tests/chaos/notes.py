"""Notes the accepted facts of an answer, with their place in the run."""

from __future__ import annotations

from dataclasses import dataclass

from contracts.envelope import TYPE_PREFIX
from tests.chaos.client import Log, Posted
from tests.chaos.evidence import Fact, Unnamed
from tests.chaos.history import line

COMMUNES = ("commune-a", "commune-b", "stranger")
OFFICES = (*COMMUNES, "district-a", "department-a")
SENDERS = (*OFFICES, "commune-a-documents")
STATUS_CHANGED = "document.status-changed"


@dataclass(slots=True)
class Notes:
    log: Log
    place: int = 0

    def accepted(
        self,
        posted: Posted,
        subject: str,
        type_: str,
        to: frozenset[str],
        *,
        race: str = "",
        document: str = "",
        code: str = "",
    ) -> None:
        """An act of a race, done before by an answer that was lost, may come back without its transfer."""
        sender, transfers = posted.client.organ, posted.body["transfers"]
        if race and not transfers:
            self.log.note(line("unnamed", Unnamed(subject, TYPE_PREFIX + type_, sender)))
        elif len(transfers) != 1:
            raise self.log.fail(f"{type_} of {subject} was answered with {len(transfers)} transfers", subject)
        kind = "status" if type_ == STATUS_CHANGED else type_.partition(".")[0]
        for transfer in transfers:
            self.place += 1
            fact = Fact(
                transfer=transfer,
                subject=subject,
                sender=sender,
                kind=kind,
                type=TYPE_PREFIX + type_,
                to=to,
                chain=subject if kind == "dossier" else f"{subject} {sender}",
                place=self.place,
                race=race,
                document=document,
                code=code,
            )
            self.log.note(line("fact", fact))
