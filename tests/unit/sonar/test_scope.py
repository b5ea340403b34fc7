from __future__ import annotations

from pathlib import Path
from typing import Dict, Optional

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts import settings
from scripts.errors import SettingsError
from scripts.sonar import scope
from scripts.sonar.scope import TEST_FILES, Scope


def scope_of(folder: Path, text: str, said: Optional[Dict[str, str]] = None) -> Scope:
    (folder / "pipeline.yml").write_text(text, encoding="utf-8")
    return scope.of(settings.load(str(folder / "pipeline.yml"), {}, folder), said or {})


def test_all_is_source_but_the_tests_and_what_runs_leave(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    found = scope_of(tmp_path, "suite: {path: tests/integration}")

    assert (tmp_path, (".",), ("tests",)) == (found.base, found.sources, found.tests)
    assert {"tests/**", ".pipeline/**", "reports/**"} <= set(found.exclusions)
    assert found.is_test("tests/unit/conftest.py") and not found.is_test("app.py")


def test_a_suite_that_is_named_as_a_module_has_its_tests_among_the_sources(tmp_path: Path) -> None:
    assert (".",) == scope_of(tmp_path, "suite: {path: package.tests}").tests


def test_tests_among_the_sources_are_known_by_their_names(tmp_path: Path) -> None:
    found = scope_of(tmp_path, "suite: {path: .}")

    assert (TEST_FILES, (".",)) == (found.test_inclusions, found.tests)
    assert set(TEST_FILES) <= set(found.exclusions)
    assert found.is_test("src/test_a.py") and not found.is_test("src/a.py")


def test_what_a_person_has_set_counts(tmp_path: Path) -> None:
    said = {"sonar.sources": "src, lib", "sonar.tests": "checks", "sonar.exclusions": "src/gen/**"}
    found = scope_of(tmp_path, "suite: {path: tests}", said)

    assert (("src", "lib"), ("checks",), ("src/gen/**",)) == (found.sources, found.tests, found.exclusions)


def test_sources_count_from_pipeline_yml_and_lie_below_what_is_analysed(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "src").mkdir()
    text = "suite: {directory: .., path: tests}\nsonar: {sources: [%s]}"

    assert (tmp_path, ("src",)) == (
        scope_of(tmp_path / "tests", text % "../src").base,
        scope_of(tmp_path / "tests", text % "../src").sources,
    )
    with pytest.raises(SettingsError, match=r"no such file or folder: '\.\./scr'"):
        scope_of(tmp_path / "tests", text % "../scr")
    with pytest.raises(SettingsError, match="is not below"):
        scope_of(tmp_path / "tests", text % "../..")


parts = st.lists(st.sampled_from(["a", "b", "tests", "src"]), min_size=1, max_size=3).map("/".join)


@hypothesis.settings(max_examples=50, deadline=None)
@given(st.lists(parts, min_size=1, max_size=3), st.lists(parts | st.just("."), min_size=1, max_size=3), parts)
def test_no_file_is_both_source_and_test(tests: list, sources: list, file: str) -> None:  # type: ignore[type-arg]
    found = scope.arranged(Path("/p"), sources, tests)
    path = f"{file}/test_x.py"
    is_source = any(scope.is_below(path, source) for source in found.sources)
    is_excluded = any(scope.matches(pattern, path) for pattern in found.exclusions)

    if any(scope.is_below(source, test) for source in sources for test in tests):
        return  # a person's own overlap: SonarQube says so itself
    assert not (is_source and not is_excluded and found.is_test(path))
