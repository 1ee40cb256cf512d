"""Section 8 of the protocol: whatever happens to log, processes and clock, everything settles once and in order."""

from .machine import Life, core_settings

TestLife = Life.TestCase
TestLife.settings = core_settings(300)
