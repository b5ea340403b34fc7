"""Fetches interrupted by real signals, and by servers that give wrong bytes."""

from __future__ import annotations

import hashlib
import os
import signal
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any, Iterator, NamedTuple

import pytest

from scripts.models import store
from scripts.models.http import Patience
from scripts.settings import Settings
from tests.unit.models.apart import fetch_apart, wait_for
from tests.unit.models.loopback import content, files_below, links, serve, use_packages
from tests.unit.models.manifests import entry, project
from tests.unit.models.misbehaving import Fault, Weights


class Stalled(NamedTuple):
    """A project whose source gives half of a file of 8 MB and then nothing, the first time."""

    settings: Settings
    weights: Weights

    def half_is_here(self) -> bool:
        """Whether what the server has given so far lies on the disk."""
        parts = list(self.settings.models_directory.glob("*.part"))
        return bool(parts) and parts[0].stat().st_size >= 0.45 * len(self.weights.data)


@pytest.fixture
def stalled(tmp_path: Path) -> Iterator[Stalled]:
    weights = Weights(os.urandom(8_000_000), Fault("stall", 0.5))
    with serve({"/m.bin": weights}) as server:
        yield Stalled(project(tmp_path, entry(weights.data, f"{server.url}/m.bin")), weights)
        weights.released.set()


@pytest.mark.parametrize(
    "number, code", [(signal.SIGINT, -signal.SIGINT), (signal.SIGTERM, 143), (signal.SIGKILL, -signal.SIGKILL)]
)
def test_after_a_signal_at_half_the_next_run_brings_the_other_half(
    stalled: Stalled, number: signal.Signals, code: int
) -> None:
    child = fetch_apart(stalled.settings.project)
    wait_for(stalled.half_is_here)
    child.send_signal(number)
    output, _ = child.communicate(timeout=20)
    assert (code, False) == (child.returncode, (stalled.settings.models_directory / "m.bin").exists()), output
    before = stalled.weights.sent_bytes

    store.fetch(stalled.settings)

    assert {"m.bin": stalled.weights.data} == files_below(stalled.settings.models_directory)
    assert stalled.weights.sent_bytes - before <= 0.55 * len(stalled.weights.data)


def test_over_https_a_file_is_resumed_too(tmp_path: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    weights = Weights(os.urandom(1_000_000), Fault("drop", 0.5))
    with serve({"/m.bin": weights}, certificate) as server:
        here = project(tmp_path, entry(weights.data, f"{server.url}/m.bin"))
        store.fetch(here, patience=Patience(first_pause_s=0.01))

    assert {"m.bin": weights.data} == files_below(here.models_directory)
    assert ["", "bytes=500000-"] == weights.ranges


def test_what_came_before_is_said_and_not_counted_as_a_download(
    stalled: Stalled, capsys: pytest.CaptureFixture[str]
) -> None:
    child = fetch_apart(stalled.settings.project)
    wait_for(stalled.half_is_here)
    child.kill()
    child.communicate()
    part_bytes = next(stalled.settings.models_directory.glob("*.part")).stat().st_size

    todo = store.plan(stalled.settings)

    assert (part_bytes, 8_000_000 - part_bytes) == (todo.part_bytes, todo.download_bytes)
    assert todo.disk_bytes == todo.download_bytes


def test_a_damaged_part_costs_one_more_download_and_no_more(tmp_path: Path) -> None:
    weights = Weights(b"abcdef")
    (tmp_path / "cache_hub" / "models").mkdir(parents=True)
    digest = hashlib.sha256(weights.data).hexdigest()
    (tmp_path / "cache_hub" / "models" / f"{digest}.part").write_bytes(b"xyz")
    with serve({"/m.bin": weights}) as server:
        here = project(tmp_path, entry(weights.data, f"{server.url}/m.bin"))
        store.fetch(here)

    assert {"m.bin": weights.data} == files_below(here.models_directory)
    assert ["bytes=3-", ""] == weights.ranges


@pytest.mark.parametrize("faults, requests", [(1, 2), (2, 3)])
def test_wrong_content_is_fetched_once_more_from_zero_then_from_the_next_source(
    tmp_path: Path, faults: int, requests: int
) -> None:
    weights = Weights(b"abcdef", *[Fault("corrupt")] * faults)
    with serve({"/m.bin": weights, "/mirror.bin": weights}) as server:
        store.fetch(project(tmp_path, entry(weights.data, f"{server.url}/m.bin", f"{server.url}/mirror.bin")))

    assert (requests, requests == 3) == (len(weights.requests), "/mirror.bin" in server.asked)


def test_a_signal_while_a_wheel_comes_ends_the_installer_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = threading.Event()

    def stall(handler: Any) -> None:
        handler.connection.settimeout(20)
        with suppress(ConnectionError):
            content(bytes(1000), says_bytes=10**6)(handler)
            handler.connection.recv(1)  # returns, or is reset, when the installer hangs up
        gone.set()

    wheel = "voices-1.0-py3-none-any.whl"
    with serve({"/links": links(wheel), f"/{wheel}": stall}) as server:
        use_packages(monkeypatch, f"{server.url}/links")
        here = project(tmp_path, entry(b"abc", "wheel:voices==1.0#a.bin"))
        child = fetch_apart(here.project)
        wait_for(lambda: f"/{wheel}" in server.asked)
        child.terminate()
        output, _ = child.communicate(timeout=20)

        assert (143, []) == (child.returncode, list(here.models_directory.iterdir())), output
        assert gone.wait(30)
