"""`models add` of all files of a folder: on hubs of loopback, and in a bucket of a real server."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Dict, List

import pytest
import yaml

from scripts import settings
from scripts.errors import ModelError, SettingsError
from scripts.models import s3, store
from scripts.settings import Settings
from scripts.steps import weights
from tests.unit.models import s3_servers
from tests.unit.models.hubs import COMMIT, hugging_face, model_scope
from tests.unit.models.loopback import content, files_below, serve
from tests.unit.models.manifests import entry, project
from tests.unit.steps import projects

FILES = {"config.json": b"{}", "gpt.bin": b"abc" * 100, "sub/a b.bin": b"x", "sub/说明.md": b"text"}
Output = pytest.CaptureFixture[str]


def pasted(capsys: Output) -> tuple[List[str], List[Dict[str, object]]]:
    """The lines before the entries, and the entries."""
    said, _, entries = capsys.readouterr().out.partition("\n\n")
    return said.splitlines(), yaml.safe_load(entries) or []


def expected(path: str, *sources: str, source_path: str = "") -> Dict[str, object]:
    return entry(FILES[source_path or path], *sources, path=path)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user whose cache can be written, and who asks loopback without a proxy."""
    monkeypatch.setenv("SHARDLINE_CACHE", str(tmp_path / "user cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def here(tmp_path: Path) -> Settings:
    return project(tmp_path)


def test_the_files_of_a_repository_are_named_at_its_commit_and_only_what_has_no_stated_digest_is_read(
    here: Settings, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    with serve(hugging_face({**FILES, ".gitattributes": b"*.bin"})) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        weights.add(here, ["hf://org/voice"])
        read = [path for path in hub.asked if "/resolve/" in path]
        said, entries = pasted(capsys)

        (here.file).write_text(f"suite: {{path: t}}\nmodels:\n  files: {entries}\n", encoding="utf-8")
        fetched = store.fetch(settings.load(None, {}, here.project))
        twice = {path for path in hub.asked if hub.asked.count(path) > 1}

    begin = f"hf://org/voice@{COMMIT}/"
    assert [expected(path, begin + path) for path in sorted(FILES)] == entries
    assert f"{begin}: 4 files, 307 bytes" == said[0]
    assert (2, {4}, set()) == (len(read), {fetched.files}, twice)
    assert FILES == files_below(here.models_directory)


@pytest.mark.parametrize(
    "source, paths",
    [
        ("hf://org/voice@main/*.bin", ["gpt.bin"]),
        ("hf://org/voice@main/**/*.bin", ["gpt.bin", "sub/a b.bin"]),
        (f"hf://org/voice@{COMMIT}/", sorted(FILES)),
    ],
)
def test_a_pattern_means_some_of_them(
    here: Settings, monkeypatch: pytest.MonkeyPatch, capsys: Output, source: str, paths: List[str]
) -> None:
    with serve(hugging_face(FILES)) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        weights.add(here, [source])

    assert paths == [each["path"] for each in pasted(capsys)[1]]


def test_what_stands_in_the_manifest_is_not_printed_again_and_what_is_another_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    here = project(tmp_path, expected("voices/gpt.bin", "file:x", source_path="gpt.bin"),
                   entry(b"old", "file:x", path="voices/config.json"))  # fmt: skip
    with serve(hugging_face(FILES)) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        weights.add(here, ["hf://org/voice"], path="voices")
    said, entries = pasted(capsys)

    assert ["voices/sub/a b.bin", "voices/sub/说明.md", "voices/config.json"] == [each["path"] for each in entries]
    assert "1 file of them: in pipeline.yml already, with this content" in said
    assert "in place of the entries there, whose content is another: voices/config.json" in said


def test_a_mirror_is_a_second_source_of_what_is_the_same_there(
    here: Settings, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    other = {**FILES, "config.json": b"[]", "only here.bin": b"1"}
    with serve(hugging_face(FILES)) as hub, serve(model_scope(other)) as mirror:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setenv("MODELSCOPE_ENDPOINT", mirror.url)
        weights.add(here, ["hf://org/voice@main/", "modelscope"])
    said, entries = pasted(capsys)

    assert "not the same at the mirror, which is no source of theirs: config.json" in said
    assert {path: 1 if path == "config.json" else 2 for path in FILES} == {
        each["path"]: len(each["sources"])  # type: ignore[arg-type]
        for each in entries
    }
    assert ["modelscope://org/voice@master/gpt.bin"] == entries[1]["sources"][1:]  # type: ignore[index]


def test_one_file_of_a_hub_is_pinned_and_not_read(
    here: Settings, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    with serve(hugging_face(FILES)) as hub, serve(model_scope(FILES)) as mirror:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setenv("MODELSCOPE_ENDPOINT", mirror.url)
        weights.add(here, ["hf://org/voice@main/gpt.bin", "modelscope"])
        read = [path for path in hub.asked + mirror.asked if "/resolve/" in path or "FilePath" in path]

    sources = f"hf://org/voice@{COMMIT}/gpt.bin", "modelscope://org/voice@master/gpt.bin"
    assert ([expected("gpt.bin", *sources)], []) == (pasted(capsys)[1], read)


@pytest.mark.parametrize("revision, told", [("main", True), (COMMIT, False)])
def test_a_source_that_may_move_is_told_while_all_is_well(
    tmp_path: Path, capsys: Output, revision: str, told: bool
) -> None:
    source = f"hf://org/voice@{revision}/gpt.bin"
    here = project(tmp_path, expected("gpt.bin", source))
    here.models_directory.mkdir(parents=True)
    (here.models_directory / "gpt.bin").write_bytes(FILES["gpt.bin"])
    weights.verify(here)

    assert told == (f"a branch or tag may move: {source}; `" in capsys.readouterr().out)


def test_a_repository_that_leads_out_of_the_folder_is_refused_before_anything_is_read(
    here: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(hugging_face({"../../x.json": b"{}"})) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        with pytest.raises(ModelError, match=r"\.\./\.\./x\.json: path: expected a file below the models folder"):
            weights.add(here, ["hf://org/voice"])

    assert not [path for path in hub.asked if "/resolve/" in path]


def test_what_a_repository_does_not_hold_is_said_with_what_it_does(
    here: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(hugging_face(FILES)) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        with pytest.raises(ModelError, match=r"no file there is meant by \*\.pth; there are config\.json, gpt\.bin"):
            weights.add(here, ["hf://org/voice/*.pth"])


@pytest.mark.parametrize(
    "source, complaint",
    [
        ("hf://org/voice/gpt.bim", r"no file there is meant by gpt\.bim; did you mean 'gpt\.bin'\?"),
        ("modelscope://org/none", "HTTP 404 Not Found: what is there: .*/models/org/none/files"),
    ],
)
def test_a_wrong_name_is_told(here: Settings, monkeypatch: pytest.MonkeyPatch, source: str, complaint: str) -> None:
    with serve(hugging_face(FILES)) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setenv("MODELSCOPE_ENDPOINT", hub.url)
        with pytest.raises(ModelError, match=complaint):
            weights.add(here, [source])


def test_a_mirror_that_lists_nothing_gives_its_file_all_the_same(
    here: Settings, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    with serve({"/org/voice/resolve/main/gpt.bin": content(FILES["gpt.bin"])}) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        weights.add(here, ["hf://org/voice/gpt.bin"])

    assert [expected("gpt.bin", "hf://org/voice@main/gpt.bin")] == pasted(capsys)[1]


@pytest.mark.parametrize("source", ["hf://org", "hf://", "s3://ab/", "modelscope://a/b@c@d/"])
def test_what_no_server_can_hold_is_refused_before_it_is_asked(here: Settings, source: str) -> None:
    with pytest.raises(SettingsError, match="sources: expected"):
        weights.add(here, [source])


def test_a_folder_is_not_kept_and_has_no_file_for_a_mirror(here: Settings) -> None:
    for sources, keep in ((["hf://org/voice"], True), (["hf://org/voice", "https://a.test/b"], False)):
        with pytest.raises(SettingsError):
            weights.add(here, sources, keep=keep)


@pytest.mark.skipif(not s3_servers.INSTALLED, reason="no server that speaks S3 is installed")
def test_the_objects_below_a_prefix_are_read_once_and_kept(
    here: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    objects = {f"v1/{path}": data for path, data in FILES.items()}
    for path, data in {**objects, "v2/x.bin": b"x"}.items():
        (tmp_path / "store/weights" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "store/weights" / path).write_bytes(data)
    s3._client.cache_clear()
    with s3_servers.running(s3_servers.INSTALLED[0], tmp_path / "store") as endpoint:
        for name, value in s3_servers.variables(endpoint).items():
            monkeypatch.setenv(name, value)
        weights.add(here, ["s3://weights/v1/"])
    s3._client.cache_clear()

    assert [expected(path, f"s3://weights/v1/{path}") for path in sorted(FILES)] == pasted(capsys)[1]
    assert FILES == files_below(here.models_directory)


def test_what_is_wanted_is_fetched_once_what_the_named_commands_print_is_pasted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    wanted = {"sources": ["hf://org/voice", "modelscope"], "path": "cache/voice"}
    here = project(tmp_path, wanted=[wanted])
    with pytest.raises(SettingsError) as failure:
        store.fetch(here)
    [line] = [line for line in failure.value.hint.splitlines() if line.startswith("  ")]
    with serve(hugging_face(FILES)) as hub, serve(model_scope(FILES)) as mirror:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setenv("MODELSCOPE_ENDPOINT", mirror.url)
        status = projects.run(tmp_path, "models", "add", *shlex.split(line)[2:]).returncode
        said, entries = pasted(capsys)
        fetched = store.fetch(project(tmp_path, *entries))

    assert (0, True) == (status, said[-1].endswith("in place of this source's entry below `wanted:`"))
    assert (len(FILES), {f"cache/voice/{path}": data for path, data in FILES.items()}) == (
        fetched.files,
        files_below(here.models_directory),
    )
