"""Errors of running a process, free of any web framework; expected refusals are `HubError` of contracts/problems.py."""


class RetryLater(Exception):
    """The work cannot be done now and nothing is wrong with it: try the same again after `seconds`."""

    def __init__(self, reason: str, *, seconds: float = 1.0) -> None:
        super().__init__(reason)
        self.seconds = seconds
