from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Callable

import pytest
import yaml

from scripts import settings
from scripts.errors import ModelError, SettingsError
from scripts.models import store
from scripts.models import wheel as wheels
from scripts.models.verified import stamp
from scripts.settings import Settings
from scripts.steps import weights
from tests.unit.models.loopback import files_below, use_packages
from tests.unit.models.manifests import entry, project
from tests.unit.steps import projects
from tests.unit.wheels import make_wheel

ROOT = Path(__file__).parents[3]
Output = pytest.CaptureFixture[str]


@pytest.fixture
def here(tmp_path: Path) -> Settings:
    """A project that has a.bin and wants b.bin too."""
    (tmp_path / "abc").write_bytes(b"abc")
    a, b = entry(b"abc", "file:abc", path="a.bin"), entry(b"bb", "file:none", "https://b.test/b", path="b.bin")
    store.fetch(project(tmp_path, a))
    return project(tmp_path, a, b)


@pytest.fixture
def whole(here: Settings) -> Settings:
    (here.models_directory / "b.bin").write_bytes(b"bb")
    return here


def test_the_list_says_what_each_file_is_and_ends_with_the_total(whole: Settings, capsys: Output) -> None:
    weights.show(whole)
    lines = [re.split(r"\s{2,}", line) for line in capsys.readouterr().out.splitlines()]

    assert [["a.bin", "3 bytes", "verified", "file:abc"], ["b.bin", "2 bytes", "verified", "file:none and 1 more"]] == (
        lines[2:4]
    )
    assert ["weights: 2 files verified, 5 bytes"] == lines[-1]


@pytest.mark.parametrize("state, content", [("missing", None), ("wrong", b"cc")])
def test_the_list_fails_where_a_file_is_not_right(here: Settings, capsys: Output, state: str, content: object) -> None:
    if isinstance(content, bytes):
        (here.models_directory / "b.bin").write_bytes(content)
    with pytest.raises(ModelError, match=r"1 of 2 model files are not right:\n  cache_hub/models/b\.bin: ") as failure:
        weights.show(here)

    assert re.search(rf"b\.bin +2 bytes  {state} ", capsys.readouterr().out)
    assert (4, True) == (failure.value.exit_code, "nox -s models" in failure.value.hint)


def damage(whole: Settings) -> None:
    """Change a.bin behind the back of its stamp, as a disk may; no ctime can be set, so here the stamp is."""
    path, [file, *_] = whole.models_directory / "a.bin", whole.models.files if whole.models else ()
    path.write_bytes(b"xbc")
    store.remember(whole, file, stamp(path.stat(), file.sha256))


def test_a_deep_verification_sees_what_a_stamp_hides(whole: Settings, capsys: Output) -> None:
    weights.verify(whole)
    damage(whole)
    weights.verify(whole)

    assert 2 * "weights: 2 files verified, 5 bytes\n" == capsys.readouterr().out
    with pytest.raises(ModelError, match=r"1 of 2 model files are not right:\n  cache_hub/models/a\.bin: expected"):
        weights.verify(whole, deep=True)


def test_what_a_deep_verification_refused_is_fetched_anew(whole: Settings) -> None:
    damage(whole)
    with pytest.raises(ModelError):
        weights.verify(whole, deep=True)

    store.fetch(whole)

    assert b"abc" == (whole.models_directory / "a.bin").read_bytes()


def test_a_deep_verification_of_right_files_ends_well(whole: Settings, capsys: Output) -> None:
    weights.verify(whole, deep=True)

    assert "weights: 2 files verified, 5 bytes\n" == capsys.readouterr().out


@pytest.mark.parametrize("step", [weights.show, weights.verify])
def test_what_nobody_has_looked_up_is_not_said_to_be_right(tmp_path: Path, step: Callable[[Settings], None]) -> None:
    with pytest.raises(SettingsError, match="hf://org/voice"):
        step(project(tmp_path, wanted=[{"sources": ["hf://org/voice"]}]))


# A new entry -------------------------------------------------------------------------------------


def test_a_new_entry_can_be_pasted(here: Settings, tmp_path: Path, capsys: Output) -> None:
    (tmp_path / "new").write_bytes(b"new")
    (tmp_path / "mirror").write_bytes(b"new")
    weights.add(here, ["file:new", "file:mirror"], path="音 色.bin")
    first, _, pasted = capsys.readouterr().out.partition("\n\n")
    (tmp_path / "pipeline.yml").write_text(f"suite: {{path: t}}\nmodels:\n  files:\n{pasted}", encoding="utf-8")
    fetched = store.fetch(settings.load(None, {}, tmp_path))

    assert "to paste into pipeline.yml, below `models:`, `files:`" == first
    assert (1, 3) == (fetched.files, fetched.total_bytes)


def test_an_entry_that_is_wanted_says_in_whose_place_it_goes(tmp_path: Path, capsys: Output) -> None:
    (tmp_path / "a.bin").write_bytes(b"abc")
    (tmp_path / "b.bin").write_bytes(b"abc")
    wanting = project(tmp_path, wanted=[{"sources": ["file:a.bin"]}])
    weights.add(wanting, ["file:a.bin"])
    weights.add(wanting, ["file:b.bin"])

    first, other = (line for line in capsys.readouterr().out.splitlines() if line.startswith("to paste"))
    assert f"{other}, in place of this source's entry below `wanted:`" == first


@pytest.mark.parametrize("known", [False, True])
def test_a_file_of_a_package_brings_the_entry_of_its_wheel_unless_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output, known: bool
) -> None:
    if wheels.find_installer().name != "pip":
        pytest.skip("uv unpacks wheels, so that their digest is not known")
    wheel = make_wheel(tmp_path, "voices", "1.0", {"voices/a.bin": b"abc"})
    use_packages(monkeypatch, str(tmp_path))
    it = {"size": wheel.stat().st_size, "sha256": hashlib.sha256(wheel.read_bytes()).hexdigest()}
    weights.add(project(tmp_path, wheels={"voices==1.0": it} if known else {}), ["wheel:voices==1.0#voices/a.bin"])
    _, mark, pasted = capsys.readouterr().out.partition("below `models:`, `wheels:`")

    assert (not known, None if known else {"voices==1.0": it}) == (
        bool(mark),
        yaml.safe_load(pasted.partition("\n\n")[2]),
    )


def test_a_new_file_is_called_as_its_source_calls_it(here: Settings, tmp_path: Path, capsys: Output) -> None:
    (tmp_path / "new.bin").touch()
    weights.add(here, ["file:new.bin"])

    assert '- path: "new.bin"\n' in capsys.readouterr().out


@pytest.mark.parametrize(
    "source, path, complaint",
    [
        ("https://me:secret@a.test/c.bin", "", "a log-in does not belong into pipeline.yml"),
        ("https://a.test/", "", "path: expected a file below the models folder, got ''"),
        ("ftp://a.test/c.bin", "", "sources: expected wheel:"),
        ("--help", "", "invoke --help models.add"),
        ("file:b.bin", "", "b.bin stands in pipeline.yml already"),
        ("file:abc", "mine", "cache_hub/models/mine is there already"),
    ],
)
def test_what_pipeline_yml_cannot_hold_is_refused_before_it_is_read(
    here: Settings, source: str, path: str, complaint: str
) -> None:
    (here.models_directory / "mine").touch()
    with pytest.raises(SettingsError, match=re.escape(complaint)) as failure:
        weights.add(here, [source], path, keep=True)

    assert "secret" not in str(failure.value)


def test_mirrors_that_differ_are_told_apart(here: Settings, tmp_path: Path) -> None:
    (tmp_path / "new").write_bytes(b"new")

    with pytest.raises(ModelError, match=r"different files:\n  file:new: 3 bytes .*\n  file:abc: 3 bytes"):
        weights.add(here, ["file:new", "file:abc"])


def test_a_source_that_does_not_give_it_is_named(here: Settings) -> None:
    with pytest.raises(ModelError, match=r"no entry, because of file:gone: cannot read .*/gone: No such file"):
        weights.add(here, ["file:gone"])


# What can go -------------------------------------------------------------------------------------


@pytest.mark.parametrize("dry_run, left", [(True, {"a.bin": b"abc"}), (False, {})])
def test_what_goes_is_said_and_gone_unless_the_run_is_dry(
    here: Settings, tmp_path: Path, capsys: Output, dry_run: bool, left: object
) -> None:
    without = project(tmp_path)
    weights.remove_unwanted(without, days=0, dry_run=dry_run)
    out = capsys.readouterr().out

    assert re.search(r"cache_hub/models/a\.bin  3 bytes  not in the manifest, unused for 0 days\n", out)
    verb = "would remove" if dry_run else "removed"
    assert f"{verb} 1 file, 3 bytes from cache_hub/models" == out.splitlines()[-1]
    assert left == files_below(here.models_directory)


def test_where_nothing_can_go_it_says_so(whole: Settings, capsys: Output) -> None:
    weights.remove_unwanted(whole)

    assert "removed nothing from cache_hub/models\n" == capsys.readouterr().out


# CI's cache --------------------------------------------------------------------------------------


def test_the_digest_is_written_for_ci_and_nothing_is_fetched(here: Settings, tmp_path: Path) -> None:
    file = tmp_path / "new folder" / "weights.sha256"
    done = projects.run(tmp_path, "models", "--digest", str(file))

    assert (0, ["a.bin"]) == (done.returncode, list(files_below(here.models_directory)))
    assert re.fullmatch(r"[0-9a-f]{64}\n", file.read_text())
