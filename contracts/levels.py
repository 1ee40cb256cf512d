"""The four levels of administration. Who is superior to whom is registry data, never code."""

from enum import StrEnum


class Level(StrEnum):
    CENTRAL = "central"
    PROVINCE = "province"
    DISTRICT = "district"
    COMMUNE = "commune"


OFFICE_LEVELS: tuple[Level, ...] = (Level.PROVINCE, Level.DISTRICT, Level.COMMUNE)
"""Levels with an office program of their own; the central level is reached over the national axis."""
