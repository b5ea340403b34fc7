from __future__ import annotations

import hashlib
from pathlib import Path
from typing import List

import pytest

from scripts.models import store
from scripts.models.addresses import SourceError
from scripts.models.describe import Described, describe
from scripts.models.partial import Origin, open_part, part_path
from scripts.settings import ModelFile, Settings
from scripts.typed_yaml import Bytes
from tests.unit.models.loopback import files_below, serve, use_packages
from tests.unit.models.manifests import entry, project
from tests.unit.models.misbehaving import Fault, Weights
from tests.unit.wheels import make_wheel

DATA = bytes(range(100))


@pytest.fixture
def here(tmp_path: Path) -> Settings:
    return project(tmp_path)


def expected(source: str) -> ModelFile:
    return ModelFile(Bytes(100), "a.bin", hashlib.sha256(DATA).hexdigest(), (source,))


@pytest.mark.parametrize("keep, left", [(False, {}), (True, {"a.bin": DATA})])
def test_a_file_on_a_server_is_described_and_left_only_if_that_is_wanted(
    here: Settings, keep: bool, left: object
) -> None:
    with serve({"/a.bin": Weights(DATA)}) as server:
        source = f"{server.url}/a.bin"

        assert expected(source) == describe(here, source, "a.bin", keep).file
    assert left == files_below(here.models_directory)


def test_a_file_of_this_machine_is_described(here: Settings, tmp_path: Path) -> None:
    (tmp_path / "there.bin").write_bytes(DATA)

    assert Described(expected("file:there.bin"), None) == describe(here, "file:there.bin", "a.bin")


def test_a_member_of_a_wheel_is_described(here: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_wheel(tmp_path, "voices", "1.0", {"voices/a.bin": DATA})
    use_packages(monkeypatch, str(tmp_path))
    source = "wheel:voices==1.0#voices/a.bin"

    assert expected(source) == describe(here, source, "a.bin").file


def test_what_was_kept_need_not_come_again(here: Settings, tmp_path: Path) -> None:
    (tmp_path / "there.bin").write_bytes(DATA)
    describe(here, "file:there.bin", "a.bin", keep=True)
    (tmp_path / "there.bin").unlink()

    assert store.Fetched(1, 100) == store.fetch(project(tmp_path, entry(DATA, "file:there.bin", path="a.bin")))


def test_a_connection_that_breaks_is_resumed(here: Settings) -> None:
    weights = Weights(DATA, Fault("none", at=1), Fault("drop"))  # the first answer is only asked for its size
    with serve({"/a.bin": weights}) as server:
        described = describe(here, f"{server.url}/a.bin", "a.bin")

    assert hashlib.sha256(DATA).hexdigest() == described.file.sha256
    assert ["", "", "bytes=50-"] == weights.ranges


@pytest.mark.parametrize(
    "fault, complaint",
    [(Fault("status", code=404), "^HTTP 404 Not Found$"), (Fault("unsaid"), "does not say how large it is")],
)
def test_a_server_that_cannot_be_described_says_why(here: Settings, fault: Fault, complaint: str) -> None:
    with serve({"/a.bin": Weights(DATA, fault)}) as server, pytest.raises(SourceError, match=complaint):
        describe(here, f"{server.url}/a.bin", "a.bin")


def test_no_server_is_said_in_a_few_words(here: Settings) -> None:
    with serve({}) as server:
        url = server.url

    with pytest.raises(SourceError, match=r"^Connection refused$"):
        describe(here, f"{url}/a.bin", "a.bin")


@pytest.mark.parametrize(
    "validator, ranges", [('"v1"', ["", "bytes=50-"]), ('"v0"', ["", "bytes=50-"]), ("", ["", ""])]
)
def test_what_an_earlier_run_read_is_taken_only_if_the_file_is_still_the_same(
    here: Settings, validator: str, ranges: List[str]
) -> None:
    weights = Weights(DATA)
    with serve({"/a.bin": weights}) as server:
        source = f"{server.url}/a.bin"
        key = hashlib.sha256(source.encode()).hexdigest()
        begin(here.models_directory, key, DATA[:50] if validator == weights.etag else bytes(50), source, validator)

        assert expected(source) == describe(here, source, "a.bin").file
    assert ranges == weights.ranges


def begin(folder: Path, key: str, data: bytes, source: str, validator: str) -> None:
    """A part as a run that was killed leaves it."""
    folder.mkdir(parents=True)
    part_path(folder, key).write_bytes(data)
    with open_part(folder, key, lambda: None, lambda count: None) as part:
        part.came_from(Origin(source, validator))
