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

LISTING = """\
:env:.cert='/env.pem'
global.cert='/file.pem'
global.extra-index-url='file:///a/simple file:///b/simple'
global.find-links='\\n/one\\n/two'
install.index-url='https://user:secret@mirror.test/simple'
global.index-url='https://other.test/simple'
global.trusted-host='mirror.test:8443'
"""


def test_the_environment_wins_over_files_and_the_command_over_all() -> None:
    options = pip_settings.parse(LISTING)

    assert ("/env.pem", "https://user:secret@mirror.test/simple") == (options["cert"], options["index-url"])


def test_every_setting_reaches_uv_under_its_name() -> None:
    expected = {
        "UV_DEFAULT_INDEX": "https://user:secret@mirror.test/simple",
        "UV_INDEX": "https://user:secret@mirror.test/simple file:///a/simple file:///b/simple",
        "UV_FIND_LINKS": "/one,/two",
        "SSL_CERT_FILE": "/env.pem",
        "UV_INSECURE_HOST": "mirror.test:8443",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
    }

    assert expected == pip_settings.as_uv(pip_settings.parse(LISTING), {})


def test_what_the_person_set_for_uv_stays() -> None:
    assert {} == pip_settings.as_uv({"index-url": "https://a.test"}, {"UV_DEFAULT_INDEX": "https://b.test"})


@pytest.mark.parametrize("said, expected", [("1", "true"), ("yes", "true"), ("false", "false")])
def test_no_index_is_a_switch(said: str, expected: str) -> None:
    assert {"UV_NO_INDEX": expected} == pip_settings.as_uv({"no-index": said}, {})


@pytest.mark.parametrize("said, expected", [("1", ["--no-index"]), ("0", [])])
def test_no_index_is_said_on_uv_s_command_line(said: str, expected: List[str]) -> None:
    assert expected == pip_settings.uv_options(pip_settings.as_uv({"no-index": said}, {}))


def test_a_machine_that_says_nothing_changes_nothing() -> None:
    assert {} == pip_settings.as_uv(pip_settings.parse(""), {})


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


def test_a_pip_that_hangs_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\nsleep 600\n")
    program.chmod(0o755)
    monkeypatch.setattr(pip_settings, "PIP_ANSWERS_IN_S", 0.3)
    monkeypatch.setattr(sys, "executable", str(program))
    monkeypatch.setattr(sys, "base_prefix", str(tmp_path / "none"))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(pip_settings, "find_pip", pip_settings.find_pip.__wrapped__)  # nothing is remembered

    assert pip_settings.find_pip() is None
    none = {"XDG_CONFIG_DIRS": str(tmp_path), "PIP_CONFIG_FILE": os.devnull}
    said = {"PIP_INDEX_URL": "https://a.test", "SSL_CERT_FILE": "/a.pem", **none}
    found = pip_settings.read(said)
    assert {"UV_DEFAULT_INDEX": "https://a.test", "UV_PYTHON_DOWNLOADS": "never"} == found


def test_where_there_is_no_pip_its_files_are_read_as_it_would(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pip_settings, "find_pip", lambda: None)
    (tmp_path / "pip").mkdir()
    (tmp_path / "pip" / "pip.conf").write_text(
        "[global]\nindex-url = https://a/%7E\nretries = 1\n[install]\nretries = 2\n"
    )
    (tmp_path / "named").write_text("[global]\nfind-links =\n  /one\n  /two\nextra_index_url = https://b\n")
    (tmp_path / ".pip").mkdir()
    (tmp_path / ".pip" / "pip.conf").write_text("no settings")
    environ = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "XDG_CONFIG_DIRS": str(tmp_path / "none")}
    environ.update(
        {"PIP_CONFIG_FILE": str(tmp_path / "named"), "PIP_EXTRA_INDEX_URL": "https://c", "SSL_CERT_FILE": "/a"}
    )

    found = pip_settings.options(environ)

    expected = {"index-url": "https://a/%7E", "retries": "2", "find-links": "/one /two", "extra-index-url": "https://c"}
    assert expected == {name: found[name] for name in expected}


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


def test_paths_count_from_where_the_command_was_typed(tmp_path: Path) -> None:
    for name in ("a.txt", "my cert.pem"):
        (tmp_path / name).touch()
    said = {"constraint": "a.txt no.txt https://a/b", "cert": "my cert.pem", "index-url": "a.txt"}

    expected = {"constraint": f"{tmp_path}/a.txt no.txt https://a/b", "cert": f"{tmp_path}/my cert.pem"}
    assert {**said, **expected} == pip_settings.placed(said, tmp_path)
