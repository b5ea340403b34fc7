"""What is started: words, environment, GPU and limits, as settings and the values of a start say."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any, Dict, List, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.errors import SettingsError
from scripts.service.command import (
    Gpu,
    Values,
    asks_for_gpus,
    environment,
    filled,
    folder,
    gpu,
    limited,
    placed,
    slot_of,
)
from scripts.settings import Limits, Service, Settings

VALUES = Values(80, Path("/m"), "5f3a", Path("/r/shard-2"), 2)
PROXY = {"HTTP_PROXY": "http://proxy:3128"}


def variables(environ: Dict[str, str], given: Dict[str, str], gpu: Gpu = Gpu()) -> Dict[str, str]:  # noqa: B008
    own = environment(environ, Service(("serve",), environment=given), VALUES, gpu)
    assert "1" == own.pop("PYTHONUNBUFFERED")
    return own


def test_every_placeholder_has_its_value() -> None:
    words = ("serve", "--at={host}:{port}", "{models}/a", "{run_id}", "{reports}", "{shard}", "{{}}")

    expected = ("serve", "--at=127.0.0.1:80", "/m/a", "5f3a", "/r/shard-2", "2", "{}")
    assert expected == filled(words, VALUES)


@given(st.lists(st.text()))
def test_further_words_reach_the_service_as_they_were_typed(words: List[str]) -> None:
    assert ("serve", *words) == filled(placed(Service(("serve",)), None, None, words).command, VALUES)


def test_a_host_that_the_service_would_not_hear_of_is_refused() -> None:
    by_variable = Service(("serve",), environment={"HOST": "{host}"})

    assert "::" == placed(by_variable, "::", None, ()).host
    with pytest.raises(SettingsError, match="--host ::: the service would not hear of it"):
        placed(Service(("serve", "{port}")), "::", None, ())


def test_words_without_a_command_to_take_them_are_refused() -> None:
    with pytest.raises(SettingsError, match="nothing takes --gpu"):
        placed(Service(url="http://far"), None, None, ["--gpu"])


def test_the_settings_variables_are_filled_in_and_win() -> None:
    assert {"A": "ours", "B": "80", "C": "{}"} == variables({"A": "ours", "B": "ours"}, {"B": "{port}", "C": "{{}}"})


def test_output_is_not_buffered_unless_the_settings_say_so() -> None:
    service = Service(("serve",), environment={"PYTHONUNBUFFERED": ""})

    assert "" == environment({}, service, VALUES, Gpu())["PYTHONUNBUFFERED"]


@pytest.mark.parametrize("environ, given", [(PROXY, {}), ({}, PROXY)])
def test_no_proxy_stands_between_the_service_and_this_machine(environ: Dict[str, str], given: Dict[str, str]) -> None:
    here = "127.0.0.1,localhost"

    assert {**PROXY, "NO_PROXY": here, "no_proxy": here} == variables(environ, given)


def test_what_a_person_says_of_proxies_stays() -> None:
    said = {"NO_PROXY": "*", "no_proxy": "*"}

    assert {**PROXY, **said} == variables(PROXY, said)
    assert said == variables({}, said)


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    project = Settings(file=tmp_path / "pipeline.yml")

    assert tmp_path == folder(project, Service(("serve",)))
    with pytest.raises(SettingsError, match=r"service\.directory: no such folder: .*/app"):
        folder(project, Service(("serve",), directory="app"))


@pytest.mark.parametrize(
    "setting, slot, gpus, words, variables",
    [
        ("auto", None, ["0", "1"], (), {}),  # one that runs alone has all of them
        ("auto", 0, [], (), {}),
        ("auto", 1, ["0"], (), {}),
        ("auto", 0, ["0", "1"], (), {"CUDA_VISIBLE_DEVICES": "0"}),
        ("auto", 3, ["0", "1"], (), {"CUDA_VISIBLE_DEVICES": "1"}),
        ("auto", 1, ["GPU-7", "MIG-a"], (), {"CUDA_VISIBLE_DEVICES": "MIG-a"}),
        ("never", 1, ["0", "1"], (), {"CUDA_VISIBLE_DEVICES": ""}),
        (("--gpu",), None, [], (), {}),
        (("--gpu",), None, ["0"], ("--gpu",), {}),
        (("--gpu",), 1, ["4", "5"], ("--gpu",), {"CUDA_VISIBLE_DEVICES": "5"}),
    ],
)
def test_what_a_service_is_told_of_gpus(
    setting: Any, slot: Optional[int], gpus: List[str], words: Any, variables: Dict[str, str]
) -> None:
    assert Gpu(words, variables) == gpu(setting, slot, gpus)
    assert asks_for_gpus(setting, slot) or gpu(setting, slot, []) == gpu(setting, slot, gpus)


@given(st.lists(st.text("0123456789", min_size=1), min_size=2, unique=True))
def test_as_many_shards_at_once_as_gpus_share_none(gpus: List[str]) -> None:
    assert gpus == [gpu("auto", slot, gpus).variables["CUDA_VISIBLE_DEVICES"] for slot in range(len(gpus))]


def test_the_gpu_that_a_person_gives_the_service_stays() -> None:
    own = variables({}, {"CUDA_VISIBLE_DEVICES": "0,1"}, gpu("auto", 1, ["0", "1"]))

    assert {"CUDA_VISIBLE_DEVICES": "0,1"} == own


@pytest.mark.parametrize("said, expected", [("2", 2), ("", None), ("-1", None), ("two", None)])
def test_a_shard_knows_its_place_among_those_at_once(said: str, expected: Optional[int]) -> None:
    assert expected == slot_of({"SHARDLINE_SLOT": said})
    assert slot_of({}) is None


def test_limits_hold_for_the_program_that_is_started() -> None:
    words = ["/bin/sh", "-c", 'ulimit -n; ulimit -v; echo "$0 $1"', "a b", "$HOME"]
    limits = Limits(memory_bytes=2**31, open_files=50)  # type: ignore[arg-type]

    told = subprocess.check_output(limited(words, limits), encoding="utf-8").splitlines()

    assert ["50", str(2**21), "a b $HOME"] == told


def test_without_limits_nothing_stands_before_the_program() -> None:
    assert ("serve", "now") == limited(["serve", "now"], Limits())
