"""What the plugin notes of tests that touch what others may feel, in real pytest processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any, Dict, List

import pytest

from scripts.runner import plugin_loader
from scripts.runner.plugin_loader import Order


def touches(folder: Path, suite: str) -> Dict[str, List[List[Any]]]:
    """Run a suite in `folder`, and read what its tests touched, by their names."""
    (folder / "suite").mkdir()
    (folder / "suite" / "test_it.py").write_text(textwrap.dedent(suite))
    (folder / "suite" / "pytest.ini").write_text("[pytest]\n")
    journal = folder / "journal.jsonl"
    environ = plugin_loader.variables(os.environ, folder / "plugin", Order(journal, "5f3a", notes_touches=True))
    words = [sys.executable, "-m", "pytest", "-q", *plugin_loader.ARGUMENTS]
    subprocess.run(words, cwd=str(folder / "suite"), env=environ, check=True)
    events = [json.loads(line) for line in journal.read_text().splitlines()]
    told = [event for event in events if isinstance(event, dict) and event["event"] == "touch"]
    return {event["id"].partition("::")[2]: event["touches"] for event in told}


def test_files_that_a_test_makes_changes_and_reads_are_noted(tmp_path: Path) -> None:
    told = touches(
        tmp_path,
        """
        import os, sqlite3

        def test_makes():
            with open("x", "w"): pass
            os.mkdir("d")
            sqlite3.connect("d/db").close()

        def test_changes():
            with open("x", "a"): pass
            with open("x", "w"): pass
            os.remove("x")

        def test_reads():
            os.listdir("d")
            with open("d/db", "rb"): pass
        """,
    )

    x, d, db = (str(tmp_path / "suite" / name) for name in ("x", "d", "d/db"))
    assert [["made", x, None], ["made", d, None], ["made", db, None]] == told["test_makes"]
    assert [["write", x, None], ["over", x, None]] == told["test_changes"]
    assert [["list", d, None], ["read", db, None]] == told["test_reads"]


def test_what_no_other_process_has_is_not_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVICE_URL", "http://h")
    told = touches(
        tmp_path,
        """
        import importlib, json.tool, os, sqlite3, socket, tempfile
        import pytest

        @pytest.fixture(scope="module")
        def shared():
            return tempfile.mkdtemp()

        def test_it(tmp_path, shared, service_requests):
            service_requests.note("GET", "http://h", 200, 1.0)
            (tmp_path / "x").write_text("x")
            with open(os.path.join(shared, "y"), "w"): pass
            sqlite3.connect(":memory:").close()
            with open(os.__file__): pass
            with open(os.devnull, "w"): pass
            os.utime(".", (1, 1))
            with pytest.raises(ImportError):
                importlib.import_module("nowhere")
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
        """,
    )

    assert {} == told


def test_ports_and_what_child_processes_are_told_are_noted(tmp_path: Path) -> None:
    told = touches(
        tmp_path,
        """
        import socket, subprocess, sys

        def test_port():
            with socket.socket() as taken:
                taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                taken.bind(("127.0.0.1", 28741))

        def test_child():
            subprocess.check_call([sys.executable, "-c", "", "--port=28742", "/some/file"])
        """,
    )

    assert [["port", "28741", None]] == told["test_port"]
    assert ["port", "28742", None] in told["test_child"]
    assert ["word", "/some/file", None] in told["test_child"]


def test_what_a_shared_fixture_does_is_noted_as_its(tmp_path: Path) -> None:
    told = touches(
        tmp_path,
        """
        import os
        import pytest

        @pytest.fixture(scope="module")
        def shared():
            with open("x", "w"): pass
            yield
            os.remove("x")

        def test_one(shared): pass
        def test_two(shared): pass
        """,
    )

    shared = ["module", "test_it.py", "shared"]
    assert [["made", str(tmp_path / "suite" / "x"), shared]] == told["test_one"]
    assert [["write", str(tmp_path / "suite" / "x"), shared]] == told["test_two"]


def test_what_a_test_leaves_in_its_process_is_noted(tmp_path: Path) -> None:
    told = touches(
        tmp_path,
        """
        import os

        ITEMS = []

        class State:
            token = None

        def test_variable():
            os.environ["LEFT"] = "1"

        def test_list():
            ITEMS.append(1)

        def test_class():
            State.token = 1

        def test_name():
            global NEW
            NEW = 1

        def test_nothing(monkeypatch):
            monkeypatch.setenv("GONE", "1")
        """,
    )

    assert {
        "test_variable": [["variable", "LEFT", None]],
        "test_list": [["state", "test_it.ITEMS", None]],
        "test_class": [["state", "test_it.State.token", None]],
        "test_name": [["state", "test_it.NEW", None]],
    } == told


def test_a_test_does_not_feel_that_it_is_watched(tmp_path: Path) -> None:
    told = touches(
        tmp_path,
        """
        import os
        import pytest

        class Lazy:
            def __getattribute__(self, name):
                raise RuntimeError("woken up")

        LAZY = Lazy()

        def test_it(monkeypatch):
            monkeypatch.setattr(os.path, "join", None)
            monkeypatch.setattr(os, "getcwd", None)
            with pytest.raises(OSError):
                os.open(b"\\xff/none", os.O_RDONLY)
            with open("x", "w"): pass
        """,
    )

    assert ["made", str(tmp_path / "suite" / "x"), None] in told["test_it"]
