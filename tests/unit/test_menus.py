"""What the READMEs name is there, and both name the same."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import List, Set, Tuple

import pytest

from scripts import settings as settings_module
from scripts.environments.locks import lock_files
from scripts.settings import reference
from scripts.steps import lock

ROOT = Path(__file__).parents[2]
READMES = ["README.md", "README.zh-CN.md"]


def printed(*words: str) -> str:
    return subprocess.check_output([sys.executable, "-m", *words], cwd=str(ROOT), encoding="utf-8")


def named(readme: str, program: str) -> Set[str]:
    """What the README tells people to run: the words after `nox -s`, `invoke` or `shardline`."""
    text = (ROOT / readme).read_text(encoding="utf-8")
    return set(re.findall(rf"(?<=[`/ ]){program} ([a-z][\w.-]*)", text)) - {"X"}


@pytest.mark.parametrize("readme", READMES)
def test_what_the_readme_names_is_in_the_menus(readme: str) -> None:
    sessions = set(re.findall(r"^[*-] (\S+) ->", printed("nox", "-l"), re.MULTILINE))
    tasks = set(re.findall(r"^  (\S+)", printed("invoke", "--list"), re.MULTILINE))
    steps = set(re.findall(r"^    (\S+)", printed("scripts", "--help"), re.MULTILINE))

    assert [set(), set(), set()] == [
        named(readme, "nox -s") - sessions,
        named(readme, "invoke") - tasks,
        named(readme, "shardline") - steps,
    ]
    assert {"integration", "merge"} <= named(readme, "nox -s")


@pytest.mark.parametrize("readme", READMES)
def test_every_key_that_the_readme_names_is_one(readme: str) -> None:
    text = (ROOT / readme).read_text(encoding="utf-8")
    keys = set(re.findall(r"`((?:service|suite|models)\.(?!log`)[\w.]+)`", text))  # service.log is a file

    assert keys
    assert set() == keys - {key.name for key in reference.listed()}


def test_every_further_word_that_the_readme_shows_below_service_is_accepted(tmp_path: Path) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = text[text.index("| you have | say |") :].partition("\n\n")[0]
    shown = re.findall(r"`([a-z_]+: [^`]+)`", rows)

    assert len(shown) > 5
    for word in shown:
        (tmp_path / "pipeline.yml").write_text(f"service:\n  command: [serve]\n  {word}\n", encoding="utf-8")
        assert settings_module.load(None, {}, tmp_path).service, word


def code(readme: str) -> Tuple[List[str], Set[str]]:
    """The code blocks without their comments; and what stands between backticks in the text. Not the drawing."""
    blocks, spans, is_fenced = [], set(), False
    for line in (ROOT / readme).read_text(encoding="utf-8").splitlines():
        is_fenced ^= line.startswith("```")
        if is_fenced or line.startswith("    "):
            blocks.append(re.sub(r"\s+#.*", "", line))
        else:
            spans.update(re.findall(r"`([^`]+)`", line))
    return blocks[3:], spans


def test_both_readmes_show_the_same_commands_and_keys() -> None:
    assert code(READMES[0]) == code(READMES[1])


@pytest.mark.parametrize(
    "settings",
    [
        "pipeline.yml",
        "tests/unit/pipeline.yml",
        "tests/unit/runner/plugins/pipeline.yml",
        "scripts/sonar/pipeline.yml",
        "tests/reference_service/indextts2/pipeline.yml",
    ],
)
def test_no_lock_of_ours_is_stale_or_names_a_host(settings: str) -> None:
    for requirements in lock.files(settings_module.load(settings, {}, ROOT)):
        lock_files.check_lock(requirements, requirements.with_suffix(".lock"), ROOT)
        text = requirements.with_suffix(".lock").read_text(encoding="utf-8")
        assert "://" not in text
        assert "--hash=sha256:" in text


def test_the_package_needs_nothing_that_requirements_txt_does_not_name() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    match = re.search(r"^dependencies = \[(.*?)\]", project, re.MULTILINE)
    assert match
    named = set(re.findall(r"^[\w-]+", (ROOT / "requirements.txt").read_text(encoding="utf-8"), re.MULTILINE))

    assert set() == set(re.findall(r'"([\w-]+)[^"]*"', match.group(1))) - named


REPORT = """\
<testsuites><testsuite>
<testcase name="a"/><testcase name="b"><skipped/></testcase><testcase name="c"><failure/><error/></testcase>
<testcase name="d"><skipped/><error/></testcase><testcase name="e"><properties/></testcase>
</testsuite></testsuites>"""


@pytest.mark.parametrize(
    "began, line", [(0, "2 passed, 2 failed, 1 skipped\n"), (1e12, "no results of this run in {}\n")]
)
def test_the_last_line_of_our_own_tests_counts_what_the_merged_report_says(
    tmp_path: Path, began: float, line: str
) -> None:
    (tmp_path / "junit.xml").write_text(REPORT)
    code = "import noxfile, pathlib, sys; print(noxfile.closing_line(pathlib.Path(sys.argv[1]), float(sys.argv[2])))"
    words = [sys.executable, "-c", code, str(tmp_path / "junit.xml"), str(began)]

    assert line.format(tmp_path) == subprocess.check_output(words, cwd=str(ROOT), encoding="utf-8")


def test_a_python_that_is_missing_is_said_with_those_that_are_here_and_not_fetched(tmp_path: Path) -> None:
    version = next(version for version in ("3.8", "3.9") if not sys.version.startswith(version))
    nox = [sys.executable, "-m", "nox", "-s", f"integration-{version}"]
    bare = {
        "PATH": str(tmp_path),
        "HOME": str(tmp_path),
        "PYENV_ROOT": str(tmp_path),
        "UV_PYTHON_INSTALL_DIR": str(tmp_path),
    }
    done = subprocess.run(nox, cwd=str(ROOT), env=bare, stderr=subprocess.PIPE, encoding="utf-8")

    assert done.returncode
    assert f"Python {version} is not on this machine (here: {sys.version_info[0]}.{sys.version_info[1]})" in done.stderr
    assert f"uv python install {version}" in done.stderr


def test_a_user_whose_home_is_of_no_use_has_uv_s_cache_beside_the_project(tmp_path: Path) -> None:
    code = "import os, noxfile; print(os.environ.get('UV_CACHE_DIR'))"
    unusable = tmp_path / "home"
    unusable.touch()
    environ = {name: value for name, value in os.environ.items() if name not in ("UV_CACHE_DIR", "XDG_CACHE_HOME")}
    told = [
        subprocess.check_output(
            [sys.executable, "-c", code], cwd=str(ROOT), env={**environ, "HOME": str(home)}, encoding="utf-8"
        )
        for home in (tmp_path, unusable)
    ]

    assert ["None\n", f"{ROOT}/.pipeline/cache/uv\n"] == told
