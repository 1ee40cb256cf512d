"""The commune level as data."""

from contracts.levels import Level
from services.office.profile import LevelProfile

PROFILE = LevelProfile(
    level=Level.COMMUNE,
    title="Liên Thông, commune office",
    description="Dịch vụ liên thông cấp xã · the office of commune organs.",
)
