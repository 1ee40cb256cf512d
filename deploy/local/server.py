"""What the servers of one machine share: one child process that is there or not. How it starts is each one's own."""

from __future__ import annotations

from deploy.local.processes import Child


class Server:
    """Runs while its child does; ending, freezing and thawing do nothing when there is none."""

    def __init__(self) -> None:
        self._child: Child | None = None

    @property
    def pid(self) -> int | None:
        return self._child.pid if self.alive and self._child is not None else None

    @property
    def alive(self) -> bool:
        return self._child is not None and self._child.alive

    def stop(self, seconds: float) -> None:
        """In good order; killed when it takes longer."""
        if self._child is not None:
            self._child.stop(seconds)
            self._child = None

    def kill(self) -> None:
        """kill -9 of the server and all its processes."""
        if self._child is not None:
            self._child.kill()
            self._child = None

    def freeze(self) -> None:
        """SIGSTOP of the server and all its processes."""
        if self._child is not None:
            self._child.freeze()

    def thaw(self) -> None:
        """SIGCONT."""
        if self._child is not None:
            self._child.thaw()
