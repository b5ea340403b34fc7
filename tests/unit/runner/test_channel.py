from __future__ import annotations

import os
import socket
import time

import pytest

from scripts.runner.shardline_pytest import channel as module
from scripts.runner.shardline_pytest.channel import Channel, Gone, Unanswered
from tests.unit.runner.answering import Answer, Question, Runner

LONG_S = 30.0


def raise_eof(question: Question) -> Answer:
    raise EOFError


def test_each_question_has_its_answer() -> None:
    with Runner(lambda question: {"got": question["word"]}) as runner:
        channel = Channel(str(runner.path))

        answers = [channel.ask({"word": word}, LONG_S) for word in ("你好", "\ud800", "x" * 3_000_000)]

    assert [{"got": "你好"}, {"got": "\ud800"}, {"got": "x" * 3_000_000}] == answers


def test_the_default_timeout_of_sockets_is_not_ours() -> None:
    with Runner(lambda question: time.sleep(0.05) or {}) as runner:
        socket.setdefaulttimeout(0.01)
        try:
            assert {} == Channel(str(runner.path)).ask({}, LONG_S)
        finally:
            socket.setdefaulttimeout(None)


def test_a_runner_that_listens_no_more_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MISSED_S", 0.05)
    with Runner(raise_eof) as runner:
        channel = Channel(str(runner.path))
        with pytest.raises(Gone, match="ended before it answered"):
            channel.ask({}, LONG_S)
        runner.end()
        runner._thread.join()
        with pytest.raises(Gone, match="does not listen any more: Connection refused"):
            channel.ask({}, LONG_S)

    with pytest.raises(Gone, match="does not listen any more: No such file"):
        channel.ask({}, LONG_S)


def test_who_has_no_time_to_answer_is_not_waited_for() -> None:
    with socket.socket(socket.AF_UNIX) as listening, Runner(raise_eof) as runner:
        path = str(runner.path.with_name("slow"))
        listening.bind(path)
        listening.listen(1)

        with pytest.raises(Unanswered, match="cannot ask the runner: "):
            Channel(path).ask({}, 0.05)


def test_a_full_queue_is_waited_for_as_long_as_there_is_time() -> None:
    with socket.socket(socket.AF_UNIX) as listening, Runner(raise_eof) as runner:
        path = str(runner.path.with_name("full"))
        listening.bind(path)
        listening.listen(0)
        with socket.socket(socket.AF_UNIX) as other:
            other.connect(path)

            with pytest.raises(Unanswered):
                Channel(path).ask({}, 0.05)


@pytest.mark.parametrize("answer", [b"[]", b"{", b"\xff", b"{} {}"])
def test_what_is_no_object_is_no_answer(answer: bytes) -> None:
    with Runner(lambda question: answer) as runner, pytest.raises(ValueError, match="expected a JSON object, got b"):
        Channel(str(runner.path)).ask({}, LONG_S)


def test_an_error_of_the_suites_own_means_unanswered(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object) -> None:
        raise RuntimeError("no network in tests")

    channel = Channel("nowhere")
    monkeypatch.setattr(channel, "_socket", forbidden)

    with pytest.raises(Unanswered, match="RuntimeError: no network in tests"):
        channel.ask({}, LONG_S)


def test_a_child_knows_that_it_is_not_the_one_to_ask() -> None:
    channel = Channel("nowhere")
    child = os.fork()
    if not child:
        os._exit(channel.is_ours)

    assert channel.is_ours
    assert (child, 0) == os.waitpid(child, 0)
