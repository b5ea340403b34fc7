"""Where packages are looked for: the machine's settings, then what a requirements file says."""

from __future__ import annotations

from pathlib import Path
from typing import List

from scripts.environments import indexes, requirements
from scripts.environments.requirements import Line


def lines(text: str, folder: Path = Path()) -> List[Line]:
    return list(requirements.lines(text, folder / "requirements.txt", {"TOKEN": "sesame"}))


def test_the_main_index_is_asked_first_for_what_several_have() -> None:
    found = indexes.of(lines("--extra-index-url https://u:${TOKEN}@b/simple"), {"UV_DEFAULT_INDEX": "https://a"})

    expected = {
        "UV_DEFAULT_INDEX": "https://a",
        "UV_INDEX": "https://a https://u:sesame@b/simple",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
    }
    assert expected == found.for_uv()
    assert {"PIP_INDEX_URL": "https://a", "PIP_EXTRA_INDEX_URL": "https://u:sesame@b/simple"} == found.for_pip()


def test_an_index_of_the_file_takes_the_place_of_the_machine_s() -> None:
    machine = {"UV_DEFAULT_INDEX": "https://a", "UV_INDEX": "https://b"}

    assert ("https://c", ()) == indexes.of(lines("-i https://c"), machine)[:2]


def test_where_nothing_is_named_uv_s_own_settings_count() -> None:
    assert {} == indexes.of([], {}).for_uv()


def test_a_folder_of_archives_counts_from_its_file_and_may_have_spaces(tmp_path: Path) -> None:
    (tmp_path / "my wheels").mkdir()
    found = indexes.of(lines("--find-links 'my wheels'\n-f https://h/links\n--no-index", tmp_path), {})

    assert (f"{tmp_path.as_uri()}/my%20wheels", "https://h/links") == found.find_links
    assert "true" == found.for_uv()["UV_NO_INDEX"]
