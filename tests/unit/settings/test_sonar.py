from __future__ import annotations

from pathlib import Path

import pytest

from scripts import settings
from scripts.errors import SettingsError


@pytest.mark.parametrize(
    "text, words",
    [
        ("{key: a b}", "sonar.key: expected letters, digits, - _ . and :, and not digits alone, got 'a b'"),
        ("{key: '7'}", "not digits alone"),
        (
            "{properties: {organization: a}}",
            "expected a property of SonarQube (sonar.organization), got 'organization'",
        ),
        ("{properties: {sonar.token: a}}", "sonar.token stands in no file: set SONAR_TOKEN and SONAR_HOST_URL"),
        ("{properties: {sonar.scanner.proxyPassword: a}}", "stands in no file"),
        ("{properties: {sonar.host.url: a}}", "stands in no file"),
    ],
)
def test_what_sonarqube_would_refuse_or_is_a_secret_is_named_with_its_line(
    tmp_path: Path, text: str, words: str
) -> None:
    (tmp_path / "pipeline.yml").write_text(f"sonar: {text}\n", encoding="utf-8")

    with pytest.raises(SettingsError) as caught:
        settings.load(None, {}, tmp_path)
    assert words in str(caught.value)
    assert "pipeline.yml:1: " in str(caught.value)
