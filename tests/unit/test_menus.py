"""The menus and the README say the same."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import List

import pytest

from scripts import settings as settings_module
from scripts.environments import lock_files
from scripts.steps import lock

ROOT = Path(__file__).parents[2]
READMES = ["README.md", "README.zh-CN.md"]


def entries(text: str) -> List[str]:
    """The lines of a menu that name a session or a task."""
    return [line for line in text.splitlines() if re.match(r"[*-] \S|  \S| {11}\S", line)]


def printed(*words: str) -> List[str]:
    output = subprocess.check_output([sys.executable, "-m", *words], cwd=str(ROOT), encoding="utf-8")
    return entries(output)


def block(readme: str, title: str) -> List[str]:
    """The indented or fenced lines below `<!-- title -->`."""
    text = (ROOT / readme).read_text(encoding="utf-8")
    match = re.search(rf"<!-- {re.escape(title)} -->\n+```text\n(.*?)```", text, re.DOTALL)
    assert match, f"{readme} has no block for {title}"
    return entries(match.group(1))


@pytest.mark.parametrize("readme", READMES)
def test_the_sessions_in_the_readme_are_those_of_nox(readme: str) -> None:
    listed = printed("nox", "-l")
    each_python = [line for line in listed if re.match(r"- \S+-3\.\d+ ->", line)]

    assert [line for line in listed if line not in each_python[1:-1]] == block(readme, "nox -l")


@pytest.mark.parametrize("readme", READMES)
def test_the_tasks_in_the_readme_are_those_of_invoke(readme: str) -> None:
    assert printed("invoke", "--list") == block(readme, "invoke --list")


@pytest.mark.parametrize("readme", READMES)
def test_every_setting_of_our_file_is_in_the_readme(readme: str) -> None:
    text = (ROOT / readme).read_text(encoding="utf-8")
    keys = ["service.command", "service.ready.path", "service.warm_up.path", "models.files", "suite.path"]

    assert [] == [key for key in keys if f"`{key}`" not in text]


@pytest.mark.parametrize(
    "settings", ["pipeline.yml", "tests/unit/pipeline.yml", "tests/unit/runner/plugins/pipeline.yml"]
)
def test_no_lock_of_ours_is_stale_or_names_a_host(settings: str) -> None:
    for requirements in lock.files(settings_module.load(settings, {}, ROOT)):
        lock_files.check_lock(requirements, requirements.with_suffix(".lock"))
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
