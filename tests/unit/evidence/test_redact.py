from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts import settings
from scripts.errors import SettingsError
from scripts.evidence import redact

SETTINGS = """
name: tiny
service:
  command: [serve, "--store=redis://me:hunter2@cache/0", "{port}"]
  url: "http://me:hunter2@127.0.0.1:1/x?key=hunter2"
  environment: {HF_TOKEN: hunter2, MODE: fast}
  ready: {path: "/health?key=hunter2"}
  warm_up: {path: "/tts?key=hunter2", json: {text: 你好, when: "2026-01-01"}}
models:
  files:
    - {path: a.bin, size: 1, sha256: SHA, sources: ["https://me:hunter2@host/a.bin?sig=hunter2", "hf://o/n@main/a"]}
suite: {path: t}
""".replace("SHA", "0" * 64)


def test_the_settings_are_shown_with_defaults_and_keys_and_without_secrets(tmp_path: Path) -> None:
    (tmp_path / "pipeline.yml").write_text(SETTINGS, encoding="utf-8")

    shown = redact.resolved(settings.load(None, {}, tmp_path))

    assert "hunter2" not in json.dumps(shown, default=str)
    assert {"HF_TOKEN": redact.HIDDEN, "MODE": redact.HIDDEN} == shown["service"]["environment"]
    assert ["serve", "--store=redis://cache/0", "{port}"] == shown["service"]["command"]
    assert ("/health?...", "你好") == (shown["service"]["ready"]["path"], shown["service"]["warm_up"]["json"]["text"])
    assert ["https://host/a.bin?...", "hf://o/n@main/a"] == shown["models"]["files"][0]["sources"]
    assert (10, 1) == (shown["service"]["stop_timeout_s"], shown["nodes"])


def test_a_project_without_service_and_weights_can_be_shown(tmp_path: Path) -> None:
    (tmp_path / "pipeline.yml").write_text("suite: {path: t}")

    shown = redact.resolved(settings.load(None, {}, tmp_path))

    assert (None, None, "t") == (shown["service"], shown["models"], shown["suite"]["path"])


@pytest.mark.parametrize("environment", ["HF_TOKEN=hunter2", "{HF_TOKEN=hunter2}", "[HF_TOKEN=hunter2]"])
def test_a_mistake_in_the_settings_is_shown_without_the_values_it_quotes(tmp_path: Path, environment: str) -> None:
    (tmp_path / "pipeline.yml").write_text(
        "service: {command: [a], environment: ENVIRONMENT, port: x}\n".replace("ENVIRONMENT", environment)
        + "models: {files: [{path: a, size: 1, sha256: x, sources: ['https://me:hunter2@h/', 'ftp://me:hunter2@h/']}]}\n"
    )
    try:
        settings.load(None, {}, tmp_path)
    except SettingsError as error:
        shown = redact.problem(error.message)

    assert "hunter2" not in shown
    assert "service.environment: expected" in shown
    assert "service.port: expected a whole number, got 'x'" in shown


NAMED = """
service:
  command: [serve, --api-key, hunter-1, "--token=hunter-2=x", --port, "{port}"]
  url: "http://me:hunter-3@127.0.0.1:1/x?k=hunter-4"
  environment: {HF_TOKEN: hunter-5, MODE: fast-mode, PIN_KEY: abc}
  warm_up: {path: /tts, json: {text: hello, api_key: hunter-6, of: [{Password: hunter-7}]}}
models:
  files:
    - {path: a.bin, size: 1, sha256: SHA, sources: ["https://me:hunter-8@host/a.bin?sig=hunter-9"]}
suite: {path: t}
""".replace("SHA", "0" * 64)


def test_what_its_name_calls_a_secret_is_not_shown(tmp_path: Path) -> None:
    (tmp_path / "pipeline.yml").write_text(NAMED)

    shown = redact.resolved(settings.load(None, {}, tmp_path))

    assert "hunter" not in json.dumps(shown, default=str)
    assert "hello" == shown["service"]["warm_up"]["json"]["text"]
    assert ["--port", "{port}"] == shown["service"]["command"][-2:]
