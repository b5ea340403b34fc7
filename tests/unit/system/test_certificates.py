"""Whom uv, pip and our own requests trust."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Dict

import pytest

from scripts.system import certificates

SYSTEM = {"UV_SYSTEM_CERTS": "true", "UV_NATIVE_TLS": "true"}


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "store.pem"
    file.write_text("ours")
    monkeypatch.setattr(certificates, "KNOWN_STORES", (str(file),))
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere")  # as where Python was built for another place
    return file


@pytest.mark.parametrize(
    "said, told",
    [
        ({}, SYSTEM),
        ({"SSL_CERT_FILE": "/a.pem"}, {}),
        ({"CURL_CA_BUNDLE": "/a.pem"}, {"SSL_CERT_FILE": "/a.pem"}),
        ({"REQUESTS_CA_BUNDLE": "/"}, {"SSL_CERT_DIR": "/"}),
        ({"UV_NATIVE_TLS": "false"}, {}),
    ],
)
def test_uv_trusts_whom_pip_trusts(store: Path, said: Dict[str, str], told: Dict[str, str]) -> None:
    assert told == certificates.for_uv(said)


def test_without_a_store_uv_keeps_its_own(store: Path) -> None:
    store.unlink()

    assert {} == certificates.for_uv({})


@pytest.mark.skipif(os.uname().sysname == "Darwin", reason="a new pip reads the keychain there")
def test_an_old_pip_trusts_both_stores(store: Path, tmp_path: Path) -> None:
    told = certificates.for_pip({}, tmp_path)

    text = Path(told["PIP_CERT"]).read_text()
    assert text.endswith("\nours")
    assert "BEGIN CERTIFICATE" in text
    assert {} == certificates.for_pip({"PIP_CERT": "/a.pem"}, tmp_path)
