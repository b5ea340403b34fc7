"""Many files at a time, from servers that limit each connection, or all of them."""

from __future__ import annotations

import os
import signal
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from scripts.errors import ModelError
from scripts.models import store
from scripts.models.http import Patience
from scripts.models.verified import Stamp
from scripts.settings import ModelFile
from scripts.typed_yaml import Bytes
from tests.unit.models.apart import fetch_apart, wait_for
from tests.unit.models.loopback import content, files_below, serve, status
from tests.unit.models.manifests import entry, project
from tests.unit.models.misbehaving import Fault, Weights

MANY = {f"{n}.bin": bytes([n]) * (n + 1) for n in range(5)}


def test_several_files_come_at_a_time(tmp_path: Path) -> None:
    """Each is answered only when all have been asked for."""
    all_asked = threading.Barrier(len(MANY))

    def answer(data: bytes, handler: BaseHTTPRequestHandler) -> None:
        all_asked.wait(20)
        content(data)(handler)

    with serve({f"/{name}": lambda handler, data=data: answer(data, handler) for name, data in MANY.items()}) as server:
        here = project(tmp_path, *(entry(data, f"{server.url}/{name}", path=name) for name, data in MANY.items()))
        store.fetch(here)

    assert MANY == files_below(here.models_directory)


def test_refusals_are_told_in_the_order_of_the_manifest_and_the_rest_is_kept(tmp_path: Path) -> None:
    with serve({"/2.bin": content(MANY["2.bin"])}) as server:
        here = project(tmp_path, *(entry(data, f"{server.url}/{name}", path=name) for name, data in MANY.items()))
        with pytest.raises(ModelError) as failure:
            store.fetch(here)
    told = [line.split()[2] for line in failure.value.message.splitlines() if line.startswith("cannot fetch")]

    assert (["0.bin", "1.bin", "3.bin", "4.bin"], {"2.bin"}) == (told, set(files_below(here.models_directory)))


@pytest.mark.parametrize("number, code", [(signal.SIGINT, -signal.SIGINT), (signal.SIGTERM, 143)])
def test_after_a_signal_all_parts_are_kept_and_the_next_run_brings_the_rest(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    weights = [Weights(os.urandom(4_000_000), Fault("stall", 0.5)) for _ in range(3)]
    with serve({f"/{n}": each for n, each in enumerate(weights)}) as server:
        here = project(tmp_path, *(entry(w.data, f"{server.url}/{n}", path=str(n)) for n, w in enumerate(weights)))
        child = fetch_apart(here.project)
        parts = here.models_directory
        wait_for(lambda: [True] * 3 == [part.stat().st_size > 1_700_000 for part in parts.glob("*.part")])
        child.send_signal(number)
        output, _ = child.communicate(timeout=20)
        assert code == child.returncode, output
        store.fetch(here)
        for each in weights:
            each.released.set()

    assert {str(n): each.data for n, each in enumerate(weights)} == files_below(here.models_directory)
    assert [True] * 3 == [each.sent_bytes < 4_300_000 for each in weights]


def test_a_server_that_was_given_up_is_not_waited_for_with_every_file(tmp_path: Path) -> None:
    """Where the hub cannot be reached, only those files ask it that began before this was known."""
    names = [f"{n}.bin" for n in range(store.AT_ONCE + 6)]
    answers = {f"/{name}": content(name.encode()) for name in names}
    with serve({f"/{name}": status(503) for name in names}) as dead, serve(answers) as mirror:
        here = project(tmp_path, *(entry(n.encode(), f"{dead.url}/{n}", f"{mirror.url}/{n}", path=n) for n in names))
        store.fetch(here, patience=Patience(retries=0, first_pause_s=0.01))

    assert set(names) == set(files_below(here.models_directory))
    assert len(dead.asked) <= store.AT_ONCE


def test_a_disk_that_takes_no_more_ends_all_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server gives nothing of the second file; that must not hold up the word about the first."""
    stalled = Weights(b"abc" * 100, Fault("stall", 0.0))
    with serve({"/a": content(MANY["0.bin"]), "/b": stalled}) as server:
        here = project(
            tmp_path,
            entry(MANY["0.bin"], f"{server.url}/a", path="a/a"),
            entry(stalled.data, f"{server.url}/b", path="b"),
        )
        here.models_directory.mkdir(parents=True)
        (here.models_directory / "a").write_text("a file where the folder should be")
        with pytest.raises(ModelError, match="cannot write the weights"):
            store.fetch(here)
        stalled.released.set()


@pytest.mark.parametrize("size_bytes, at_once", [(1, False), (10**9, True)])
def test_only_of_large_files_the_stamp_is_written_at_once_and_of_all_in_the_end(
    tmp_path: Path, size_bytes: int, at_once: bool
) -> None:
    here = project(tmp_path)
    file = ModelFile(Bytes(size_bytes), "a.bin", "a" * 64, ("file:a",))
    with pytest.raises(KeyboardInterrupt), store.Memory(here) as memory:
        memory.remember(file, Stamp(size_bytes, 1, 2, 3, file.sha256))
        written = (here.state / "models.json").exists()
        raise KeyboardInterrupt

    assert (at_once, True) == (written, "a.bin" in (here.state / "models.json").read_text())
