"""What pip is set to is read as pip does, with and without a pip."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from scripts.environments import pip_config

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
    expected = {
        "cert": "/env.pem",
        "extra-index-url": "file:///a/simple file:///b/simple",
        "find-links": "/one /two",
        "index-url": "https://user:secret@mirror.test/simple",
        "trusted-host": "mirror.test:8443",
    }

    assert expected == pip_config.parse(LISTING)
    assert {} == pip_config.parse("")


def test_a_pip_that_hangs_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\nsleep 600\n")
    program.chmod(0o755)
    monkeypatch.setattr(pip_config, "PIP_ANSWERS_IN_S", 0.3)
    monkeypatch.setattr(sys, "executable", str(program))
    monkeypatch.setattr(sys, "base_prefix", str(tmp_path / "none"))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(pip_config, "find_pip", pip_config.find_pip.__wrapped__)  # nothing is remembered

    assert pip_config.find_pip() is None
    none = {"XDG_CONFIG_DIRS": str(tmp_path), "PIP_CONFIG_FILE": os.devnull}
    said = {"PIP_INDEX_URL": "https://a.test", "SSL_CERT_FILE": "/a.pem", **none}
    assert "https://a.test" == pip_config.read(said)["index-url"]


def test_where_there_is_no_pip_its_files_are_read_as_it_would(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pip_config, "find_pip", lambda: None)
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

    found = pip_config.read(environ)

    expected = {"index-url": "https://a/%7E", "retries": "2", "find-links": "/one /two", "extra-index-url": "https://c"}
    assert expected == {name: found[name] for name in expected}


def test_paths_count_from_where_the_command_was_typed(tmp_path: Path) -> None:
    for name in ("a.txt", "my cert.pem"):
        (tmp_path / name).touch()
    said = {"constraint": "a.txt no.txt https://a/b", "cert": "my cert.pem", "index-url": "a.txt"}

    expected = {"constraint": f"{tmp_path}/a.txt no.txt https://a/b", "cert": f"{tmp_path}/my cert.pem"}
    assert {**said, **expected} == pip_config.placed(said, tmp_path)
