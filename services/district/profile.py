"""The district level as data."""

from contracts.levels import Level
from services.office.profile import LevelProfile

PROFILE = LevelProfile(
    level=Level.DISTRICT,
    title="Liên Thông, district office",
    description="Dịch vụ liên thông cấp huyện · the office of district organs.",
)
