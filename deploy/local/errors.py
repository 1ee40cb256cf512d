"""The one error of this package: something a person at the machine must see to, told in one sentence."""

from __future__ import annotations


class LocalError(Exception):
    """Carries the same sentence in Vietnamese and English; whoever catches it prints it and stops."""

    def __init__(self, vi: str, en: str) -> None:
        super().__init__(f"{vi} · {en}")
        self.vi = vi
        self.en = en
