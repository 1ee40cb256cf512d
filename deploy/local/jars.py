"""The Java archives of Apache Kafka: exactly those of `kafka-jars.sha256`, from a Maven repository, kept in a cache.

`python -m deploy.local.jars` fills the cache; `… jars pin` resolves ROOTS afresh and writes that file, and nothing
else resolves anything.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit, urlunsplit

from jgo.constants import MAVEN_CENTRAL_URL
from jgo.maven import Artifact, MavenContext
from requests import RequestException

from deploy.local.errors import LocalError
from deploy.local.screen import Screen

ROOTS = ("org.apache.kafka:kafka_2.13:4.3.1", "org.slf4j:slf4j-simple:1.7.36")
# lines as sha256sum writes them; the path is the one in a Maven repository
PINNED = Path(__file__).with_name("kafka-jars.sha256")
REPOSITORY_SETTING = "LIENTHONG_MAVEN_REPOSITORY"
CACHE_SETTING = "LIENTHONG_CACHE"
DOWNLOADS_AT_ONCE = 8
DOWNLOAD_PREFIX = ".download-"
TIMEOUT_SECONDS = 60

Report = Callable[[str], None]


def cache_folder() -> Path:
    chosen = os.environ.get(CACHE_SETTING)
    return Path(chosen).absolute() if chosen else Path.home() / ".cache" / "lienthong"


def pinned() -> dict[PurePosixPath, str]:
    """Digest of each archive."""
    lines = (line.split(maxsplit=1) for line in PINNED.read_text().splitlines())
    return {PurePosixPath(path): digest for digest, path in lines}


def class_path(report: Report) -> list[Path]:
    """Every archive on this disk, its digest checked now. Downloads what is missing or damaged and reports each."""
    cache = cache_folder() / "maven"
    wanted = pinned()
    if missing := [path for path, digest in wanted.items() if not _is_whole(cache / path, digest)]:
        with _alone(cache):
            _download([path for path in missing if not _is_whole(cache / path, wanted[path])], cache, report)
        for path in missing:
            if not _is_whole(cache / path, wanted[path]):
                (cache / path).unlink(missing_ok=True)
                raise LocalError(
                    f"Tệp {path.name} lấy từ kho Maven không khớp SHA-256 đã ghim; kiểm tra {REPOSITORY_SETTING}.",
                    f"{path.name} from the Maven repository is not what its pinned SHA-256 says; "
                    f"check {REPOSITORY_SETTING}.",
                )
    return [cache / path for path in wanted]


def _is_whole(file: Path, digest: str) -> bool:
    try:
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest() == digest
    except FileNotFoundError:
        return False


@contextmanager
def _alone(cache: Path) -> Iterator[None]:
    """One process at a time fills the cache."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _download(paths: list[PurePosixPath], cache: Path, report: Report) -> None:
    """A file is fetched under another folder and moved to its place whole."""
    for interrupted in cache.glob(f"{DOWNLOAD_PREFIX}*"):
        shutil.rmtree(interrupted, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix=DOWNLOAD_PREFIX) as folder:
        context = _context(Path(folder))
        artifacts = {_artifact(context, path): path for path in paths}
        with ThreadPoolExecutor(DOWNLOADS_AT_ONCE) as pool:
            futures = {pool.submit(artifact.resolve): path for artifact, path in artifacts.items()}
            try:
                for count, future in enumerate(as_completed(futures), start=1):
                    path = futures[future]
                    place = cache / path
                    place.parent.mkdir(parents=True, exist_ok=True)
                    future.result().replace(place)
                    report(f"Kafka {count}/{len(paths)}: {path.name} ({place.stat().st_size / 1e6:.1f} MB)")
            except (RequestException, RuntimeError) as error:
                pool.shutdown(cancel_futures=True)
                raise _unreachable(context, error) from error


def _context(folder: Path) -> MavenContext:
    repository = os.environ.get(REPOSITORY_SETTING, MAVEN_CENTRAL_URL).rstrip("/")
    return MavenContext(repo_cache=folder, remote_repos={"central": repository}, timeout=TIMEOUT_SECONDS)


def _artifact(context: MavenContext, path: PurePosixPath) -> Artifact:
    """group/as/folders/name/version/name-version.jar"""
    *group, name, version, _ = path.parts
    return context.project(".".join(group), name).at_version(version).artifact()


def _unreachable(context: MavenContext, error: Exception) -> LocalError:
    address = urlsplit(next(iter(context.remote_repos.values())))
    # without a name and password it may hold
    repository = urlunsplit(address._replace(netloc=address.netloc.rpartition("@")[2]))
    cause = type(error).__name__ if isinstance(error, RequestException) else "not found"
    return LocalError(
        f"Không lấy được Apache Kafka từ kho Maven {repository} ({cause}); "
        f"kiểm tra mạng hoặc đặt {REPOSITORY_SETTING}.",
        f"Cannot fetch Apache Kafka from the Maven repository {repository} ({cause}); "
        f"check the network or set {REPOSITORY_SETTING}.",
    )


def pin(report: Report) -> None:
    """Resolve the roots with all they need, download everything and write the file of digests."""
    with tempfile.TemporaryDirectory() as folder:
        context = _context(Path(folder))
        inputs, transitive = context.resolver.resolve([context.create_dependency(root) for root in ROOTS])
        needed = [*inputs, *(found for found in transitive if found.scope in ("compile", "runtime"))]
        lines = []
        for found in needed:
            file = found.artifact.resolve()
            report(file.name)
            lines.append(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.relative_to(folder).as_posix()}\n")
    PINNED.write_text("".join(sorted(lines, key=lambda line: line.split()[1])))


def main(words: list[str]) -> int:
    screen = Screen(sys.stderr)
    try:
        if words == ["pin"]:
            pin(screen.progress)
        else:
            class_path(screen.progress)
    except LocalError as error:
        screen.line(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
