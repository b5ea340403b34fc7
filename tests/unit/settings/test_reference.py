"""Every key that pipeline.yml may have is told, and none that it may not have."""

from __future__ import annotations

from scripts.settings import reference


def test_every_key_is_told_and_no_other() -> None:
    assert set(reference.ABOUT) == {key.name for key in reference.listed()}


def test_a_default_is_written_as_a_person_writes_it() -> None:
    defaults = {key.name: key.default for key in reference.listed()}

    assert ("60s", "100.0 MB", "", "a free one for every start", "") == tuple(
        defaults[f"service.{name}"] for name in ("ready.timeout", "log_limit", "shared", "port", "requirements")
    )
