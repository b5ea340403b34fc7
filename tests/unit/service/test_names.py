from __future__ import annotations

import pytest

from scripts.errors import ServiceDied, ServiceNotReady
from scripts.service.names import told_of


def test_an_error_about_one_of_several_says_which_and_names_its_own_settings() -> None:
    with pytest.raises(ServiceNotReady) as caught, told_of("tts"):
        raise ServiceNotReady(
            "http://127.0.0.1:1 was not ready\nservice.py: service.port", "Raise service.ready.timeout."
        )

    assert caught.value.message == "service tts: http://127.0.0.1:1 was not ready\nservice.py: services.tts.port"
    assert caught.value.hint == "Raise services.tts.ready.timeout."


def test_a_command_that_helps_stays_in_the_hint() -> None:
    with pytest.raises(ServiceDied) as caught, told_of("tts"):
        raise ServiceDied("the service ended", "Run `{command}`.", ("invoke", "stop"))

    assert ("the service tts ended", "Run `invoke stop`.") == (caught.value.message, caught.value.hint)


def test_an_error_about_the_only_one_stays_as_it_is() -> None:
    error = ServiceDied("the service ended", "See service.ready.")
    with pytest.raises(ServiceDied) as caught, told_of("service"):
        raise error

    assert error is caught.value
