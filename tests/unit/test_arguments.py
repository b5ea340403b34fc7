from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import List

import pytest

from scripts import settings
from scripts.__main__ import main
from scripts.arguments import check_options, days, misspelt, needs_gpu, of_service, suite_has, whole, with_store
from scripts.errors import SettingsError
from scripts.typed_yaml import Seconds
from tests.unit.steps import projects

OURS = ["--nodes", "--at-once", "--run-missing", "--settings", "--reports", "--tests", "--last-failed"]
PYTESTS = ["--lf", "--ff", "--nf", "--sw", "--pdb", "--trace", "--collect-only", "--co", "--setup-plan", "--setup-show"]
PLUGINS = [
    "--report-log",
    "--reruns",
    "--testmon",
    "--tx",
    "--dist",
    "--run-slow",
    "--runslow",
    "--run",
    "--cov",
    "--no-cov",
]
NO_NUMBERS = ["abc", "-1", "1.5", "", " 1", "1_0", "0x1", "²", "٣", "1e3", "9" * 400, "9" * 5000, "\udcff", "\0"]


@pytest.mark.parametrize("word", [*NO_NUMBERS, "0", "1001"])
def test_what_is_no_number_within_bounds_is_refused_in_a_line(word: str) -> None:
    with pytest.raises(SettingsError) as caught:
        whole("--nodes", word, 1, 1000)

    assert caught.value.message.startswith("--nodes: expected a whole number from 1 to 1000, got ")
    assert len(caught.value.message) < 160 and caught.value.message.isprintable()


def test_a_store_on_the_command_line_goes_before_that_of_the_settings() -> None:
    own = settings.Settings(distribution=settings.Distribution("s3://bucket/prefix", take_over_after_s=Seconds(7)))
    named = with_store(own, "redis://:$PASSWORD@host")

    assert ("redis://:$PASSWORD@host", 7) == (named.distribution.store, named.distribution.take_over_after_s)
    assert own == with_store(own, "")
    with pytest.raises(SettingsError, match=r"^--store: expected redis://"):
        with_store(own, "ftp://host")


def test_a_gpu_that_is_needed_is_there_or_nothing_runs(tmp_path: Path) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'GPU 0: H100 (UUID: GPU-1)'\n")
    tool.chmod(0o755)
    environ = {"PATH": f"{tmp_path}:/usr/bin:/bin"}

    needs_gpu(environ)
    for none in ({**environ, "CUDA_VISIBLE_DEVICES": ""}, {"PATH": str(tmp_path / "nowhere")}):
        with pytest.raises(SettingsError, match="expected a GPU"):
            needs_gpu(none)


@pytest.mark.parametrize("word", ["nan", "inf", "-1", "soon", "", "٣", "9" * 400])
def test_days_are_a_number_from_0(word: str) -> None:
    with pytest.raises(SettingsError, match="--keep: expected days"):
        days("--keep", word)


@pytest.mark.parametrize(
    "word, meant",
    [
        ("--node", "--nodes"),
        ("--nodess", "--nodes"),
        ("--ndoes", "--nodes"),
        ("--Nodes", "--nodes"),
        ("--runmissing", "--run-missing"),
        ("--run_missing", "--run-missing"),
        ("--run-misssing", "--run-missing"),
        ("--atonce", "--at-once"),
        ("--setting", "--settings"),
        ("--report", "--reports"),
        ("--test", "--tests"),
        ("--lastfailed", "--last-failed"),
        *((name, None) for name in [*OURS, *PYTESTS, *PLUGINS]),
    ],
)
def test_an_option_of_ours_is_known_by_its_slips(word: str, meant: str) -> None:
    assert meant == misspelt(word, OURS)


def test_what_is_refused_names_what_was_meant() -> None:
    with pytest.raises(SettingsError, match=r"nobody knows the option '--node'; did you mean --nodes\?"):
        check_options(["-k", "sad", "--node=4"], OURS, lambda option: False)


def test_an_option_that_the_suite_has_is_the_suites(tmp_path: Path) -> None:
    project = projects.make(tmp_path, service=None)
    (project / "checks" / "conftest.py").write_text("def pytest_addoption(parser): parser.addoption('--node')")
    loaded = settings.load(None, {}, project)

    assert (True, False) == (suite_has(loaded, "--node"), suite_has(loaded, "--nodess"))
    assert not check_options(["--node"], OURS, lambda option: suite_has(loaded, option))


def test_a_word_that_is_nearly_ours_goes_to_the_service_that_names_it_or_behind_two_dashes(tmp_path: Path) -> None:
    loaded = settings.load(None, {}, projects.make(tmp_path))

    with pytest.raises(SettingsError, match=r"did you mean --port\?") as refused:
        of_service(["--gpu", "--prot", "80"], ["--port"], loaded)
    (tmp_path / "service.py").write_text("parser.add_argument('--prot')")

    assert "after a further `--`" in refused.value.hint
    assert ["--port", "80"] == of_service(["--", "--port", "80"], ["--port"], loaded)
    assert ["--gpu", "--prot", "80"] == of_service(["--gpu", "--prot", "80"], ["--port"], loaded)


@pytest.mark.parametrize(
    "words, meant",
    [
        (["integration", "--node", "4"], "--nodes"),
        (["integration", "--nodess=4"], "--nodes"),
        (["merge", "--runmissing"], "--run-missing"),
        (["shard", "0", "2", "--defer-verdic"], "--defer-verdict"),
        (["plan", "--lastfailed"], "--last-failed"),
        (["models", "--ofline"], "--offline"),
        (["serve", "--prot", "80"], "--port"),
        (["integratoin"], "integration"),
    ],
)
def test_a_slip_costs_a_line(tmp_path: Path, words: List[str], meant: str, capsys: pytest.CaptureFixture[str]) -> None:
    project = projects.make(tmp_path, service=None)

    assert 2 == main([*words, "--settings", str(project / "pipeline.yml")])
    lines = capsys.readouterr().err.split("\n")
    assert f"did you mean {meant}?" in lines[1].replace("'", "")
    assert ["", "ended: settings wrong (exit code 2)"] == lines[:1] + lines[-2:-1]
    assert not (project / "reports").exists()


@pytest.mark.parametrize("step", ["integration", "shard"])
@pytest.mark.parametrize("help", ["--help", "-h"])
def test_the_help_shows_all_that_is_ours(step: str, help: str, capsys: pytest.CaptureFixture[str]) -> None:
    ours = {"integration": ["--nodes N", "--at-once N"], "shard": ["[INDEX TOTAL]", "--defer-verdict"]}[step]
    with pytest.raises(SystemExit) as caught:
        main([step, help])

    shown = capsys.readouterr().out
    assert [] == [word for word in [*ours, "--tests FILE", "--last-failed", "--reports DIR"] if word not in shown]
    assert 0 == caught.value.code


INVOKE = [
    ["plan", "--nodes"],
    ["debug-bundle", "--shard"],
    ["timings", "--count"],
    ["models.prune", "--keep"],
    ["serve", "--port"],
]


@pytest.mark.parametrize("words", INVOKE, ids=" ".join)
@pytest.mark.parametrize("number", ["abc", "-1"])
def test_a_task_s_number_that_is_none_costs_a_line(words: List[str], number: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "invoke", words[0], f"{words[1]}={number}"],
        cwd=str(projects.ROOT),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=60,
        check=False,
    )

    error, hint, ended = done.stdout.split("\n")[1:4]
    assert 2 == done.returncode
    assert error.startswith(f"error: {words[1]}: expected ")
    assert f"hint: See: python -m scripts {words[0].partition('.')[0]} --help" == hint
    assert "ended: settings wrong (exit code 2)" == ended
