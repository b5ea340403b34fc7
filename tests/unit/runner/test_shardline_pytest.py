"""The plugin in real pytest processes, in suites that do what suites do."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Dict, List, NamedTuple, Optional, Sequence

import pytest

from scripts.proof import outcomes, receipt
from scripts.proof.journal import Event, parse, read
from scripts.proof.measured import Wishes
from scripts.proof.outcomes import Ended, Fixture, Round, Running
from scripts.runner import plugin_loader
from scripts.runner.plugin_loader import Order
from scripts.runner.shardline_pytest import places
from scripts.runner.shardline_pytest.failure_text import capped, complaint, subtest_of
from scripts.runner.shardline_pytest.journal_writer import JournalWriter
from scripts.runner.shardline_pytest.orders import VARIABLES, take_order
from scripts.runner.shardline_pytest.recorder import Recorder
from scripts.runner.shardline_pytest.selector import choose, understood
from scripts.runner.shardline_pytest.whole_run import choose_paths, without_workers
from tests.unit.compiled import compiled_plugin
from tests.unit.runner.answering import Answer, Select, to_ids

START = "start"
PYTHON = os.environ.get("PYTHON_OF_SUITES", sys.executable)  # another one, to try the plugin with its pytest


class Run(NamedTuple):
    status: int
    out: str
    err: str
    journal: List[Round]


class Suite:
    """A suite in a folder, run by a pytest of its own as a round of a shard is."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "suite"
        self.folder.mkdir()
        self.journal = folder / "journal.jsonl"
        self.apart: Optional[Path] = None
        self.coverage: Optional[Path] = None
        self.collects_only = self.with_cache = False
        self.place = ""
        self._round = 2

    def write(self, **modules: str) -> Suite:
        for name, text in modules.items():
            file = self.folder / f"{name.replace('__', '/')}.py"
            file.parent.mkdir(exist_ok=True)
            file.write_text(textwrap.dedent(text), encoding="utf-8")
            # What is compiled already counts as fresh while size and second are those of the text.
            shutil.rmtree(str(file.parent / "__pycache__"), ignore_errors=True)
        return self

    def run(self, *arguments: str, select: Optional[Select] = None, **more: str) -> Run:
        if select is None:
            return self.run_by(None, *arguments, **more)
        with to_ids(select) as runner:
            return self.run_by(runner.path, *arguments, **more)

    def run_by(self, ask: Optional[Path], *arguments: str, **more: str) -> Run:
        environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        environ.update({"PYTHONPATH": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **more})  # a faster start
        self._round += 1
        order = Order(self.journal, START, self._round, (), ask, self.apart, self.collects_only)
        order = replace(order, coverage=self.coverage, place=self.place)
        cache = [] if self.with_cache else ["-p", "no:cacheprovider"]
        words = [PYTHON, "-m", "pytest", *plugin_loader.ARGUMENTS, "-q", *cache, *arguments]
        plugin = self.folder.parent / "plugin"
        with compiled_plugin(plugin):
            environ = plugin_loader.variables(environ, plugin, order)
            done = subprocess.run(words, cwd=str(self.folder), env=environ, capture_output=True, timeout=120)
        print(done.stdout.decode(), done.stderr.decode())  # pytest shows it where a test fails
        return Run(done.returncode, done.stdout.decode(), done.stderr.decode(), read(self.journal, START)[0])

    def events(self) -> List[Event]:
        return parse(self.journal.read_bytes(), START).events


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    return Suite(tmp_path)


THREE = """
    def test_a(): pass
    def test_b(): pass
    def test_c(): pass
"""
A, B, C = (f"test_it.py::test_{letter}" for letter in "abc")


def ran(run: Run) -> List[str]:
    return [attempt.nodeid for attempt in run.journal[-1].attempts]


def results(run: Run) -> Dict[str, str]:
    return {attempt.nodeid.split("::", 1)[1]: attempt.outcome for attempt in run.journal[-1].attempts}


# Which tests next?


def test_where_there_is_nobody_to_ask_all_tests_run(suite: Suite) -> None:
    run = suite.write(test_it=THREE).run()

    assert (0, 3, (A, B, C), [A, B, C]) == (run.status, run.journal[0].collected, run.journal[0].selected, ran(run))


def test_a_set_runs_in_collection_order_and_the_rest_is_deselected(suite: Suite) -> None:
    run = suite.write(test_it=THREE).run(select=lambda ids: {"select": [ids[2], ids[0]]})

    assert [A, C] == ran(run)
    assert "2 passed, 1 deselected" in run.out


def test_a_list_runs_in_its_own_order(suite: Suite) -> None:
    run = suite.write(test_it=THREE).run(select=lambda ids: {"select": [ids[2], ids[0]], "ordered": True})

    assert [C, A] == ran(run)
    assert (C, A) == run.journal[0].selected


def test_the_runner_sees_what_k_and_other_plugins_leave_and_rename(suite: Suite) -> None:
    conftest = """
        import pytest

        @pytest.hookimpl(hookwrapper=True, tryfirst=True)
        def pytest_collection_modifyitems(items):
            yield
            del items[1]
    """
    suite.write(test_it=THREE, conftest=conftest)

    with to_ids(lambda ids: {"select": ids}) as runner:
        suite.run_by(runner.path, "-k", "a or b")

    assert [{"ids": [A], "groups": []}] == runner.asked


TWINS = """
    import pytest

    class Twin(pytest.Item):
        def runtest(self):
            pass

    class Twins(pytest.File):
        def collect(self):
            return [Twin.from_parent(self, name=name) for name in ("one", "two", "one")]

    def pytest_collect_file(parent, file_path):
        if file_path.suffix == ".twins":
            return Twins.from_parent(parent, path=file_path)
"""


def test_tests_that_share_an_id_stay_together(suite: Suite) -> None:
    (suite.folder / "all.twins").touch()
    answer = {"select": ["all.twins::two", "all.twins::one"], "ordered": True}

    run = suite.write(conftest=TWINS).run(select=lambda ids: answer)

    assert ["all.twins::two", "all.twins::one", "all.twins::one"] == ran(run)
    assert ("all.twins::two", "all.twins::one", "all.twins::one") == run.journal[0].selected


def test_a_refusal_stops_the_run_with_one_line(suite: Suite) -> None:
    run = suite.write(test_it=THREE).run(select=lambda ids: {"error": "first,\nthe queue is gone"})

    assert (4, []) == (run.status, ran(run))
    assert ["ERROR: no answer to which tests to run: " in line for line in run.err.split("\n") if line] == [True]
    assert "no answer to which tests to run: first, the queue is gone" in run.err
    assert outcomes.NO_SELECTION == run.journal[0].ended.kind


def test_a_runner_that_is_not_there_stops_the_run(suite: Suite) -> None:
    run = suite.write(test_it=THREE).run_by(suite.folder / "nobody")

    assert (4, []) == (run.status, ran(run))
    assert "the runner does not listen any more" in run.err


@pytest.mark.parametrize(
    "answer, complaint",
    [
        ({"selected": []}, "expected "),
        ({"select": "a"}, "no list of ids"),
        ({"select": [1]}, "no list of ids"),
        ({"select": [], "ordered": "yes"}, "neither true nor false"),
        ({"select": ["b", "a"]}, "1 of the chosen tests were not collected, such as 'b'"),
        ({"select": ["a"], "error": "no plan"}, "no plan"),
    ],
)
def test_an_answer_that_is_none_is_refused(answer: Dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        understood(answer, ["a"])


def test_an_id_that_is_chosen_twice_is_chosen_once() -> None:
    items: List[Any] = [SimpleNamespace(nodeid="a"), SimpleNamespace(nodeid="b")]

    assert [items[1], items[0]] == choose(items, ["b", "a", "b"], ordered=True)


def test_an_empty_selection_runs_nothing_and_says_so(suite: Suite) -> None:
    run = suite.write(test_it=THREE).run(select=lambda ids: {"select": []})

    assert (5, [], ()) == (run.status, ran(run), run.journal[0].selected)
    assert Ended(outcomes.FINISHED) == run.journal[0].ended


def test_where_a_file_cannot_be_collected_nobody_is_asked(suite: Suite) -> None:
    suite.write(test_it=THREE, test_broken="import nothing_of_this_name")

    with to_ids(lambda ids: {"select": ids}) as runner:
        run = suite.run_by(runner.path)

    assert (2, [], []) == (run.status, ran(run), runner.asked)
    assert Ended(outcomes.COLLECTION_ERRORS, "test_broken.py") == run.journal[0].ended
    (error,) = run.journal[0].collection_errors
    assert "ModuleNotFoundError: No module named 'nothing_of_this_name'" == error.message
    assert "import nothing_of_this_name" in error.text


def test_a_suite_that_goes_on_after_collection_errors_is_asked(suite: Suite) -> None:
    suite.write(test_it=THREE, test_broken="1 / 0")

    run = suite.run("--continue-on-collection-errors", select=lambda ids: {"select": ids[:1]})

    assert [A] == ran(run)


def test_the_digest_does_not_depend_on_the_order_of_collection(suite: Suite) -> None:
    suite.write(
        test_it="""
        import pytest

        @pytest.mark.parametrize("word", {"one", "two", "three", "four", "five", "six"})
        def test_word(word): pass
    """
    )

    def select(ids: List[str]) -> Answer:
        return {"select": [nodeid for nodeid in ids if "six" not in nodeid]}

    first = suite.run(select=select, PYTHONHASHSEED="1")
    second = suite.run(select=select, PYTHONHASHSEED="2")

    assert ran(first) != ran(second)
    assert sorted(ran(first)) == sorted(ran(second))
    assert {receipt.digest(["test_it.py::test_word[six]", *ran(first)])} == {each.digest for each in second.journal}


STRANGE = ["你好", "😀", "a b", "'\"", "x::y", "[", "--option", "@file", "\u2028", "\n", "\ud800", "x" * 300]


def test_ids_of_any_characters_are_selected_and_recorded(suite: Suite) -> None:
    suite.write(
        test_it=f"""
        import pytest

        @pytest.mark.parametrize("number", range({len(STRANGE)}), ids={STRANGE!a}.__getitem__)
        def test_it(number): pass
    """
    )
    ini = "disable_test_id_escaping_and_forfeit_all_rights_to_community_support=true"

    run = suite.run("-o", ini, select=lambda ids: {"select": ids[1:]})

    assert [f"test_it.py::test_it[{text}]" for text in STRANGE[1:]] == ran(run)


# What became of them


def test_outcomes_are_recorded_in_a_suite_that_turns_warnings_into_errors(suite: Suite) -> None:
    suite.write(
        test_it="""
        import pytest

        def test_passes(): pass
        def test_fails(): assert 1 == 2, "one is\\nnot two"
        @pytest.fixture
        def before(): raise RuntimeError("before")
        def test_setup(before): pass
        @pytest.fixture
        def after():
            yield
            raise RuntimeError("after")
        def test_teardown(after): pass
        @pytest.mark.skip("not today")
        def test_marked(): pass
        def test_skips(): pytest.skip("tired")
        @pytest.mark.xfail(reason="known")
        def test_xfail(): assert 0
        @pytest.mark.xfail(reason="mended")
        def test_xpass(): pass
        @pytest.mark.xfail(reason="mended", strict=True)
        def test_strict(): pass
    """
    )

    run = suite.run("-W", "error", "--strict-markers", "--strict-config")

    expected = {
        "test_passes": ("passed", ""),
        "test_fails": ("failed", "AssertionError: one is\n  not two\nassert 1 == 2"),
        "test_setup": ("error", "RuntimeError: before"),
        "test_teardown": ("error", "RuntimeError: after"),
        "test_marked": ("skipped", "not today"),
        "test_skips": ("skipped", "tired"),
        "test_xfail": ("xfailed", "known"),
        "test_xpass": ("xpassed", "mended"),
        "test_strict": ("failed", "[XPASS(strict)] mended"),
    }
    attempts = run.journal[0].attempts
    assert expected == {attempt.nodeid.split("::")[1]: (attempt.outcome, attempt.message) for attempt in attempts}
    assert (1, 1, Ended(outcomes.FINISHED)) == (run.status, run.journal[0].status, run.journal[0].ended)
    assert 'def test_fails(): assert 1 == 2, "one is\\nnot two"' in attempts[1].text
    assert "warning" not in run.out + run.err


def test_a_round_knows_where_it_ran(suite: Suite) -> None:
    journal = suite.write(test_it=THREE).run().journal[0]

    assert (3, pytest.__version__) == (journal.number, journal.pytest)
    assert (str(suite.folder), "{}.{}.{}".format(*sys.version_info)) == (journal.rootdir, journal.python)


def test_a_test_is_not_charged_for_what_it_shares(suite: Suite) -> None:
    suite.write(
        test_it="""
        import time
        import pytest

        @pytest.fixture(scope="session")
        def inner():
            time.sleep(0.05)
            yield
            time.sleep(0.1)
        @pytest.fixture(scope="module")
        def outer(request):
            time.sleep(0.15)
            request.getfixturevalue("inner")
        @pytest.fixture
        def own(outer):
            time.sleep(0.2)
        def test_a(own): pass
        def test_b(outer): pass
    """
    )

    journal = suite.run().journal[0]

    outer, inner = (
        Fixture("module", "test_it.py", "outer", "test_it.py"),
        Fixture("session", "test_it.py", "inner", ""),
    )
    costs = {cost.fixture: (cost.times, round(cost.setup_s, 1), round(cost.teardown_s, 1)) for cost in journal.shared}
    assert {inner: (1, 0.1, 0.1), outer: (1, 0.2, 0.0)} == costs
    first, second = journal.attempts
    assert first.setup_s > 0.4 > first.own_s >= 0.2
    assert second.teardown_s >= 0.1 > second.own_s


def test_tests_are_known_by_the_shared_fixtures_that_they_need(suite: Suite) -> None:
    suite.write(
        conftest="""
            import pytest

            @pytest.fixture(scope="session")
            def one(): pass
        """,
        test_it="""
            import pytest

            @pytest.fixture(scope="module")
            def one(one): pass
            def test_a(one): pass
            def test_b(): pass
            def test_c(one): pass
            def test_d(one): pass
        """,
    )

    needs = suite.run().journal[0].needs

    assert {("module", "test_it.py", "one"): ((0, 0), (2, 3)), ("session", "", "one"): ((0, 0), (2, 3))} == needs


def test_a_shared_fixture_that_fails_has_its_cost(suite: Suite) -> None:
    suite.write(
        test_it="""
        import pytest

        @pytest.fixture(scope="module")
        def broken(): raise RuntimeError("broken")
        def test_a(broken): pass
        def test_b(broken): pass
    """
    )

    run = suite.run()

    assert {"test_a": "error", "test_b": "error"} == results(run)
    assert [("broken", 1, True)] == [(cost.fixture.name, cost.times, cost.failed) for cost in run.journal[0].shared]


# A process that ends

DEATHS = {
    "by a signal": "os.kill(os.getpid(), signal.SIGKILL)",
    "as if all were well": "os._exit(0)",
    "after closing everything": "os.closerange(0, 256); os._exit(0)",
    "in another place with an empty environment": "os.environ.clear(); os.chdir('/'); os._exit(0)",
}


@pytest.mark.parametrize("death", DEATHS.values(), ids=DEATHS)
def test_a_test_that_ends_the_process_is_named(suite: Suite, death: str) -> None:
    suite.write(
        test_it=f"""
        import os, signal

        def test_a(): pass
        def test_b(): {death}
        def test_c(): pass
    """
    )

    run = suite.run()

    assert {"test_a": "passed", "test_b": "unfinished"} == results(run)
    assert Ended(outcomes.DIED_IN_TEST, running=Running(B, "call")) == run.journal[0].ended
    assert [C] == outcomes.not_run(run.journal[0].selected or (), run.journal)


def test_a_shared_fixture_that_ends_the_process_is_named(suite: Suite) -> None:
    suite.write(
        test_it="""
        import os, pytest

        @pytest.fixture(scope="module")
        def deadly(): os._exit(0)
        def test_a(deadly): pass
        def test_b(): pass
        def test_c(deadly): pass
    """
    )

    journal = suite.run().journal[0]

    deadly = Fixture("module", "test_it.py", "deadly", "test_it.py")
    assert Ended(outcomes.DIED_IN_TEST, running=Running(A, "setup", deadly)) == journal.ended
    assert [A, C] == outcomes.needing(deadly, journal)


def test_a_file_whose_import_ends_the_process_is_named(suite: Suite) -> None:
    run = suite.write(test_a="", test_it="import os; os._exit(0)").run()

    assert Ended(outcomes.DIED_IN_COLLECTION, "the last file begun was test_it.py") == run.journal[0].ended


def test_an_option_that_no_plugin_knows_leaves_a_round_before_collection_that_names_it(suite: Suite) -> None:
    run = suite.write(test_it=THREE).run("--rerun-often=3")

    [ended] = [each.ended for each in run.journal]

    assert (outcomes.ENDED_BEFORE_COLLECTION, 4) == (ended.kind, run.status)
    assert "unrecognized arguments: --rerun-often=3" == ended.reason


def test_a_conftest_that_cannot_be_imported_leaves_a_round_before_collection_that_says_why(suite: Suite) -> None:
    run = suite.write(test_it=THREE, conftest="1 / 0").run()

    ended = run.journal[0].ended
    assert (4, outcomes.ENDED_BEFORE_COLLECTION) == (run.status, ended.kind)
    assert ended.reason.endswith("/conftest.py: ZeroDivisionError: division by zero")


def test_a_death_after_the_last_report_is_told_apart(suite: Suite) -> None:
    run = suite.write(test_it=THREE, conftest="import os\ndef pytest_sessionfinish(): os._exit(0)").run()

    assert [A, B, C] == ran(run)
    assert (Ended(outcomes.DIED_AFTER_LAST), 0) == (run.journal[0].ended, run.journal[0].status)


def test_a_death_while_selecting_is_told_apart(suite: Suite) -> None:
    def kill(ids: List[str]) -> Answer:
        os.kill(suite.events()[0]["pid"], signal.SIGKILL)
        return {"select": ids}

    run = suite.write(test_it=THREE).run(select=kill)

    assert Ended(outcomes.DIED_IN_SELECTION) == run.journal[0].ended


STOPS = {
    "x": ("assert 0", ["-x"], Ended(outcomes.STOPPED, "stopping after 1 failures"), "failed"),
    "exit": ("pytest.exit('enough')", [], Ended(outcomes.EXIT, "enough", Running(B, "call")), "unfinished"),
    "Ctrl-C": ("raise KeyboardInterrupt", [], Ended(outcomes.INTERRUPTED, "", Running(B, "call")), "unfinished"),
    "plugin": ("request.session.shouldstop = 'why'", [], Ended(outcomes.STOPPED, "why"), "passed"),
}


@pytest.mark.parametrize("body, arguments, ended, outcome", STOPS.values(), ids=STOPS)
def test_a_run_that_is_stopped_says_why(
    suite: Suite, body: str, arguments: List[str], ended: Ended, outcome: str
) -> None:
    suite.write(
        test_it=f"""
        import pytest

        def test_a(): pass
        def test_b(request): {body}
        def test_c(): pass
    """
    )

    run = suite.run(*arguments)

    assert {"test_a": "passed", "test_b": outcome} == results(run)
    assert ended == run.journal[0].ended


def test_an_error_inside_pytest_is_told_apart(suite: Suite) -> None:
    run = suite.write(test_it=THREE, conftest="def pytest_runtestloop(): raise RuntimeError('a plugin')").run()

    assert (3, outcomes.INTERNAL_ERROR) == (run.status, run.journal[0].ended.kind)
    assert "RuntimeError: a plugin" in run.journal[0].ended.reason


# What tests do to their process


def test_a_forked_child_that_goes_on_running_tests_records_nothing(suite: Suite) -> None:
    suite.write(
        test_it="""
        import os

        def test_a():
            child = os.fork()
            if child:
                os.waitpid(child, 0)
        def test_b(): pass
    """
    )

    run = suite.run("-s", "-W", "ignore")  # Python 3.12 warns of fork

    assert [A, B] == ran(run)
    assert 1 == len(run.journal)


PATCHES = """
    import builtins, json, os, sys, time

    def refuse(*arguments, **more):
        raise RuntimeError("patched")

    def test_a(monkeypatch):
        time.sleep(0.1)
        for module, name in [(time, "perf_counter"), (time, "time"), (json, "dumps"), (builtins, "open"),
                             (os, "open"), (os, "write"), (os, "close"), (os, "getpid")]:
            monkeypatch.setattr(module, name, refuse)

    def test_b(monkeypatch):
        '''As freezegun and pyfakefs do it: whatever a module holds a reference to.'''
        real = [time.perf_counter, time.time, json.dumps, os.open, os.write, os.close, os.getpid, os]
        held = [(module, name) for module in list(sys.modules.values()) if module.__name__.startswith("shardline_")
                for name, value in vars(module).items() if any(value is one for one in real)]
        for module, name in held:
            monkeypatch.setattr(module, name, refuse)
        assert held

    def test_c(): pass
"""


def test_what_tests_patch_does_not_reach_the_journal(suite: Suite) -> None:
    run = suite.write(test_it=PATCHES).run("-s")

    assert {"test_a": "passed", "test_b": "passed", "test_c": "passed"} == results(run)
    assert 0.1 <= run.journal[0].attempts[0].call_s < 60


def test_events_that_could_not_be_written_come_with_the_next(suite: Suite) -> None:
    suite.write(
        test_it="""
        import os, pytest

        @pytest.fixture
        def descriptors():
            held = []
            yield held
            for one in held:
                os.close(one)

        def test_a(descriptors):
            import resource
            resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
            with pytest.raises(OSError):
                while True:
                    descriptors.append(os.dup(0))
        def test_b(): pass
    """
    )

    run = suite.run()

    assert {"test_a": "passed", "test_b": "passed"} == results(run)


def test_a_pytest_inside_a_test_neither_selects_nor_records(suite: Suite) -> None:
    suite.apart = suite.folder.parent / "apart"
    suite.write(
        test_it=f"""
            import os, subprocess, sys

            def test_a():
                assert {set(VARIABLES)!r}.isdisjoint(os.environ)
                words = [sys.executable, "-m", "pytest", "-q", "inner.py"]
                assert b"2 passed" in subprocess.run(words, stdout=subprocess.PIPE).stdout
        """,
        inner="""
            def test_one(): pass
            def test_two(): pass
        """,
    )

    run = suite.run(select=lambda ids: {"select": ids})

    assert [(A,)] == [round.selected for round in run.journal]
    assert {"test_a": "passed"} == results(run)


def test_a_suite_sees_its_own_packages_and_none_of_ours(suite: Suite) -> None:
    suite.write(
        scripts__own="mine = True",
        test_it="""
            import os, sys

            def test_a():
                import scripts.own
                assert scripts.own.mine
            def test_b():
                assert "PYTHONPATH" not in os.environ
                assert not [path for path in sys.path if path.endswith("plugin")]
        """,
    )

    assert {"test_a": "passed", "test_b": "passed"} == results(suite.run())


def test_what_the_suite_has_on_its_path_stays_there(suite: Suite) -> None:
    suite.write(test_it="import os\ndef test_a(): assert os.environ['PYTHONPATH'] == '/x:/y'")

    assert {"test_a": "passed"} == results(suite.run(PYTHONPATH=f"/x{os.pathsep}/y"))


XDIST = """
    import pytest

    def pytest_addoption(parser):
        parser.addoption("--numprocesses")
        parser.addoption("--dist", default="no")

    @pytest.hookimpl(tryfirst=True)
    def pytest_cmdline_main(config):
        assert not config.option.numprocesses
"""


def test_the_workers_of_xdist_are_switched_off_with_a_word(suite: Suite) -> None:
    (suite.folder / "pytest.ini").write_text("[pytest]\naddopts = -p fake_xdist --numprocesses 4 --verbose\n")

    run = suite.write(test_it=THREE, fake_xdist=XDIST).run(PYTHONPATH=str(suite.folder))

    words = "pytest-xdist is switched off (-n 4 --dist no): these tests are one shard of several"
    assert (0, [words]) == (run.status, [event["text"] for event in suite.events() if event["event"] == "note"])
    assert words in run.out


# Lines


def test_each_line_says_whose_it_is_and_which(suite: Suite) -> None:
    suite.write(test_it=THREE).run()

    events = suite.events()
    assert len(events) == len(suite.journal.read_bytes().splitlines())
    assert [("start.3", n) for n in range(len(events))] == [(event["of"], event["n"]) for event in events]
    assert all(first["at"] <= second["at"] for first, second in zip(events, events[1:]))


def test_a_test_costs_the_journal_its_id_once_and_few_bytes_more(suite: Suite) -> None:
    suite.write(test_it=THREE).run()

    text = suite.journal.read_text()
    lines = [line for line in text.splitlines() if line.startswith("[")]
    assert [1, 1, 1] == [text.count(nodeid) for nodeid in (A, B, C)]
    assert 18 == len(lines) and max(map(len, lines)) < 70


def test_a_process_that_was_told_another_start_does_not_count(suite: Suite) -> None:
    suite.write(test_it=THREE).run()

    assert ([], len(suite.events())) == read(suite.journal, "another")


def test_what_the_answer_says_beside_the_tests_is_recorded(suite: Suite) -> None:
    answer = {"select": [A], "plan": "p", "names": {A: "x"}, "unknown": 1}

    run = suite.write(test_it=THREE).run(select=lambda ids: answer)

    assert {"plan": "p", "names": {A: "x"}} == run.journal[0].answer
    assert "unknown" not in suite.journal.read_text()


DESCRIPTORS = """
    import os

    def test_a():
        os.closerange(3, 256)
    def test_b(tmp_path):
        held = [os.open(str(tmp_path / str(n)), os.O_WRONLY | os.O_CREAT) for n in range(64)]
        for one in held:
            os.write(one, b"mine")
        held.clear()  # and they stay open
    def test_c(tmp_path_factory):
        folder = tmp_path_factory.getbasetemp() / "test_b0"
        assert {b"mine"} == {file.read_bytes() for file in folder.iterdir()}
"""


def test_a_descriptor_whose_number_a_test_took_is_not_written_to(suite: Suite) -> None:
    run = suite.write(test_it=DESCRIPTORS).run("-s", "-p", "no:faulthandler")

    assert {"test_a": "passed", "test_b": "passed", "test_c": "passed"} == results(run)


# The state of the tests


def test_the_digest_of_files_changes_with_tests_and_conftests_and_nothing_else(suite: Suite) -> None:
    suite.write(conftest="", test_it=THREE, tests__conftest="", tests__test_more="def test(): pass", other="")

    def digest() -> str:
        return suite.run().journal[-1].files

    digests = [digest()]
    for name in ("other", "test_it", "conftest", "tests__conftest", "tests__test_more"):
        file = suite.folder / f"{name.replace('__', '/')}.py"
        suite.write(**{name: f"{file.read_text()}\n# edited\n"})
        digests.append(digest())

    assert digests[0] == digests[1]
    assert 5 == len(set(digests))


def test_the_digest_of_files_is_that_of_all_tests_in_each_shard(suite: Suite) -> None:
    suite.write(test_a="def test(): pass", test_b="def test(): pass")

    runs = [suite.run(select=lambda ids, n=n: {"select": ids[n : n + 1]}) for n in range(2)]

    assert 1 == len({run.journal[-1].files for run in runs})


# A collection


REPORTING = """
    from pathlib import Path

    def pytest_configure(config):
        if config.getoption("htmlpath"):
            Path(config.getoption("htmlpath")).write_text("")
    def pytest_addoption(parser):
        parser.addoption("--html", dest="htmlpath")
"""
SIDE_EFFECTS = """
    import pytest
    from pathlib import Path

    def pytest_sessionstart(session):
        Path("began").write_text("")
    def pytest_runtestloop():
        Path("looped").write_text("")
    def pytest_sessionfinish():
        for file in Path("snapshots").iterdir():
            file.unlink()
    def pytest_terminal_summary():
        Path("summed-up").write_text("")
    def pytest_unconfigure():
        Path("unconfigured").write_text("")
"""
PROTECTED = {
    "a report": ["--junitxml=kept"],
    "a plugin's report": ["-p", "reporting", "--html=kept"],
    "a log": ["--log-file=kept", "--log-file-level=DEBUG"],
    "a log that the ini names": ["-o", "log_file=kept"],
    "the cache": ["--cache-clear"],
    "temporary folders": ["--basetemp=kept"],
    "snapshots": [],
}


@pytest.mark.parametrize("broken", ["", "1 / 0"], ids=["collected", "with errors"])
@pytest.mark.parametrize("arguments", PROTECTED.values(), ids=PROTECTED)
def test_a_collection_writes_and_removes_nothing(suite: Suite, arguments: List[str], broken: str) -> None:
    suite.collects_only = suite.with_cache = True
    suite.write(test_it=THREE, conftest=SIDE_EFFECTS, reporting=REPORTING, test_broken=broken)
    for name in ("kept", "snapshots/one", ".pytest_cache/v/cache/lastfailed"):
        (suite.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (suite.folder / name).write_text("{}")
    before = content(suite.folder)

    run = suite.run(*arguments)

    assert {**before, "began": b""} == content(suite.folder)  # what a conftest itself does at the start does happen
    assert ((A, B, C) if not broken else None) == run.journal[0].selected


OWN_OPTION = """
    def pytest_addoption(parser):
        parser.addoption("--csv-path", dest="csv_path")
    def pytest_generate_tests(metafunc):
        path = metafunc.config.getoption("csv_path")
        metafunc.parametrize("case", open(path).read().split() if path else [])
"""


def test_an_option_of_the_suites_own_is_left_alone_whatever_its_name(suite: Suite) -> None:
    suite.write(test_it="def test_a(case): pass", conftest=OWN_OPTION)
    (suite.folder / "cases.csv").write_text("x y")
    cases = ("test_it.py::test_a[x]", "test_it.py::test_a[y]")

    suite.collects_only = True
    assert cases == suite.run("--csv-path=cases.csv").journal[-1].selected
    suite.collects_only, suite.apart = False, suite.folder.parent / "apart"
    assert cases == suite.run("--csv-path=cases.csv").journal[-1].selected


def content(folder: Path) -> Dict[str, bytes]:
    """What lies in a folder, but for what Python compiled."""
    files = (file for file in folder.rglob("*") if file.is_file() and file.suffix != ".pyc")
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}


BAD_COLLECTIONS = {
    "a path that is not there": ("", ["nosuch.py"], 4, "ERROR: file or directory not found: nosuch.py"),
    "pytest.exit": ("def pytest_collection_modifyitems(): pytest.exit('enough')", [], 2, "Exit: enough"),
    "an error of a plugin": ("def pytest_collection_modifyitems(): 1 / 0", [], 3, "ZeroDivisionError"),
    "a refusal": ("def pytest_collection_modifyitems(): raise pytest.UsageError('no')", [], 4, "ERROR: no"),
}


@pytest.mark.parametrize("hook, arguments, status, words", BAD_COLLECTIONS.values(), ids=BAD_COLLECTIONS)
def test_a_collection_that_goes_wrong_says_why_and_writes_nothing(
    suite: Suite, hook: str, arguments: List[str], status: int, words: str
) -> None:
    suite.collects_only = suite.with_cache = True
    suite.write(test_it=THREE, conftest=f"import pytest\n{hook}")
    before = content(suite.folder)

    run = suite.run("--junitxml=report.xml", *arguments)

    assert (status, None) == (run.status, run.journal[0].selected)
    assert words in run.out + run.err
    assert before == content(suite.folder)


def test_a_collection_goes_by_the_cache_as_the_run_will(suite: Suite) -> None:
    suite.with_cache = True
    suite.write(test_it=THREE.replace("test_b(): pass", "test_b(): assert 0")).run()
    suite.collects_only = True

    chosen = [suite.run(*arguments).journal[-1].selected for arguments in (["--lf"], ["--lf", "--cache-clear"])]

    assert [(B,), (A, B, C)] == chosen


def test_a_collection_does_not_erase_what_coverage_measured(suite: Suite) -> None:
    (suite.folder / ".coverage").write_bytes(b"measured")
    suite.collects_only = True

    run = suite.write(test_it=THREE).run("-p", "pytest_cov", "--cov", "--cov-report=xml")

    assert ((A, B, C), b"measured") == (run.journal[0].selected, (suite.folder / ".coverage").read_bytes())


def test_a_collection_says_what_is_asked_of_coverage(suite: Suite) -> None:
    suite.collects_only = True
    suite.write(test_it=THREE)
    (suite.folder / ".coveragerc").write_text("[report]\nfail_under = 90\n")

    asked, *others = (
        suite.run("-p", "pytest_cov", *more).journal[-1].coverage for more in (["--cov"], ["--cov", "--no-cov"], [])
    )

    assert (90.0, [None, None]) == (getattr(asked, "fail_under", None), others)


# Coverage


ASKS = ("-p", "pytest_cov", "--cov=test_it", "--cov-report=xml", "--cov-report=term-missing", "--cov-fail-under=100")


def test_pytest_cov_measures_into_a_file_of_its_own_and_neither_reports_nor_judges(suite: Suite) -> None:
    (suite.folder / ".coverage").write_bytes(b"measured")
    suite.coverage = suite.folder.parent / "coverage" / "data"
    suite.write(test_it="import os\ndef test_a(): assert 'COVERAGE_FILE' not in os.environ\ndef unused(): return 1\n")

    run = suite.run(*ASKS)

    assert (0, "data") == (run.status, run.journal[0].coverage_file)
    assert ["data"] == [file.name for file in suite.coverage.parent.iterdir()]
    assert b"measured" == (suite.folder / ".coverage").read_bytes()
    assert not (suite.folder / "coverage.xml").exists() and "Miss" not in run.out
    asked = Wishes(
        "pytest-cov", ".coveragerc", ("test_it",), fail_under=100.0, precision=run.journal[0].coverage.precision
    )
    assert asked._replace(reports=(("xml", ""), ("term-missing", ""))) == run.journal[0].coverage


def test_what_the_configuration_of_coverage_asks_for_is_heard_too(suite: Suite) -> None:
    suite.coverage = suite.folder.parent / "data"
    (suite.folder / "other.cfg").write_text("[run]\nbranch = true\n[report]\nfail_under = 12.5\n")

    run = suite.write(test_it=THREE).run("-p", "pytest_cov", "--cov", "--cov-config=other.cfg", COVERAGE_FILE="x")

    told = run.journal[0].coverage
    assert told and (12.5, None, "other.cfg", (("term", ""),)) == (
        told.fail_under,
        told.source,
        told.config,
        told.reports,
    )
    assert suite.coverage.exists() and not (suite.folder / "x").exists()


def test_what_was_measured_before_an_interruption_is_saved(suite: Suite) -> None:
    suite.coverage = suite.folder.parent / "data"

    run = suite.write(test_it="def test_a(): pass\ndef test_b(): raise KeyboardInterrupt\n").run(*ASKS)

    assert "data" == run.journal[0].coverage_file and suite.coverage.exists()


@pytest.mark.parametrize("is_part", [False, True])
def test_a_source_that_only_other_shards_import_is_nothing_to_warn_of(suite: Suite, is_part: bool) -> None:
    suite.coverage = suite.folder.parent / "data"
    suite.apart = suite.folder.parent / "apart" if is_part else None

    run = suite.write(test_it=THREE).run("-p", "pytest_cov", "--cov=other_module")

    assert is_part is not ("never imported" in run.out + run.err)


def test_what_a_killed_process_measured_is_not_said_to_be_saved(suite: Suite) -> None:
    suite.coverage = suite.folder.parent / "data"

    run = suite.write(test_it="import os\ndef test_a(): os._exit(0)\n").run(*ASKS)

    assert run.journal[0].coverage and run.journal[0].coverage_file is None


@pytest.mark.parametrize("arguments", [(), ("-p", "pytest_cov"), ("-p", "pytest_cov", "--cov", "--no-cov")])
def test_where_nothing_is_measured_nothing_is_said_of_it(suite: Suite, arguments: Sequence[str]) -> None:
    suite.coverage = suite.folder.parent / "coverage" / "data"

    run = suite.write(test_it="import os\ndef test_a(): assert 'COVERAGE_FILE' not in os.environ").run(*arguments)

    assert (0, None, None) == (run.status, run.journal[0].coverage, run.journal[0].coverage_file)


def test_processes_that_tests_start_find_the_file_where_coverage_measures_them(suite: Suite) -> None:
    suite.coverage = suite.folder.parent / "data"
    (suite.folder / ".coveragerc").write_text("[run]\nconcurrency = multiprocessing\n")
    child = """
        import multiprocessing

        def in_child():
            assert 1

        def test_a():
            child = multiprocessing.get_context("fork").Process(target=in_child)
            child.start()
            child.join()
    """

    run = suite.write(test_it=child).run("-p", "pytest_cov", "--cov")

    measured = import_module("coverage").CoverageData(str(suite.coverage))
    measured.read()
    assert 0 == run.status and not list(suite.folder.glob(".coverage.*"))
    assert 5 in (measured.lines(str(suite.folder / "test_it.py")) or [])


# One shard of several


def test_reports_of_one_shard_are_moved_beside_its_result(suite: Suite) -> None:
    suite.apart = suite.folder.parent / "apart"
    suite.write(test_it=THREE)

    suite.run("--junitxml=out/report", "-o", "log_file=out/report", "-o", "junit_logging=all")

    assert ["log_file/report", places.FILE_NAME, "xmlpath/report"] == sorted(content(suite.apart))
    assert 'tests="3"' in (suite.apart / "xmlpath" / "report").read_text()
    assert not (suite.folder / "out").exists()
    said = json.loads((suite.apart / places.FILE_NAME).read_text())["places"]
    assert {("xmlpath", "junit"), ("log_file", "lines")} == {(each["option"], each["kind"]) for each in said}
    assert {"out/report"} == {each["named"] for each in said}


def test_folders_and_open_files_that_options_name_are_moved_too(suite: Suite) -> None:
    suite.apart = suite.folder.parent / "apart"
    plugin = """
        import argparse, os, shutil, pytest

        def pytest_addoption(parser):
            parser.addoption("--output", default="test-results")
            parser.addoption("--tracing", default="off")
            parser.addoption("--benchmark-json", type=argparse.FileType("wb"))
            parser.addoption("--pstats-dir", nargs=1)

        @pytest.fixture(scope="session", autouse=True)
        def delete_output_dir(pytestconfig):
            shutil.rmtree(pytestconfig.getoption("--output"), ignore_errors=True)

        def pytest_unconfigure(config):
            config.option.benchmark_json.write(b"{}")
    """
    test = """
        import os
        def test_a(pytestconfig):
            for folder in (pytestconfig.option.output, pytestconfig.option.pstats_dir[0]):
                os.makedirs(folder, exist_ok=True)
                open(folder + "/a", "w").close()
    """
    (suite.folder / "test-results").mkdir()
    (suite.folder / "test-results" / "of another shard").touch()

    options = ("--benchmark-json=b.json", "--pstats-dir=/nowhere/prof")
    suite.write(reporting=plugin, test_it=test).run("-p", "reporting", *options)

    found = content(suite.apart)
    assert {"benchmark_json/b.json", "output/a", "pstats_dir/a", places.FILE_NAME} == set(found)
    assert ["of another shard"] == [path.name for path in (suite.folder / "test-results").iterdir()]


@pytest.mark.parametrize("collects_only", [False, True])
def test_what_pytest_testmon_knew_is_copied_for_a_shard_and_a_collection(suite: Suite, collects_only: bool) -> None:
    suite.apart, suite.collects_only = suite.folder.parent / "apart", collects_only
    conftest = """
        import os
        from pathlib import Path

        def pytest_addoption(parser): parser.addoption("--testmon", action="store_true")

        def pytest_collection_modifyitems(items):
            file = Path(os.environ["TESTMON_DATAFILE"])
            items[:] = [item for item in items if item.name not in file.read_text()]
            file.write_text("test_a test_b test_c")
    """
    (suite.folder / ".testmondata").write_text("test_a")
    suite.write(conftest=conftest, test_it=THREE)

    for _ in range(2):
        assert (B, C) == suite.run("--testmon").journal[-1].selected
    assert "test_a" == (suite.folder / ".testmondata").read_text()


def test_each_shard_has_its_own_folder_below_basetemp_which_is_emptied(suite: Suite) -> None:
    suite.apart, suite.place = suite.folder.parent / "apart", "shard-1"
    suite.write(
        test_it="def test_a(tmp_path): (tmp_path / 'a').touch()\ndef test_b(tmp_path): (tmp_path / 'b').touch()"
    )

    for test in (A, B):
        suite.run("--basetemp=made/tmp", select=lambda ids, test=test: {"select": [test]})

    assert ["shard-1/test_b0/b"] == sorted(
        name for name in content(suite.folder / "made" / "tmp") if "current" not in name
    )


XDIST_INSTALLED = """
    import pytest

    def get_xdist_worker_id(request_or_session): return "master"

    @pytest.fixture(scope="session")
    def worker_id(request): return get_xdist_worker_id(request)

    @pytest.fixture(scope="session")
    def testrun_uid(): return "another"
"""
WORKER = {"PYTEST_XDIST_WORKER": "gw1", "PYTEST_XDIST_WORKER_COUNT": "2", "PYTEST_XDIST_TESTRUNUID": "5f3a"}


def test_a_suite_written_for_xdist_hears_which_worker_it_is_and_has_a_run_of_its_own(suite: Suite) -> None:
    suite.apart, suite.place = suite.folder.parent / "apart", "shard-1"
    test = """
        import os, xdist
        def test_a(worker_id, testrun_uid, request):
            assert ("gw1", "5f3a", "gw1") == (worker_id, testrun_uid, xdist.get_xdist_worker_id(request))
            worker = request.config.workerinput
            assert ("gw1", 2, "5f3a") == (worker["workerid"], worker["workercount"], worker["testrunuid"])
        def test_b(tmp_path_factory, tmp_path):
            base = tmp_path_factory.getbasetemp()
            assert (base, "popen-gw1") == (tmp_path.parent, base.name)
            assert ["popen-gw1"] == [entry for entry in os.listdir(base.parent) if not entry.startswith(".")]
    """
    suite.write(xdist=XDIST_INSTALLED, test_it=test)

    assert {"test_a": "passed", "test_b": "passed"} == results(suite.run("-p", "xdist", **WORKER))


ASKING = """
    from xdist import get_xdist_worker_id

    def pytest_sessionstart(session): assert not hasattr(session.config, "workerinput")
    def pytest_sessionfinish(session): assert not hasattr(session.config, "workerinput")
"""


@pytest.mark.parametrize(("hook", "sees"), [("", True), ("def pytest_configure_node(node): pass", False)])
def test_a_worker_s_input_is_there_while_tests_run_unless_a_controller_adds_to_it(
    suite: Suite, hook: str, sees: bool
) -> None:
    suite.apart, suite.place = suite.folder.parent / "apart", "shard-1"
    test = f"""
        import conftest
        def test_a(request):
            assert "gw1" == conftest.get_xdist_worker_id(request)
            assert {sees} is hasattr(request.config, "workerinput")
    """
    specs = """
        import pytest
        class Specs:
            def pytest_configure_node(self, node): pass
        def pytest_addhooks(pluginmanager): pluginmanager.add_hookspecs(Specs)
    """
    conftest = f"{textwrap.dedent(ASKING)}\n{hook}\n"
    suite.write(xdist=textwrap.dedent(XDIST_INSTALLED) + textwrap.dedent(specs), conftest=conftest, test_it=test)

    run = suite.run("-p", "xdist", **WORKER)

    assert (0, {"test_a": "passed"}) == (run.status, results(run))


def test_the_only_shard_is_no_worker(suite: Suite) -> None:
    suite.write(xdist=XDIST_INSTALLED, test_it="def test_a(worker_id): assert 'master' == worker_id")

    assert {"test_a": "passed"} == results(suite.run("-p", "xdist"))


def test_only_the_suite_sees_a_worker_at_the_start_and_end_of_a_session(suite: Suite) -> None:
    suite.apart, suite.place = suite.folder.parent / "apart", "shard-1"
    hooks = """
        import os
        def see(who): open("seen", "a").write(f"{who} {os.environ.get('PYTEST_XDIST_WORKER')}\\n")
        def pytest_configure(): see("WHO configure")
        def pytest_runtest_setup(): see("WHO test")
        def pytest_sessionfinish(): see("WHO finish")
    """
    installed = suite.folder / "site-packages"
    installed.mkdir()
    (installed / "its_plugin.py").write_text(textwrap.dedent(hooks).replace("WHO", "plugin"))
    suite.write(conftest=hooks.replace("WHO", "suite"), test_it="def test_a(): pass")

    suite.run("-p", "its_plugin", **{**WORKER, "PYTHONPATH": str(installed)})

    seen = [line.rsplit(" ", 1) for line in (suite.folder / "seen").read_text().splitlines()]
    assert {"plugin configure", "plugin finish"} == {who for who, worker in seen if worker == "None"}
    assert {"suite configure", "suite test", "suite finish", "plugin test"} == {
        who for who, worker in seen if worker == "gw1"
    }


@pytest.mark.parametrize(
    "given, person, expected, paths",
    [
        ("suite", "", "suite", ""),
        ("suite one", "one", "one", "suite"),
        ("command suite one two", "one two staging", "one two", "suite"),
        ("suite", "suite", "suite", "suite"),
        ("suite one", "one", "suite one", "suite one"),  # the value of an option
        ("", "", ".", ""),
    ],
)
def test_what_a_person_named_is_collected_and_nothing_else(given: str, person: str, expected: str, paths: str) -> None:
    words = given.split()
    config: Any = SimpleNamespace(args=words or ["."], option=SimpleNamespace(file_or_dir=words))
    order: Any = SimpleNamespace(named=person.split(), paths=paths.split(), apart=Path("apart"))

    choose_paths(config, order)

    assert (expected.split(), expected.split()) == (config.args, config.option.file_or_dir)


def test_a_whole_run_writes_its_reports_where_they_were_asked_for(suite: Suite) -> None:
    suite.write(test_it=THREE).run("--junitxml=out/report")

    assert (suite.folder / "out" / "report").exists()


@pytest.fixture(scope="module")
def ran_once(tmp_path_factory: pytest.TempPathFactory) -> Suite:
    """A suite whose second test failed, with the cache that pytest left."""
    suite = Suite(tmp_path_factory.mktemp("cache"))
    suite.with_cache = True
    suite.write(test_it=THREE.replace("test_b(): pass", "test_b(): assert 0")).run("--sw")
    return suite


@pytest.mark.parametrize("option", ["--lf", "--ff", "--nf", "--sw", "--cache-clear"])
def test_the_cache_is_read_and_not_written(ran_once: Suite, suite: Suite, option: str) -> None:
    suite.with_cache = True
    shutil.rmtree(str(suite.folder))
    shutil.copytree(str(ran_once.folder), str(suite.folder))
    cached = content(suite.folder / ".pytest_cache" / "v")
    suite.apart = suite.folder.parent / "apart"
    suite.write(test_it=THREE.replace("test_c(): pass", "test_c(): assert 0"))

    run = suite.run(option)

    expected = {"--lf": [B], "--ff": [B, A, C], "--sw": [B, C]}
    assert expected.get(option, [A, B, C]) == ran(run)
    left = content(suite.folder / ".pytest_cache" / "v")
    assert ({} if option == "--cache-clear" else cached) == left


@pytest.mark.parametrize(("collects_only", "kept"), [(False, ["mine/key"]), (True, [])])
def test_what_a_suite_keeps_in_the_cache_by_itself_is_written_by_a_shard(
    suite: Suite, collects_only: bool, kept: List[str]
) -> None:
    suite.with_cache, suite.collects_only = True, collects_only
    suite.apart = suite.folder.parent / "apart"
    conftest = "def pytest_collection_modifyitems(config): config.cache.set('mine/key', [1])"
    test = "def test_a(pytestconfig): assert [1] == pytestconfig.cache.get('mine/key', None)"

    run = suite.write(conftest=conftest, test_it=test).run()

    assert 0 == run.status
    assert kept == sorted(content(suite.folder / ".pytest_cache" / "v"))


# Its parts


@pytest.mark.parametrize("option", [{}, {"numprocesses": None, "dist": "no", "distload": False, "tx": []}])
def test_where_xdist_is_off_nothing_is_said(option: Dict[str, Any]) -> None:
    assert "" == without_workers(argparse.Namespace(**option))


def test_without_variables_there_is_no_order() -> None:
    assert [] == list(take_order({"PYTHONPATH": "x"}))


def test_a_round_after_a_kill_begins_on_a_line_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "journal").write_bytes(b'{"of": "start.0", "n": 0, "event": "sta')

    JournalWriter(str(tmp_path / "journal"), "start.1").write("load")

    assert ["load"] == [event["event"] for event in parse((tmp_path / "journal").read_bytes(), START).events]


def test_a_journal_stays_where_it_was_when_the_directory_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    pen = JournalWriter("journal", "start.0")
    monkeypatch.chdir("elsewhere")

    pen.write("load")

    assert (tmp_path / "journal").exists()


def test_long_texts_keep_start_and_end() -> None:
    assert "aa\n... 6 characters left out ...\nbb" == capped("aaaaabbbbb", 4)
    assert "aabb" == capped("aabb", 4)


def test_what_cannot_be_shown_is_not_shown() -> None:
    class Refuses:
        def __str__(self) -> str:
            raise RuntimeError

    report = SimpleNamespace(outcome="failed", longrepr=Refuses())

    assert {"message": "the reason cannot be shown: RuntimeError"} == complaint(report)


def test_subtests_are_told_by_message_and_arguments() -> None:
    context = SimpleNamespace(msg="even", kwargs={"i": 2})

    assert "even i=2" == subtest_of(SimpleNamespace(context=context))
    assert None is subtest_of(SimpleNamespace())


def test_a_report_that_was_made_in_another_process_has_its_own_seconds(tmp_path: Path) -> None:
    report: Any = SimpleNamespace(nodeid="a", when="call", outcome="passed", duration=1.5)
    pen = JournalWriter(str(tmp_path / "journal"), "start.0")

    list(Recorder(pen).pytest_runtest_logreport(report))
    pen.write("finish")

    events = parse((tmp_path / "journal").read_bytes(), START).events
    assert [1.5] == [event["seconds"] for event in events if event["event"] == "end"]
