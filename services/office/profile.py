"""What makes one office program differ from another: data handed to the assembly by `main.py`."""

from dataclasses import dataclass

from contracts.levels import Level


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelProfile:
    """One level of administration and its office."""

    level: Level

    @property
    def program(self) -> str:
        return self.level.value
