"""The district level as data."""

from contracts.levels import Level
from services.office.profile import LevelProfile

PROFILE = LevelProfile(level=Level.DISTRICT)
