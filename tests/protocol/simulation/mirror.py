"""What an office knows of a dossier: one stamp, the parties it was told of, and a history per organ it serves."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from contracts.custody import Dossier
from contracts.protocol import Stamp, newest

from .wire import SUBMIT, Fact


@dataclass
class Mirror:
    receiver: str = ""
    parties: tuple[str, ...] = ()
    stamp: Stamp | None = None
    histories: dict[str, dict[str, None]] = field(default_factory=dict)

    def learn(self, fact: Fact) -> None:
        """Who takes part, as far as a fact tells it."""
        if fact.action == SUBMIT:
            self.receiver = fact.sender
            self._join(fact.sender, fact.deciding)
        elif fact.action == "accept_custody":
            self._join(fact.sender)
        elif fact.snapshot and not self.receiver:
            self.receiver = fact.snapshot.receiver
            self._join(*fact.snapshot.parties)

    def remember(self, organ: str, transfers: Iterable[str]) -> None:
        self.histories.setdefault(organ, {}).update(dict.fromkeys(transfers))

    def history(self, organ: str) -> frozenset[str]:
        return frozenset(self.histories.get(organ, ()))

    def see(self, stamp: Stamp | None, *, versionless: bool = False) -> None:
        self.stamp = (stamp or self.stamp) if versionless else newest(self.stamp, stamp)

    def dossier(self) -> Dossier | None:
        """None before the first stamp, or where `submitted` never arrived."""
        if self.stamp is None or not self.receiver:
            return None
        return Dossier(stamp=self.stamp, receiver=self.receiver, parties=self.parties)

    def _join(self, *organs: str) -> None:
        self.parties = tuple(dict.fromkeys([*self.parties, *filter(None, organs)]))
