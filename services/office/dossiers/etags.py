"""The `ETag` of a dossier and `If-Match`. Plain values.

The version of the stamp says all about a dossier whose every accepted step is known and of which nothing else is. Own
acts on their way or refused, and stamps that came ahead of their facts, show in a suffix.
"""

import re
from dataclasses import dataclass
from hashlib import sha256

from contracts.problems import HubError
from services.office.dossiers.rules import PENDING, ROUTED, View

_TAG = re.compile(r'[ \t]*(?:(?:W/)?"([\x21\x23-\x7e]*)"|([0-9]{1,18}))?[ \t]*(?:,|$)')


def etag(shown: View) -> str:
    """`"7"`, or `"7-…"`: another one whenever the dossier is shown otherwise."""
    version, steps = shown.stamp.version, shown.history
    if len(steps) == version and all(each.state == ROUTED for each in steps):
        return f'"{version}"'
    told = "\n".join(f"{each.transfer} {each.state} {each.refusal or ''}" for each in steps)
    return f'"{version}-{sha256(told.encode()).hexdigest()[:16]}"'


@dataclass(frozen=True, slots=True)
class IfMatch:
    """What the caller has seen; `tags` None: anything."""

    tags: frozenset[str] | None = None

    @classmethod
    def parse(cls, header: str | None) -> "IfMatch":
        """Raises `request.malformed` for what is no list of entity tags. A weak tag counts as the strong one it was
        made from: whoever compresses an answer on its way marks it so."""
        if header is None or header.strip() == "*":
            return ANY
        tags: list[str] = []
        place = 0
        while place < len(header):
            found = _TAG.match(header, place)
            if found is None:
                break
            place = found.end()
            tags += [tag for tag in found.groups() if tag is not None]
        if place < len(header) or not tags:
            raise HubError("request.malformed", 'If-Match: "<version>", the ETag, several of them, or *')
        return cls(frozenset(tags))

    def require(self, shown: View) -> None:
        """Raises `request.precondition_failed` unless the dossier is at one of the tags. The plain version is one
        except while own acts are on their way: they change the dossier, and not yet its version."""
        present = etag(shown)
        tags = {present.strip('"')}
        if not any(each.state == PENDING for each in shown.history):
            tags.add(str(shown.stamp.version))
        if self.tags is None or tags & self.tags:
            return
        raise HubError("request.precondition_failed", f"the ETag is {present}", headers={"ETag": present})


ANY = IfMatch()
