"""Who names a service that runs already, and which it then is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from scripts.errors import SettingsError
from scripts.service import elsewhere
from scripts.settings import Service, Settings


@pytest.mark.parametrize(
    "variable, setting, expected",
    [
        (None, None, None),
        ("", None, None),
        ("http://a:1/", None, ("http://a:1", "SERVICE_URL")),
        (None, "http://b:2", ("http://b:2", "service.url")),
        ("http://a:1", "http://b:2", ("http://a:1", "SERVICE_URL")),
    ],
)
def test_the_variable_goes_before_the_setting(variable: Any, setting: Any, expected: Any) -> None:
    service = Service(command=("x",), url=setting)
    environ = {} if variable is None else {"SERVICE_URL": variable}

    assert expected == elsewhere.named_outside(service, environ)


@pytest.mark.parametrize(
    "environ, expected",
    [
        ({}, {}),
        ({"SERVICE_URL": "http://a"}, {"tts": ("http://a", "SERVICE_URL")}),
        ({"SERVICE_OCR_2_URL": "http://b"}, {"ocr-2": ("http://b", "SERVICE_OCR_2_URL")}),
        ({"SERVICE_URL": "http://a", "SERVICE_TTS_URL": "http://c"}, {"tts": ("http://c", "SERVICE_TTS_URL")}),
    ],
)
def test_each_of_several_may_run_elsewhere(environ: Any, expected: Any) -> None:
    service = Service(command=("x",))
    project = Settings(services={"tts": replace(service, needs=("ocr-2",)), "ocr-2": service})

    assert expected == elsewhere.all_outside(project, environ)


def test_one_that_is_wrong_is_named() -> None:
    project = Settings(services={"tts": Service(url="tts:80")})

    with pytest.raises(SettingsError, match=r"services\.tts\.url: expected http://HOST:PORT"):
        elsewhere.all_outside(project, {})


@pytest.mark.parametrize("url", ["localhost:7860", "127.0.0.1:7860", "ftp://a", "http://"])
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="SERVICE_URL: expected http://HOST:PORT"):
        elsewhere.named_outside(Service(command=("x",)), {"SERVICE_URL": url})
