"""The directory of organs at the gateway: read by every system, changed by administrators (scope `admin`)."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, Unpack

from deploy.client.problems import problem_of
from deploy.client.registers import Alias, ImportReport, Organ, OrganFilters
from deploy.client.transport import Ask, Hand, keyed, matching, parsed, segment

PATH = "/v1/organs"
CSV = "text/csv; charset=utf-8"


class Organs:
    def __init__(self, hand: Hand) -> None:
        self._hand = hand

    def list(self, **filters: Unpack[OrganFilters]) -> AsyncIterator[Organ]:
        """Organs valid at a date (`at`, today unless given); `q` looks into names and codes, accents or not."""
        return self._hand.items(PATH, filters, at="gateway")

    async def show(self, code: str, *, at: str | None = None) -> Organ:
        """By its code or any alias valid at the date."""
        organ: Organ = await self._hand.get(f"{PATH}/{segment(code)}", {"at": at}, at="gateway")
        return organ

    async def put(self, code: str, organ: Mapping[str, Any], *, if_match: int | None = None, reason: str = "") -> Organ:
        """Registers the organ, or puts this in the place of what is registered."""
        return await self._tell("PUT", code, organ, if_match, reason)

    async def change(self, code: str, changes: Mapping[str, Any], *, if_match: int | None = None) -> Organ:
        """Changes the members named, leaves the others; a `reason` among them is for the audit."""
        return await self._tell("PATCH", code, changes, if_match, "")

    async def add_alias(self, code: str, alias: Alias, *, reason: str = "") -> Organ:
        """Another code of the same organ, valid for some time."""
        path = f"{PATH}/{segment(code)}/aliases"
        organ: Organ = await self._hand.post(path, alias, params={"reason": reason or None}, at="gateway")
        return organ

    async def import_csv(
        self, data: bytes, *, dry_run: bool = False, partial: bool = False, reason: str = ""
    ) -> ImportReport:
        """A CSV file of organs; the report tells what becomes of each line, also when none is taken.

        `dry_run` changes nothing; `partial` takes the good lines though others are refused.
        """
        ask = Ask(
            method="POST",
            path=f"{PATH}:import",
            params={"dry_run": dry_run, "partial": partial, "reason": reason or None},
            headers={"Content-Type": CSV, **keyed(None)},
            content=lambda: data,
            at="gateway",
            also=(422,),
        )
        answer = await self._hand.send(ask)
        report: ImportReport | None = parsed(answer)
        if report is None or "lines" not in report:
            raise problem_of(answer)
        return report

    async def export_csv(self, *, at: str | None = None) -> bytes:
        """The organs valid at a date, or all, in the form that `import_csv` takes."""
        ask = Ask(method="GET", path=f"{PATH}:export", params={"at": at}, headers={"Accept": "text/csv"}, at="gateway")
        return (await self._hand.send(ask)).content

    async def _tell(self, method: str, code: str, body: Mapping[str, Any], if_match: int | None, reason: str) -> Organ:
        organ: Organ = await self._hand.tell(
            method,
            f"{PATH}/{segment(code)}",
            body,
            headers=matching(if_match),
            params={"reason": reason or None},
            at="gateway",
        )
        return organ
