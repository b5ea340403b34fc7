from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Dict, Iterator, List

import pytest

from scripts.environments import pip_settings
from tests.unit.wheels import make_wheel, serving

OPTIONS = {
    "cert": "/env.pem",
    "extra-index-url": "file:///a/simple file:///b/simple",
    "find-links": "/one /two",
    "index-url": "https://user:secret@mirror.test/simple",
    "trusted-host": "mirror.test:8443",
}


def test_every_setting_reaches_uv_under_its_name() -> None:
    expected = {
        "UV_DEFAULT_INDEX": "https://user:secret@mirror.test/simple",
        "UV_INDEX": "https://user:secret@mirror.test/simple file:///a/simple file:///b/simple",
        "UV_FIND_LINKS": "/one,/two",
        "SSL_CERT_FILE": "/env.pem",
        "UV_INSECURE_HOST": "mirror.test:8443",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
    }

    assert expected == pip_settings.as_uv(OPTIONS, {})


def test_what_the_person_set_for_uv_stays() -> None:
    assert {} == pip_settings.as_uv({"index-url": "https://a.test"}, {"UV_DEFAULT_INDEX": "https://b.test"})


@pytest.mark.parametrize("said, expected", [("1", "true"), ("yes", "true"), ("false", "false")])
def test_no_index_is_a_switch(said: str, expected: str) -> None:
    assert {"UV_NO_INDEX": expected} == pip_settings.as_uv({"no-index": said}, {})


@pytest.mark.parametrize("said, expected", [("1", ["--no-index"]), ("0", [])])
def test_no_index_is_said_on_uv_s_command_line(said: str, expected: List[str]) -> None:
    assert expected == pip_settings.uv_options(pip_settings.as_uv({"no-index": said}, {}))


def test_a_machine_that_says_nothing_changes_nothing() -> None:
    assert {} == pip_settings.as_uv({}, {})


@pytest.fixture
def index(tmp_path: Path) -> Iterator[str]:
    """A package index on loopback with one package, `only-here`."""
    folder = tmp_path / "index" / "simple" / "only-here"
    folder.mkdir(parents=True)
    make_wheel(folder, "only-here", "1.0", {"only_here.py": b"FOUND = True\n"})
    with serving(tmp_path / "index") as url:
        yield f"{url}/simple"


def test_uv_finds_a_package_that_only_pip_conf_knows_where_to_get(
    tmp_path: Path, index: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    uv = shutil.which("uv", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    assert uv, "uv is in requirements.lock"
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    (tmp_path / "pip.conf").write_text(f"[global]\nindex-url = {index}\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))

    install = [uv, "pip", "install", "--no-cache", "--target", str(tmp_path / "to"), "only-here==1.0"]
    subprocess.run(install, env={**os.environ, **pip_settings.read()}, check=True, capture_output=True)

    assert (tmp_path / "to" / "only_here.py").exists()


def test_it_runs_before_any_package_is_installed() -> None:
    words = [sys.executable, "-S", "-m", "scripts.environments.pip_settings"]

    assert isinstance(json.loads(subprocess.check_output(words, cwd=str(Path(__file__).parents[3]))), dict)


def test_what_decides_what_comes_reaches_uv_by_variable_or_word() -> None:
    options = {
        "proxy": "proxy:3128", "constraint": "a.txt b.txt", "client-cert": "/my cert.pem", "retries": "0", "pre": "1",
        "no-binary": "a,b", "only-binary": ":none:", "keyring-provider": "import", "require-hashes": "false",
    }  # fmt: skip
    variables = pip_settings.as_uv(options, {})

    assert ["--no-binary=a", "--no-binary=b", "--only-binary=:none:"] == pip_settings.uv_options(variables)
    assert {"http://proxy:3128"} == {variables[name] for name in ("HTTP_PROXY", "https_proxy", "ALL_PROXY")}
    expected = {
        "UV_CONSTRAINT": "a.txt b.txt", "SSL_CLIENT_CERT": "/my cert.pem", "UV_HTTP_RETRIES": "0",
        "UV_PRERELEASE": "allow", "UV_KEYRING_PROVIDER": "subprocess", "UV_REQUIRE_HASHES": "false",
    }  # fmt: skip
    assert expected.items() <= variables.items()


@pytest.mark.parametrize("options, is_locked", [({}, True), ({"require-hashes": "true"}, False)])
def test_where_each_version_stands_there_constraints_are_not_for_uv(options: Dict[str, str], is_locked: bool) -> None:
    told = pip_settings.variables({"constraint": "a.txt", **options}, {"SSL_CERT_FILE": "/a"}, is_locked)

    assert "UV_CONSTRAINT" not in told


def test_an_index_on_this_machine_is_asked_past_pip_s_proxy() -> None:
    told = pip_settings.variables({"proxy": "http://p:1", "index-url": "http://127.0.0.2/simple"}, {}, False)

    assert "127.0.0.1,localhost,127.0.0.2" == told["NO_PROXY"]
