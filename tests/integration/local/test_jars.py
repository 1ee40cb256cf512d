"""Kafka's archives come from the Maven repository a setting names, and only as they were pinned."""

from __future__ import annotations

import functools
import http.server
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.local.errors import LocalError
from deploy.local.jars import CACHE_SETTING, REPOSITORY_SETTING, cache_folder, class_path, pinned
from deploy.local.ports import free_port


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def repository(folder: Path) -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def fetched() -> Path:
    """A folder laid out as a repository that has everything."""
    class_path(lambda _: None)
    return cache_folder() / "maven"


@pytest.fixture
def fresh_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fetched: Path) -> Path:
    monkeypatch.setenv(CACHE_SETTING, str(tmp_path / "bộ đệm"))
    return tmp_path / "bộ đệm" / "maven"


@pytest.mark.more
def test_fetches_all_once_and_again_only_what_was_damaged(
    fetched: Path, fresh_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    with repository(fetched) as address:
        monkeypatch.setenv(REPOSITORY_SETTING, address)
        found = class_path(steps.append)
        assert len(found) == len(steps) == len(pinned())
        assert all(file.is_relative_to(fresh_cache) and file.exists() for file in found)
        steps.clear()
        found[3].write_bytes(found[3].read_bytes()[:100])
        class_path(steps.append)
        assert [step.split()[2] for step in steps] == [found[3].name]
    steps.clear()
    assert class_path(steps.append) == found
    assert steps == []
    assert not list(fresh_cache.glob(".download-*"))


def test_refuses_an_archive_that_is_not_the_pinned_one(
    fetched: Path, fresh_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(fetched, fresh_cache)
    path = next(iter(pinned()))
    (fresh_cache / path).unlink()
    forged = tmp_path / "forged" / path
    forged.parent.mkdir(parents=True)
    forged.write_bytes(b"not what it says")
    with repository(tmp_path / "forged") as address:
        monkeypatch.setenv(REPOSITORY_SETTING, address)
        with pytest.raises(LocalError, match=f"{path.name} from the Maven repository is not what"):
            class_path(lambda _: None)
    assert not (fresh_cache / path).exists()


def test_names_the_repository_it_cannot_reach_and_not_its_password(
    fresh_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"127.0.0.1:{free_port()}"
    monkeypatch.setenv(REPOSITORY_SETTING, f"http://me:secret@{address}/jars/")
    with pytest.raises(LocalError, match="Cannot fetch Apache Kafka") as refusal:
        class_path(lambda _: None)
    assert f"http://{address}/jars" in str(refusal.value)
    assert "secret" not in str(refusal.value)
    assert not list(fresh_cache.glob(".download-*"))
