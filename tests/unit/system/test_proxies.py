"""NO_PROXY names this machine where a proxy is set, and keeps what it says."""

from __future__ import annotations

from typing import Dict

import pytest

from scripts.system.proxies import past_proxies

PROXY = {"https_proxy": "http://proxy:3128"}


@pytest.mark.parametrize("environ", [{}, {"NO_PROXY": ".corp"}, {"HTTP_PROXY": "", "no_proxy": "*"}])
def test_without_a_proxy_nothing_need_pass_one(environ: Dict[str, str]) -> None:
    assert {} == past_proxies(environ)


@pytest.mark.parametrize(
    "said, upper, lower",
    [
        ({"NO_PROXY": ".corp"}, ".corp,127.0.0.1,localhost", ".corp,127.0.0.1,localhost"),
        ({"no_proxy": "*"}, "*", "*"),
        ({"NO_PROXY": ".corp", "no_proxy": "a, localhost"}, ".corp,127.0.0.1,localhost", "a, localhost,127.0.0.1"),
        ({"NO_PROXY": "*", "no_proxy": ""}, "*", "127.0.0.1,localhost"),
    ],
)
def test_each_spelling_keeps_what_it_says(said: Dict[str, str], upper: str, lower: str) -> None:
    assert {"NO_PROXY": upper, "no_proxy": lower} == past_proxies({**PROXY, **said})
