from __future__ import annotations

from pathlib import Path
from typing import Dict, Mapping

import pytest

from scripts import settings
from scripts.evidence.redaction.known import known_here, known_secrets
from scripts.evidence.redaction.redactor import Redactor
from scripts.settings import Settings

SETTINGS = """
service:
  command: [serve, --api-key, hunter-1, "--token=hunter-2=x", "--store=redis://me:hunter-10@c/0", --port, "{port}"]
  url: "http://me:hunter-3@127.0.0.1:1/x?k=hunter-4"
  environment: {HF_TOKEN: hunter-5, PLAIN: "hunter 6", WORD: swordfish, MODE: production, DEVICE: "cuda:0", N: "123456",
    PLACE: /usr/lib/x, INDEX: "https://me:hunter-7@h/simple", URL: "http://h/x", FLAG: "1", PIN_KEY: abc, P: "{port}"}
  warm_up: {path: /tts, headers: {Authorization: Bearer hunter-11, Accept: audio/wav}, json: {api_key: hunter-12, n: 1}}
models:
  files:
    - {path: a.bin, size: 1, sha256: SHA, sources: ["https://me:hunter-8@host/a.bin?sig=hunter-9"]}
  wanted: [{sources: ["https://host/b.bin?sig=hunter-13"]}]
suite: {path: t}
""".replace("SHA", "0" * 64)


def found(project: Settings, environ: Mapping[str, str], tmp_path: Path) -> Dict[str, bool]:
    """Give what is known, and whether it counts as a word only; no log-in of this machine is read."""
    nothing = {"HF_TOKEN_PATH": "no", "PIP_CONFIG_FILE": "/dev/null", "HOME": str(tmp_path), "XDG_CONFIG_DIRS": "no"}
    apart = {
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "aws"),
        "NETRC": str(tmp_path / "netrc"),
        "XDG_CACHE_HOME": "no",
    }
    return {secret.value: secret.is_word for secret in known_secrets(project, {**nothing, **apart, **environ})}


def test_all_that_the_settings_keep_to_themselves_is_known_but_what_stands_in_every_log(tmp_path: Path) -> None:
    (tmp_path / "pipeline.yml").write_text(SETTINGS)

    known = found(settings.load(None, {}, tmp_path), {}, tmp_path)

    hunters = {f"hunter-{number}" for number in (1, 3, 4, 5, 7, 8, 9, 10, 11, 12, 13)}
    assert {*hunters, "hunter-2=x", "hunter 6", "swordfish", "Bearer hunter-11"} == set(known)
    assert {"swordfish"} == {value for value, is_word in known.items() if is_word}


@pytest.mark.parametrize(
    "name, value, secret",
    [
        ("AWS_SECRET_ACCESS_KEY", "hunter-0", "hunter-0"),
        ("HTTPS_PROXY", "http://me:swordfish@proxy:3128", "swordfish"),
        ("PIP_EXTRA_INDEX_URL", "https://a/simple https://me:sword%21fish@h/simple", "sword!fish"),
        ("SERVICE_OCR_URL", "http://h/?code=sword-fish-1", "sword-fish-1"),
        ("DB_PASSWORD", "secret(word)9", "secret(word)9"),
        ("DEPLOY_PASSWORD", "firstAb7CdX2Ef9Gh1x\nand this", "firstAb7CdX2Ef9Gh1x"),
        ("DB_PASSWORD", "${OTHER_4}", ""),
        ("AUTH_MODE", "disabled", ""),
        ("HOME_KEY", "/home/me/.key", ""),
        ("SSH_AUTH_SOCK", "/tmp/ssh-abcdef/agent.1", ""),
        ("KEYBOARD", "qwerty-us", ""),
    ],
)
def test_a_variable_that_names_a_secret_has_one_and_an_address_its_password(
    tmp_path: Path, name: str, value: str, secret: str
) -> None:
    known = found(Settings(), {name: value}, tmp_path)

    assert ({secret} if secret else set()) <= set(known)
    assert secret or not known


def test_log_ins_that_tools_keep_are_known(tmp_path: Path) -> None:
    (tmp_path / "aws").write_text("[default]\naws_access_key_id = a\naws_secret_access_key = hunter/1+\n")
    (tmp_path / "netrc").write_text("machine h login me password hunter-2\n")
    (tmp_path / "token").write_text("hunter-3\n")
    (tmp_path / ".config" / "pip").mkdir(parents=True)
    (tmp_path / ".config" / "pip" / "pip.conf").write_text("[global]\nindex-url = https://me:hunter-4@h/simple\n")

    known = found(Settings(), {"HF_TOKEN_PATH": str(tmp_path / "token"), "PIP_CONFIG_FILE": ""}, tmp_path)

    assert {"hunter/1+", "hunter-2", "hunter-3", "hunter-4"} == set(known)


def test_a_word_is_taken_out_where_it_stands_for_itself(tmp_path: Path) -> None:
    (tmp_path / "pipeline.yml").write_text(SETTINGS)

    cleaner = Redactor(known_secrets(settings.load(None, {}, tmp_path), {"HOME": str(tmp_path)}))

    assert "(secret), swordfishes" == cleaner.text("swordfish, swordfishes")


def test_what_is_typed_once_changes_no_other_stand_in(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "A_TOKEN": "Zq9x7Kd41Pw0tRfGb2Zq9x", "B_PASSWORD": "sword-fish"}

    texts = [
        Redactor(known_here(Settings(), environ, words)).text("sword-fish")
        for words in ([], ["--password", "Kw8x7Kd41Pw0tRfGb2Zq9y"])
    ]

    assert texts[0] == texts[1] != "(secret)"


def test_before_there_are_settings_what_the_machine_knows_is_known() -> None:
    assert "sword-fish" in {secret.value for secret in known_here(None, {"A_PASSWORD": "sword-fish"}, [])}
