from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Dict, List, Optional, Tuple

import psutil
import pytest

from scripts.system.machine import capacity, cores, describe, gpus, groups, memory, visible, visible_gpus

HERE = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
MIB = 1024 * 1024
TOP, V1 = "sys/fs/cgroup", "sys/fs/cgroup/memory/memory"
NO_LIMIT_V1 = 9223372036854771712  # how v1 says it


def machine(root: Path, groups: str, files: Dict[str, object]) -> Path:
    """What /proc and /sys say of a process in control groups."""
    for name, content in {"proc/self/cgroup": groups, **files}.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{content}\n")
    return root


def test_without_control_groups_all_of_the_machine_is_ours(tmp_path: Path) -> None:
    found = memory(tmp_path)

    assert (HERE, psutil.virtual_memory().total) == (cores(tmp_path), found.total)
    assert 0 < found.free < found.total


def test_a_container_s_limit_counts_and_unused_files_are_free(tmp_path: Path) -> None:
    top = "sys/fs/cgroup/memory"
    stat = f"inactive_file 1\ntotal_inactive_file {5 * MIB}"
    files = {f"{top}.max": 100 * MIB, f"{top}.current": 70 * MIB, f"{top}.stat": f"anon 3\ninactive_file {10 * MIB}"}
    old = f"{top}/memory"
    old_files = {f"{old}.limit_in_bytes": 50 * MIB, f"{old}.usage_in_bytes": 30 * MIB, f"{old}.stat": stat}

    assert (100 * MIB, 40 * MIB) == memory(machine(tmp_path / "v2", "0::/", files))
    assert (50 * MIB, 25 * MIB) == memory(machine(tmp_path / "v1", "4:memory:/", old_files))


def test_the_tightest_group_above_ours_counts(tmp_path: Path) -> None:
    slice_, own = "sys/fs/cgroup/user.slice/memory", "sys/fs/cgroup/user.slice/my job.scope/memory"
    files = {
        f"{slice_}.max": 100 * MIB,
        f"{slice_}.current": 90 * MIB,
        f"{own}.max": 50 * MIB,
        f"{own}.current": 10 * MIB,
    }

    assert (50 * MIB, 10 * MIB) == memory(machine(tmp_path, "0::/user.slice/my job.scope", files))


@pytest.mark.parametrize(
    "groups, files",
    [
        ("0::/", {f"{TOP}/memory.max": "max", f"{TOP}/memory.current": 1, f"{TOP}/cpu.max": "max 100000"}),
        ("4:memory:/", {f"{V1}.limit_in_bytes": NO_LIMIT_V1, f"{V1}.usage_in_bytes": 1}),
        ("1:cpu:/", {"sys/fs/cgroup/cpu/cpu.cfs_quota_us": -1, "sys/fs/cgroup/cpu/cpu.cfs_period_us": 100000}),
        ("0::/../../elsewhere", {}),
    ],
)
def test_no_limit_is_none(tmp_path: Path, groups: str, files: Dict[str, object]) -> None:
    root = machine(tmp_path, groups, files)

    assert (HERE, psutil.virtual_memory().total) == (cores(root), memory(root).total)


@pytest.mark.parametrize(
    "groups, files, expected",
    [
        ("0::/", {"sys/fs/cgroup/cpu.max": "100000 100000"}, 1),
        ("0::/", {"sys/fs/cgroup/cpu.max": "50000 100000"}, 1),  # half a core runs a shard too
        ("0::/job", {"sys/fs/cgroup/job/cpu.max": "max 100000", "sys/fs/cgroup/cpu.max": "150000 100000"}, 1),
        (
            "1:cpuacct,cpu:/docker/17",  # as the host calls it: here the tree begins at our group
            {"sys/fs/cgroup/cpu/cpu.cfs_quota_us": 100000, "sys/fs/cgroup/cpu/cpu.cfs_period_us": 100000},
            1,
        ),
    ],
)
def test_a_quota_counts_as_whole_cores(tmp_path: Path, groups: str, files: Dict[str, object], expected: int) -> None:
    assert expected == cores(machine(tmp_path, groups, files))


GPUS = "GPU 0: NVIDIA H200 (UUID: GPU-1)\nGPU 1: NVIDIA H200 (UUID: GPU-2)\n"
CUT = (
    "GPU 0: NVIDIA H100 (UUID: GPU-1)\n  MIG 3g.40gb Device  0: (UUID: MIG-a)\n  MIG 1g.10gb Device  1: (UUID: MIG-b)\n"
)


@pytest.mark.parametrize(
    "script, expected", [("echo 'GPU 0: NVIDIA H200 (UUID: GPU-1)'", ("0",)), ("echo 'No devices found.'", ())]
)
def test_a_gpu_is_one_that_the_driver_lists(tmp_path: Path, script: str, expected: Tuple[str, ...]) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    environ = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}

    assert expected == visible_gpus(environ)
    assert () == visible_gpus({**environ, "CUDA_VISIBLE_DEVICES": ""})


@pytest.mark.parametrize(
    "listing, said, expected",
    [
        (GPUS, None, ["0", "1"]),
        (GPUS, "1", ["1"]),
        (GPUS, "1, 0", ["1", "0"]),
        (GPUS, "GPU-2,0", ["GPU-2", "0"]),
        (GPUS, "-1", []),
        (GPUS, "0,-1,1", ["0"]),  # as for CUDA, the first that is none ends the list
        (GPUS, "7", []),
        (GPUS, "NoDevFiles", []),  # as Slurm hides all
        (CUT, None, ["MIG-a", "MIG-b"]),
        (CUT, "MIG-b", ["MIG-b"]),
        (CUT + "GPU 1: NVIDIA H100 (UUID: GPU-2)\n", None, ["MIG-a", "MIG-b", "1"]),
        ("", "0", []),
    ],
)
def test_the_gpus_are_those_that_cuda_may_see(listing: str, said: Optional[str], expected: List[str]) -> None:
    assert expected == list(visible(listing, said))


def test_a_machine_without_the_driver_has_no_gpu(tmp_path: Path) -> None:
    assert 0 == capacity({"PATH": str(tmp_path)}).gpus


def test_the_facts_of_this_machine_are_numbers_that_json_can_hold(tmp_path: Path) -> None:
    told = json.loads(json.dumps(describe(tmp_path)))

    assert sys.version == told["python"]
    assert os.cpu_count() == told["cpus"]
    assert 0 < told["memory"]["available"] <= told["memory"]["total"]
    assert 0 <= told["disk"]["free"] <= told["disk"]["total"]


def test_the_limits_are_told_of_all_groups_that_this_process_is_in(tmp_path: Path) -> None:
    files = {
        f"{TOP}/user.slice/memory.max": 100 * MIB,
        f"{TOP}/user.slice/my job.scope/memory.events": "oom_kill 2",
        f"{TOP}/user.slice/my job.scope/cpu.max": "max 100000",
        f"{TOP}/other.slice/memory.max": 1,
    }
    root = machine(tmp_path, "0::/user.slice/my job.scope", files)

    expected = {
        "user.slice/my job.scope/memory.events": "oom_kill 2\n",
        "user.slice/memory.max": f"{100 * MIB}\n",
        "user.slice/my job.scope/cpu.max": "max 100000\n",
    }
    assert expected == groups(root) == describe(tmp_path, root)["cgroup"]


def test_the_limits_of_groups_of_the_first_version_are_told_too(tmp_path: Path) -> None:
    root = machine(tmp_path, "4:memory:/\n5:cpu,cpuacct:/job", {f"{V1}.limit_in_bytes": 1})

    assert {"memory/memory.limit_in_bytes": "1\n"} == groups(root)


def test_each_gpu_is_a_line_of_the_fields_that_were_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text('#!/bin/sh\necho "$@"\necho second\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    assert ["--query-gpu=name,memory.total --format=csv,noheader", "second"] == gpus(20, "name", "memory.total")
