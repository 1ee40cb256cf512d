"""The organs of the hub as this office knows them, from its copy of the registry."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date

from contracts.directory import Directory, Resolution, local_date
from contracts.levels import OFFICE_LEVELS, Level
from contracts.problems import HubError
from services.kernel.clock import Clock
from services.office.organs import rules

_NO_OFFICE = "it is registered, but dossiers go only to organs of this hub's offices: province, district, commune"


class Organs:
    """`directory` gives the newest copy; `urls` tells where the office of each level answers."""

    def __init__(
        self, directory: Callable[[], Directory], clock: Clock, *, level: Level, urls: Mapping[str, str], gateway: str
    ) -> None:
        self._directory = directory
        self._clock = clock
        self._level = level
        self._urls = urls
        self._gateway = gateway

    def today(self) -> date:
        """The day validity is judged by, in hub time."""
        return local_date(self._clock.hub_now())

    def resolve(self, code: str) -> Resolution:
        """Who receives what is written to the code today."""
        return self._directory().resolve(code, self.today())

    def canonical(self, code: str) -> str:
        """The organ's own code; what is unknown stays as it was written."""
        organ = self._directory().find(code, self.today())
        return organ.code if organ else code

    def recipient(self, code: str, pointer: str) -> str:
        """The organ that receives a dossier: one with an office. Raises `recipient.*` when nobody does."""
        found = self.resolve(code)
        if found.organ is None or found.problem:
            raise HubError(found.problem or "recipient.unknown", pointer=pointer)
        if found.organ.level not in OFFICE_LEVELS:
            raise HubError("recipient.unknown", _NO_OFFICE, pointer=pointer)
        return found.organ.code

    def acting(self, organs: Sequence[str], wanted: str | None, *, writes: bool) -> str:
        """The organ a caller acts for, if this office serves it."""
        on = self.today()
        organ = rules.choose(organs, wanted, self._directory(), on)
        if organ.level is not self._level:
            url = self._urls.get(organ.level.value, self._gateway)
            raise HubError("organ.wrong_office", f"{organ.code} is served at {url}", url=url)
        if writes:
            rules.require_active(organ, on)
        return organ.code
