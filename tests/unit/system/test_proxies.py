"""NO_PROXY names this machine where a proxy is set, and keeps what it says; a proxy is named without its password."""

from __future__ import annotations

from typing import Dict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.system.proxies import is_loopback, of_request, past_proxies, shown, which

PROXY = {"https_proxy": "http://proxy:3128"}


@pytest.mark.parametrize("environ", [{}, {"NO_PROXY": ".corp"}, {"HTTP_PROXY": "", "no_proxy": "*"}])
def test_without_a_proxy_nothing_need_pass_one(environ: Dict[str, str]) -> None:
    assert {} == past_proxies(environ)


@pytest.mark.parametrize(
    "said, upper, lower",
    [
        ({"NO_PROXY": ".corp"}, ".corp,127.0.0.1,localhost", ".corp,127.0.0.1,localhost"),
        ({"no_proxy": " * "}, " * ", " * "),
        ({"NO_PROXY": "*,foo"}, "*,foo,127.0.0.1,localhost", "*,foo,127.0.0.1,localhost"),
        ({"NO_PROXY": ".corp", "no_proxy": "a, localhost"}, ".corp,127.0.0.1,localhost", "a, localhost,127.0.0.1"),
        ({"NO_PROXY": "*", "no_proxy": ""}, "*", "127.0.0.1,localhost"),
    ],
)
def test_each_spelling_keeps_what_it_says(said: Dict[str, str], upper: str, lower: str) -> None:
    assert {"NO_PROXY": upper, "no_proxy": lower} == past_proxies({**PROXY, **said})


def test_what_is_asked_on_this_machine_by_another_name_is_named_too() -> None:
    urls = ["http://[::1]:80", "http://127.0.0.2:1/a", "http://elsewhere.test"]

    assert "127.0.0.1,localhost,::1,127.0.0.2" == past_proxies(PROXY, urls)["NO_PROXY"]


@pytest.mark.parametrize(
    "url, hosts, spared",
    [
        ("http://localhost:9000/bucket", "", True),
        ("https://a.test", "", False),
        ("https://a.test", "foo, *", True),
        ("https://a.test", "foo", False),
    ],
)
def test_who_is_asked_past_every_proxy(url: str, hosts: str, spared: bool) -> None:
    assert ({"no_proxy": "*"} if spared else {}) == of_request(url, {**PROXY, "NO_PROXY": hosts})


@pytest.mark.parametrize(
    "url, environ, proxy",
    [
        ("https://a.test", {"HTTPS_PROXY": "http://p:1", "https_proxy": "http://q:2"}, "http://q:2 (from https_proxy)"),
        ("https://a.test", {"ALL_PROXY": "socks5h://me:secret@p:1"}, "socks5h://p:1 (from ALL_PROXY)"),
        ("http://a.test", {"HTTPS_PROXY": "http://p:1"}, ""),
        ("http://a.corp:80", {"HTTP_PROXY": "http://p:1", "NO_PROXY": "b, .corp"}, ""),
        ("http://127.0.0.1:80", {"HTTP_PROXY": "http://p:1"}, ""),
    ],
)
def test_the_proxy_of_a_url_is_named(url: str, environ: Dict[str, str], proxy: str) -> None:
    assert proxy == which(url, environ)


@given(st.text("ab@:%", min_size=1), st.sampled_from(["", "http://", "socks5h://"]))
def test_a_password_is_never_shown(password: str, scheme: str) -> None:
    assert f"{scheme}proxy:3128" == shown(f"{scheme}me:{password}@proxy:3128")


@given(st.text("abc.:[]@/127", max_size=12))
def test_no_text_is_too_odd_to_be_asked_whether_it_is_this_machine(text: str) -> None:
    assert is_loopback(f"http://{text}") in (True, False)
