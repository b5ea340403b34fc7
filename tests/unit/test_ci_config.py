from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

import pytest
import yaml

from scripts import settings
from scripts.adoption import ci_files
from scripts.adoption.ci_files import Origin
from scripts.environments import pythons
from scripts.runner import subset
from scripts.steps import continuation

ROOT = Path(__file__).parents[2]
OURS = (ROOT / ".circleci" / "config.yml").read_text(encoding="utf-8")
CONFIGS = {
    "ours": OURS,
    "adopted": ci_files.text(ci_files.choose("circleci", [], [], ""), Origin("shardline", True), "3.11", []),
}
COMMITTED = {"requirements.lock", ".circleci/config.yml"}
DIGESTS = (".pipeline/packages.sha256", ".pipeline/weights.sha256")


@pytest.fixture(params=list(CONFIGS))
def config(request: pytest.FixtureRequest) -> Any:
    return yaml.safe_load(CONFIGS[request.param])


def steps(config: Any, job: str) -> Iterator[Tuple[str, Any]]:
    """The steps of a job by kind, those of commands in their place; a checkout has no more to it."""
    queue: List[Any] = list(config["jobs"][job]["steps"])
    while queue:
        step = queue.pop(0)
        if isinstance(step, dict):
            yield from step.items()
        elif step in config["commands"]:
            queue[:0] = config["commands"][step]["steps"]


def runs(config: Any, job: str) -> Dict[str, str]:
    """The commands of a job by the names of their steps."""
    return {value["name"]: value["command"] for kind, value in steps(config, job) if kind == "run"}


def keys(config: Any, job: str) -> Dict[str, List[str]]:
    """The exact keys of the caches that a job restores and saves."""
    found: Dict[str, List[str]] = {"restore_cache": [], "save_cache": []}
    for kind, value in steps(config, job):
        if kind in found:
            names = value.get("keys") or [value["key"]]
            found[kind] += [name for name in names if "checksum" in name]
    return found


JOBS = ("caches", "shard", "merge")
TRY = "v1-rerun-{{ .Environment.CIRCLE_WORKFLOW_WORKSPACE_ID }}-"
PIN = "v1-history-<< pipeline.id >>"


@pytest.mark.parametrize("job", JOBS)
def test_a_file_whose_checksum_is_in_a_key_is_written_before(config: Any, job: str) -> None:
    there, missing = set(COMMITTED), []
    for kind, value in steps(config, job):
        if kind == "run":
            there.update(re.findall(r"(?:> )(\.pipeline/[\w.]+)", value["command"]))
            there.update(DIGESTS if "deps --digests .pipeline" in value["command"] else ())
        missing += [file for file in re.findall(r'checksum "(\S+?)"', str(value)) if file not in there]

    assert [] == missing


def test_what_one_job_saves_is_what_it_and_the_nodes_look_for(config: Any) -> None:
    caches, shard, merge = (keys(config, job) for job in JOBS)

    assert caches["save_cache"] == caches["restore_cache"] == shard["restore_cache"] != []
    assert shard["save_cache"] == merge["save_cache"] == []
    assert caches["restore_cache"][:-1] == merge["restore_cache"]  # it starts no service: gigabytes less to unpack
    assert "weights" in caches["restore_cache"][-1]


def test_no_key_is_the_beginning_of_another(config: Any) -> None:  # the newest that begins so would be restored
    exact = {key.partition("{{")[0] for key in keys(config, "caches")["save_cache"]}

    assert {"v1-tools-", "v1-packages-", "v1-weights-"} == exact


def test_shards_wait_for_nobody_and_the_merge_for_them_however_they_end(config: Any) -> None:
    jobs = config["workflows"]["integration"]["jobs"]

    assert ["caches", "shard", {"merge": {"requires": [{"shard": "terminal"}]}}] == jobs


def test_what_a_shard_plans_by_is_what_it_found_last_under_the_name_of_its_pipeline(config: Any) -> None:
    told = [(kind, value) for kind, value in steps(config, "shard") if "history" in str(value)]
    (_, none_yet), (_, first), (_, saved), (_, last) = told

    assert ["run", "restore_cache", "save_cache", "restore_cache"] == [kind for kind, _ in told]
    assert [PIN, [PIN]] == [first["keys"][0], last["keys"]]  # one that is there goes before a newer one
    assert ("touch .pipeline/timings.json", PIN) == (none_yet["command"], saved["key"])


def test_what_a_killed_shard_left_is_kept_after_the_bundle_has_taken_the_secrets_out(config: Any) -> None:
    for job in ("shard", "merge"):
        names = [str(value.get("name", kind)) for kind, value in steps(config, job)]
        kept = [place for place, name in enumerate(names) if name in ("store_artifacts", "store_test_results")]

        assert kept and min(kept) > names.index("Debug bundle")
        assert all(
            "always" != value.get("when") for kind, value in steps(config, job) if kind == "persist_to_workspace"
        )


def test_what_a_try_left_goes_to_the_next_one_in_the_same_workspace(config: Any) -> None:
    restored = {job: [value for kind, value in steps(config, job) if kind == "restore_cache"] for job in JOBS}
    saved = [value for kind, value in steps(config, "merge") if kind == "save_cache" and value["key"].startswith(TRY)]

    assert {"caches": False, "shard": True, "merge": True} == {job: {"keys": [TRY]} in restored[job] for job in JOBS}
    assert [{"key": TRY + "{{ epoch }}", "paths": [f".pipeline/{subset.RERUN}"], "when": "always"}] == saved
    assert {"--defer-verdict", "--rerun-failed"} <= set(runs(config, "shard")["Shard"].split())


# Ours ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ours() -> Any:
    return yaml.safe_load(OURS)


def test_it_is_thin(ours: Any) -> None:
    commands = [command for job in ours["jobs"] for command in runs(ours, job).values()]
    own = r"scripts/bootstrap\.sh (nox -s|python -m scripts|invoke) \S+( [^;&|`]+)?"
    others = {command for command in commands if not re.fullmatch(own, command)}

    assert len(OURS.splitlines()) <= 120
    assert "orbs" not in ours and not any("\n" in command for command in commands)
    assert {runs(ours, "shard")["Tools"], "touch .pipeline/timings.json"} == others


def test_every_job_is_in_a_workflow_and_only_nightly_ones_come_with_the_night(ours: Any) -> None:
    night = "pipeline.parameters.nightly"
    named = {
        word
        for flow in ours["workflows"].values()
        for job in flow["jobs"]
        for word in ([job] if isinstance(job, str) else job)
    }

    assert set(ours["jobs"]) == named
    assert {"integration": f"not {night}", "checks": f"not {night}", "nightly": night} == {
        name: flow["when"] for name, flow in ours["workflows"].items()
    }


def test_what_is_cached_is_where_our_settings_have_it(ours: Any) -> None:
    project = settings.load(None, {}, ROOT)
    saved = {path for kind, value in steps(ours, "caches") if kind == "save_cache" for path in value["paths"]}

    assert {".venv", ".pipeline/environments", "cache_hub"} == saved
    assert ROOT / "cache_hub" in project.models_directory.parents


def test_a_store_is_named_without_the_shell_filling_in_a_secret_and_a_gpu_where_one_is_asked_for(ours: Any) -> None:
    command = runs(ours, "shard")["Shard"]

    assert command.endswith(
        """ --store '<< pipeline.parameters.store >>' << pipeline.parameters.gpu and "--gpu" or "" >>"""
    )
    executor = '<< pipeline.parameters.gpu and "gpu" or "python" >>'
    assert executor == ours["jobs"]["shard"]["executor"] == ours["jobs"]["caches"]["executor"]


def test_the_legs_of_the_matrix_are_on_all_our_pythons_each_with_its_own(ours: Any) -> None:
    (leg, matrix) = ours["workflows"]["nightly"]["jobs"]

    assert pythons.supported() == leg["leg"]["matrix"]["parameters"]["python"]
    assert [{"image": "cimg/python:<< parameters.python >>"}] == ours["jobs"]["leg"]["docker"]
    assert {"matrix": {"requires": [{"leg": "terminal"}]}} == matrix
    default = f'PYTHON = "{ours["parameters"]["python"]["default"]}"'
    assert default in (ROOT / "noxfile.py").read_text(encoding="utf-8")


def test_checks_find_and_keep_the_packages_of_their_own_settings(ours: Any) -> None:
    own = Path(ours["jobs"]["check"]["environment"]["PIPELINE_SETTINGS"])
    (saved,) = [value for kind, value in steps(ours, "check") if kind == "save_cache"]

    assert (ROOT / own).exists() and [f"{own.parent}/.pipeline/environments"] == saved["paths"]
    assert saved["key"] in keys(ours, "check")["restore_cache"]


@pytest.mark.parametrize("name", ["gpu", "nightly"])
def test_what_costs_more_is_off_by_default(ours: Any, name: str) -> None:
    assert {"type": "boolean", "default": False} == ours["parameters"][name]


def test_the_set_up_workflow_finds_the_caches_and_gives_a_number_of_shards_that_ours_takes(ours: Any) -> None:
    auto = yaml.safe_load((ROOT / ".circleci" / "examples" / "circleci-auto.yml").read_text(encoding="utf-8"))
    flat = [
        (kind, value)
        for step in auto["jobs"]["shards"]["steps"]
        if isinstance(step, dict)
        for kind, value in step.items()
    ]
    theirs = list(steps(ours, "merge"))
    (last,) = [value for kind, value in flat if value.get("name") == "Shards"]

    assert auto["setup"] and "parameters" not in auto  # what both have is a conflict
    assert [] == [step for step in flat if step not in theirs and step != ("run", last)]
    assert re.fullmatch(r"scripts/bootstrap\.sh python -m scripts continuation --least \d+ --most \d+", last["command"])
    assert "integer" == ours["parameters"][continuation.PARAMETER]["type"]
    assert ours["executors"]["python"]["docker"][0]["image"].replace(
        "<< pipeline.parameters.python >>", ours["parameters"]["python"]["default"]
    ) in str(auto["jobs"]["shards"]["docker"])
