"""Samples of real messages, by name: `samples` is all of them; tests that ask for a name run once for each."""

from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[3] / "data" / "edxml"
SAMPLES = {path.stem: path.read_bytes() for path in sorted(FOLDER.glob("*.edxml"))}


@pytest.fixture(scope="session")
def samples() -> dict[str, bytes]:
    return SAMPLES


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    for fixture, prefixes in {
        "sample_name": ("doc-", "status-"),
        "document_name": ("doc-",),
        "status_name": ("status-",),
        "rewritten_name": ("rewritten-",),
    }.items():
        if fixture in metafunc.fixturenames:
            metafunc.parametrize(fixture, [name for name in SAMPLES if name.startswith(prefixes)])
