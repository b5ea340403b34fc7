from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from scripts.errors import SettingsError
from tests.release import __main__ as release
from tests.release import decisions, repository
from tests.unit.release import repositories
from tests.unit.release.repositories import git

STAND_IN = """#!/bin/sh
cat > "$0.signed"
echo '-----BEGIN PGP SIGNATURE-----'
printf '\\n[GNUPG:] SIG_CREATED \\n' >&2
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, "/dev/null")
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "A")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "a@localhost")
    return repositories.make(tmp_path / "repository")


def test_what_is_here_and_not_in_the_commit_is_seen_and_what_git_ignores_is_not(root: Path) -> None:
    clean = repository.facts(root)
    git(root, "mv", "LICENSE", "COPYING")
    (root / "scripts" / "__init__.py").write_text("")
    (root / "the new one").touch()
    (root / "dist").mkdir()
    (root / "dist" / "old.whl").touch()

    assert ("main", "main", (), 0, "1.1.0") == (*clean[:4], clean.version)
    assert {"LICENSE", "COPYING", "scripts/__init__.py", "the new one"} == set(repository.facts(root).changed)


def test_releases_are_made_of_the_branch_of_the_server_and_of_all_that_it_has(root: Path, tmp_path: Path) -> None:
    git(root, "branch", "-m", "trunk")
    git(tmp_path, "clone", "--quiet", str(root), "clone")
    (root / "more").touch()
    repositories.commit(root)
    git(tmp_path / "clone", "fetch", "--quiet")
    git(tmp_path / "clone", "switch", "--quiet", "--create", "topic")
    on_topic = repository.facts(tmp_path / "clone")
    git(tmp_path / "clone", "switch", "--quiet", "trunk")
    on_trunk = repository.facts(tmp_path / "clone")

    assert [("topic", "trunk", 0), ("trunk", "trunk", 1)] == [
        (facts.branch, facts.main, facts.behind) for facts in (on_topic, on_trunk)
    ]


def test_what_is_no_repository_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="not a git repository"):
        repository.facts(tmp_path)


def test_a_version_that_is_prepared_and_committed_may_be_released_and_its_tag_says_what_changed(root: Path) -> None:
    unprepared = decisions.refusals("1.2.0", repository.facts(root))
    assert 0 == release.prepare(root, "1.2.0")
    uncommitted = decisions.refusals("1.2.0", repository.facts(root))
    repositories.commit(root)
    facts = repository.facts(root)
    name = repository.make_tag(root, "1.2.0", decisions.message_of("1.2.0", facts.changelog, ["# seen"]))

    assert 2 == len(unprepared)
    assert ["not all that is here is in the commit: CHANGELOG.md, scripts/__init__.py"] == [w for w, _ in uncommitted]
    assert [] == decisions.refusals("1.2.0", facts)
    assert "v1.2.0" == name
    assert "Shardline 1.2.0\n\n- new\n\n# seen" == git(root, "tag", "--list", "--format", "%(contents)", name).strip()
    assert repository.commit(root) == git(root, "rev-parse", f"{name}^{{}}").strip()


def test_what_is_not_prepared_is_not_built(root: Path) -> None:
    options = argparse.Namespace(version="1.2.0", dry_run=True, checked_by="us")
    with pytest.raises(SettingsError, match=r"nothing is released:\n  - scripts/__init__\.py says version 1\.1\.0"):
        release.release(root, options)

    assert not (root / "dist").exists()


@pytest.mark.parametrize(
    "version, changelog, why",
    [("1.1.0", "## Unreleased\n\n- new\n", "1.1.0 is not newer"), ("1.2.0", "## Unreleased\n", "no text below")],
)
def test_nothing_is_written_of_a_version_that_cannot_be_released(
    root: Path, version: str, changelog: str, why: str
) -> None:
    git(root, "tag", "v1.1.0")
    (root / "CHANGELOG.md").write_text(changelog)

    with pytest.raises(SettingsError, match=why):
        release.prepare(root, version)

    assert changelog == (root / "CHANGELOG.md").read_text()
    assert "1.1.0" == repository.facts(root).version


def test_a_tag_is_signed_where_git_is_set_up_so(root: Path, tmp_path: Path) -> None:
    program = tmp_path / "gpg"
    program.write_text(STAND_IN)
    program.chmod(0o755)
    git(root, "config", "tag.gpgSign", "true")
    git(root, "config", "gpg.program", str(program))
    repository.make_tag(root, "1.2.0", "Shardline 1.2.0\n")

    assert "BEGIN PGP SIGNATURE" in git(root, "cat-file", "tag", "v1.2.0")
    assert b"Shardline 1.2.0" in (tmp_path / "gpg.signed").read_bytes()


def test_a_tag_that_git_does_not_make_is_no_release(root: Path) -> None:
    git(root, "config", "tag.gpgSign", "true")
    git(root, "config", "gpg.program", "false")

    with pytest.raises(SettingsError, match=r"git made no tag v1\.2\.0"):
        repository.make_tag(root, "1.2.0", "all")

    assert "" == git(root, "tag", "--list")


MENU = """
import nox

@nox.session(python=False)
def lint(session): session.log("looked")

@nox.session(python=False)
def security(session): {}

@nox.session(python=False)
def tests(session): open("tested", "w").close()
"""


@pytest.mark.parametrize("security, is_green", [("session.error('a secret')", False), ("pass", True)])
def test_a_red_check_ends_a_release_and_what_comes_after_it_is_not_run(
    tmp_path: Path, security: str, is_green: bool
) -> None:
    (tmp_path / "noxfile.py").write_text(MENU.format(security))
    if is_green:
        assert "checks of this commit: lint, security, tests, green" == release.green(tmp_path, "")
    else:
        with pytest.raises(SettingsError, match="a check is red"):
            release.green(tmp_path, "")

    assert is_green == (tmp_path / "tested").exists()


def test_checks_that_were_green_elsewhere_are_not_run_again_and_the_tag_says_where(tmp_path: Path) -> None:
    assert "checks of this commit: https://ci/job/1" == release.green(tmp_path, "https://ci/job/1")
