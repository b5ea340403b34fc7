"""Where the token of a person lies."""

from __future__ import annotations

from pathlib import Path
from typing import Dict

import pytest

from scripts.models.hub_token import find_token


@pytest.mark.parametrize(
    "place, environ",
    [
        ("token", {"HF_TOKEN_PATH": "{home}/token"}),
        ("hf/token", {"HF_HOME": "{home}/hf"}),
        ("huggingface/token", {"XDG_CACHE_HOME": "{home}"}),
    ],
)
def test_the_token_lies_where_the_hub_s_own_tools_put_it(tmp_path: Path, place: str, environ: Dict[str, str]) -> None:
    (tmp_path / place).parent.mkdir(exist_ok=True)
    (tmp_path / place).write_text("hf_file\n")
    environ = {name: value.format(home=tmp_path) for name, value in environ.items()}

    assert "hf_file" == find_token(environ)
    assert "hf_own" == find_token({**environ, "HF_TOKEN": "hf_own"})


def test_no_token_is_none(tmp_path: Path) -> None:
    (tmp_path / "token").write_bytes(b"\xff")

    assert ["", ""] == [find_token({"HF_TOKEN_PATH": str(tmp_path / name)}) for name in ("none", "token")]
