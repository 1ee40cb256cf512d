"""The province level as data."""

from contracts.levels import Level
from services.office.profile import LevelProfile

PROFILE = LevelProfile(
    level=Level.PROVINCE,
    title="Liên Thông, province office",
    description="Dịch vụ liên thông cấp tỉnh: sở, ban, ngành · the office of departments of the province.",
)
