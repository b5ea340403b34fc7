from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Iterator

import pytest
import requests

from tests.bench.fetchers import VARIABLES, available
from tests.bench.measuring import measured
from tests.bench.server import serving
from tests.bench.weights import Weights, written

SIZE_BYTES = 3_000_001


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Weights:
    return written(tmp_path_factory.mktemp("source") / "weights.bin", SIZE_BYTES)


@pytest.fixture(scope="module")
def url(weights: Weights) -> Iterator[str]:
    with serving(weights.file.parent) as url:
        yield url


def test_a_file_is_served_under_any_path_that_ends_with_its_name(weights: Weights, url: str) -> None:
    answer = requests.get(f"{url}/org/repo/resolve/main/weights.bin?download=true", timeout=60)

    assert (200, weights.file.read_bytes()) == (answer.status_code, answer.content)


def test_a_range_is_served(weights: Weights, url: str) -> None:
    answer = requests.get(f"{url}/weights.bin", headers={"Range": "bytes=1000000-"}, timeout=60)

    assert (206, f"bytes 1000000-3000000/{SIZE_BYTES}") == (answer.status_code, answer.headers["Content-Range"])
    assert weights.file.read_bytes()[1_000_000:] == answer.content


def test_head_says_the_size_on_the_connection_that_get_then_uses(weights: Weights, url: str) -> None:
    with requests.Session() as session:
        assert str(SIZE_BYTES) == session.head(f"{url}/weights.bin").headers["Content-Length"]
        assert weights.file.read_bytes() == session.get(f"{url}/weights.bin").content


def test_what_is_not_there_is_not_found(url: str) -> None:
    assert 404 == requests.get(f"{url}/other.bin", timeout=60).status_code


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("openssl")), reason="fetching is compared with both")
def test_whoever_fetches_has_the_file_in_the_end(tmp_path: Path, weights: Weights, url: str) -> None:
    for name, fetcher in available(sys.executable).items():
        if name != "the server alone":
            folder = tmp_path / name
            folder.mkdir()
            measured(fetcher.words(folder, url, weights), environ=VARIABLES)

            assert [weights.file.read_bytes()] == [file.read_bytes() for file in folder.rglob("weights.bin")], name
