"""What uv printed is read: each package as it stands, and why there is no resolution."""

from __future__ import annotations

import pytest

from scripts.environments.locks import uv_output

PRINTED = """\
--no-binary a

a==1 ; sys_platform == 'linux' \\
    --hash=sha256:00
    # via
    #   -r requirements.txt
    #   b
    # from https://me:hunter2@host/simple
b @ https://host/b-1.tar.gz \\
    --hash=sha256:01
../c
    # via b
-e file:///d%20d
    # via -r requirements.txt
dep
e @ git+https://host/e@f00
"""


def test_packages_are_parted_from_where_they_were_found() -> None:
    entries = list(uv_output.parted(PRINTED))

    kept = "".join(entry.text for entry in entries if not entry.source)
    assert PRINTED.partition("../c")[0].replace("    # from https://me:hunter2@host/simple\n", "") == kept
    found = [(one.source.location, one.source.is_editable) for one in entries if one.source]
    assert [("../c", False), ("/d d", True), ("./dep", False), ("git+https://host/e", False)] == found
    assert ["", "https://me:hunter2@host/simple", ""] == [entry.found_in for entry in entries][:3]


@pytest.mark.parametrize(
    "words, expected",
    [
        ("and numpy==2.2.6\n   depends on Python>=3.10, we", {"numpy==2.2.6": "3.10"}),
        (
            "Because a==1 requires Python >=3.9 and all of:\n b>1\n c\n depend on Python>3.11,",
            {"a==1": "3.9", "c": "3.11"},
        ),
        ("a depends on Python>=3.8 and (>=3.9) does not satisfy Python>=3.10", {}),
        ("a depends on b>=3.10", {}),
    ],
)
def test_what_needs_a_newer_python_is_named(words: str, expected: object) -> None:
    assert expected == uv_output.needs_newer_python(words, "3.8")
