"""The same requirements file installs with uv as with pip, from real indexes on loopback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Iterator, List

import pytest

from scripts.environments import installation
from scripts.environments.installation import Order
from scripts.system.programs import ProgramFailed
from tests.unit.wheels import make_wheel, serving

ROOT = Path(__file__).parents[3]
CLOSED = "http://127.0.0.1:9"  # nothing listens there


@pytest.fixture
def indexes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """main, which the machine is set to, has lib 1 and 2; extra, as PyTorch's, an old lib 1 and engine 1+cpu."""
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    for index, name, version in (
        ("main", "lib", "1.0"), ("main", "lib", "2.0"), ("extra", "lib", "1.0"), ("extra", "engine", "1.0+cpu"),
    ):  # fmt: skip
        folder = tmp_path / "indexes" / index / "simple" / name
        folder.mkdir(parents=True, exist_ok=True)
        make_wheel(folder, name, version, {f"{name}.py": f"FOUND = {index!r}\n".encode()})
    with serving(tmp_path / "indexes") as url:
        monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
        monkeypatch.setenv("PIP_INDEX_URL", f"{url}/main/simple")
        monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
        monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
        yield url


def installed(tmp_path: Path, text: str) -> List[str]:
    """What is in the new environment, as NAME-VERSION; and what installed it."""
    (tmp_path / "requirements.txt").write_text(text)
    order = Order(tmp_path / "environment", tmp_path / "requirements.txt", tmp_path / "requirements.txt", tmp_path)
    installer = installation.install(order, os.open(str(tmp_path), os.O_RDONLY))
    found = [info.name[: -len(".dist-info")] for info in order.folder.glob("lib/python*/site-packages/*.dist-info")]
    return [*sorted(name for name in found if name.startswith(("lib-", "engine-"))), installer]


@pytest.mark.parametrize(
    "text, packages",
    [
        ("--extra-index-url {}/extra/simple\nlib>=2\nengine==1.0+cpu", ["engine-1.0+cpu", "lib-2.0", "uv"]),
        ("-i {}/extra/simple\nlib", ["lib-1.0", "uv"]),
        ("-i {0}/main/simple --extra-index-url {0}/extra/simple\nlib\nengine", ["engine-1.0+cpu", "lib-2.0", "uv"]),
        ("-c limits.txt\nlib", ["lib-1.0", "uv"]),
    ],
)
def test_uv_finds_what_pip_would(indexes: str, tmp_path: Path, text: str, packages: List[str]) -> None:
    (tmp_path / "limits.txt").write_text("lib<2\n")

    assert packages == installed(tmp_path, text.format(indexes))


def test_a_proxy_is_none_for_an_index_on_this_machine(
    indexes: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_PROXY", CLOSED)
    monkeypatch.setenv("PIP_CONSTRAINT", str(tmp_path / "limits.txt"))
    (tmp_path / "limits.txt").write_text("lib<2\n")

    assert ["lib-1.0", "uv"] == installed(tmp_path, "lib")


def test_pip_goes_on_where_uv_stops_at_an_index_that_does_not_answer(
    indexes: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PIP_RETRIES", "0")

    assert ["lib-2.0", "pip"] == installed(tmp_path, f"--extra-index-url {CLOSED}/simple\nlib")
    said = capsys.readouterr().out
    assert "Connection refused" in said
    assert "trying pip, which passes over an index that fails\n" in said


def test_where_neither_can_uv_s_reason_comes_first(
    indexes: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_venv(work: installation._Work) -> None:  # which takes two seconds
        raise ProgramFailed("pip ended with 1", 1, "ERROR: No matching distribution found for lib")

    monkeypatch.setattr(installation, "_with_venv", without_venv)
    monkeypatch.setenv("PIP_RETRIES", "0")

    with pytest.raises(ProgramFailed) as failed:
        installed(tmp_path, f"--extra-index-url {CLOSED}/simple\nlib")

    first, *_, last = failed.value.output.splitlines()
    assert first.startswith("error: uv: ")
    assert "Connection refused" in first
    assert "ERROR: No matching distribution found for lib" == last.strip()


def test_bootstrap_is_told_what_helps() -> None:
    words = [sys.executable, "-m", "scripts.environments.installation"]
    said = subprocess.run(
        words, cwd=str(ROOT), input="No space left on device", stdout=subprocess.PIPE, encoding="utf-8"
    )

    assert said.stdout.startswith("Make room on the disk")
