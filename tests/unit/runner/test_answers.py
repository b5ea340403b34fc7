"""What a round's pytest is answered, over the socket on which it asks."""

from __future__ import annotations

import os
import shutil
import socket
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any, Dict, List, Mapping

import pytest

from scripts.ci import Node
from scripts.distribution.folder import FolderStore
from scripts.errors import SettingsError, SuiteError
from scripts.runner import channel
from scripts.runner.answers import answers
from scripts.runner.channel import listening
from scripts.runner.claims import Claims
from scripts.runner.selection import Selection
from scripts.runner.shardline_pytest import channel as asking
from scripts.runner.shardline_pytest.channel import Channel, Gone

LONG_S = 30.0
IDS = [f"tests/test_你好.py::test[\ud800-{number:090}]" for number in range(30_000)]


def echo(question: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"got": question}


def ask(path: Path, question: Dict[str, Any]) -> Dict[str, Any]:
    return Channel(str(path)).ask(question, LONG_S)


def test_long_ids_that_utf_8_cannot_hold_go_both_ways() -> None:
    with listening(echo) as path:
        assert {"got": {"ids": IDS}} == ask(path, {"ids": IDS})


def test_the_folder_is_ours_alone_and_goes() -> None:
    with listening(echo) as path:
        mode = stat.S_IMODE(path.parent.stat().st_mode)

    assert (0o700, False) == (mode, path.parent.exists())


def test_a_long_path_for_temporary_files_is_avoided(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = tmp_path / ("x" * 100)
    long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(long))

    with listening(echo) as path:
        assert {"got": {}} == ask(path, {})
    assert [] == list(long.iterdir())


def test_where_there_can_be_no_socket_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))

    with pytest.raises(SuiteError, match=r"no socket can be made in .*gone"), listening(echo):
        pass


def test_who_says_nothing_or_half_of_it_stops_nobody() -> None:
    with listening(echo) as path, socket.socket(socket.AF_UNIX) as silent, socket.socket(socket.AF_UNIX) as half:
        silent.connect(str(path))
        half.connect(str(path))
        half.sendall(b'{"ids": [')

        assert {"got": {"a": 1}} == ask(path, {"a": 1})


@pytest.mark.parametrize("said", [b"[]", b"{", b"\xff", b"[" * 100_000])
def test_what_is_no_question_is_answered_by_an_error(said: bytes) -> None:
    with listening(echo) as path, socket.socket(socket.AF_UNIX) as asker:
        asker.connect(str(path))
        asker.sendall(said)
        asker.shutdown(socket.SHUT_WR)

        assert b'{"error": "no question that can be understood: ' in asker.recv(1000)


@pytest.mark.parametrize("error", [SettingsError("no such\nplan"), KeyError("no such plan")])
def test_a_mistake_becomes_an_answer_in_a_line(error: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    def fails(question: Mapping[str, Any]) -> Mapping[str, Any]:
        raise error

    with listening(fails) as path:
        told = ask(path, {})["error"]

    assert ("no such plan" in told, 1) == (True, len(told.splitlines()))
    assert isinstance(error, KeyError) == ("Traceback" in capsys.readouterr().err)


@pytest.mark.skipif(not hasattr(socket, "SO_PEERCRED"), reason="this system does not say who asks")
def test_a_child_that_kept_the_path_gets_no_tests() -> None:
    with listening(echo) as path:
        ask(path, {})
        child = os.fork()
        if not child:
            with suppress(BaseException):
                os._exit(7 if "only the pytest process that asked first" in ask(path, {})["error"] else 1)
            os._exit(2)

        assert 7 == os.WEXITSTATUS(os.waitpid(child, 0)[1])
        assert {"got": {}} == ask(path, {})


def test_when_the_round_is_over_nobody_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel, "POLL_S", 0.01)
    monkeypatch.setattr(asking, "MISSED_S", 0.01)
    with listening(echo) as path:
        path.unlink()  # as a test may

    with pytest.raises(Gone):
        ask(path, {})


def test_a_socket_that_a_test_removed_is_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel, "POLL_S", 0.01)
    with listening(echo) as path:
        shutil.rmtree(str(path.parent))  # as a suite does that empties its TMPDIR

        assert {"got": {"a": 1}} == ask(path, {"a": 1})
    assert not path.parent.exists()


def test_what_remains_is_answered_as_listed_or_by_what_was_collected(tmp_path: Path) -> None:
    nowhere = str(tmp_path / "nowhere.json")
    selection = Selection("5f3a", 0, 1, nowhere, nowhere, "m", ids=("c", "a", "gone"))
    question: Dict[str, Any] = {"ids": ["a", "b", "c"], "groups": []}

    chosen: List[Any] = [answers(selection, as_listed)(question)["select"] for as_listed in (False, True)]

    assert [["a", "c"], ["c", "a"]] == chosen
    assert "error" not in answers(selection)(question)
    with pytest.raises(ValueError, match="nobody can be asked this: next"):
        answers(selection)({"next": {}})


def test_a_suite_whose_loop_is_its_own_has_what_the_plan_gives_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere = str(tmp_path / "nowhere.json")
    claims = Claims(FolderStore(tmp_path / "store"), Node(0, 2))
    answer = answers(Selection("5f3a", 0, 2, nowhere, nowhere, "m"), claims=claims)
    question: Dict[str, Any] = {"ids": ["a.py::a", "b.py::b"], "groups": []}

    by_plan, shared_out = answer({**question, "loop": "conftest"}), answer(question)

    assert [1, 2] == [len(by_plan["select"]), len(shared_out["select"])]
    assert ["by_piece" in by_plan, "by_piece" in shared_out] == [False, True]
    assert "conftest runs the tests in a way of its own: tests are not shared out" in capsys.readouterr().out
