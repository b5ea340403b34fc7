"""Which weights the service needs, and are they whole."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple, Union


class WeightsError(Exception):
    """A weights file is missing or not the published one; the text is one line for people."""


class File(NamedTuple):
    """A published file."""

    name: str
    size_bytes: int
    sha256: str


ACOUSTIC = File(
    "fastspeech2_quan.tflite",
    16052448,
    "c78ac5588138be9b5fc641f932619f7e01217a30285c8a545d948bed50aadecf",
)
VOCODER = File(
    "mb_melgan.tflite",
    7528584,
    "8cb5eb132e7fca76a8ba74387bd79298449ed651b1b560b15868be2e42af6779",
)
SYMBOLS = File(
    "baker_mapper.json",
    14252,
    "19cb8d746c1d2c5b7269117cd6832064e44a1e0ebdd7e3fbc86c19e1de535a7e",
)

# As published, the acoustic model only runs inside TensorFlow: two dropouts were left on, and
# their random operator is missing from the lite runtimes. Turned into zeros kept by a threshold of
# -1 and scaled by 1, they become the exact mean of the dropout, and speech is repeatable.
# The last line makes the pitch control a shift (ADD) where it was a factor on the range (MUL).
PATCHES = (
    (16052187, "20", "5d"),  # operator CUSTOM -> ZEROS_LIKE
    (15924572, "30020000", "2e020000"),  # its input in the energy branch: tensor 560 -> 558
    (15921944, "64020000", "62020000"),  # its input in the pitch branch: tensor 612 -> 610
    (15869088, "00000040", "0000803f"),  # scale 2.0 -> 1.0
    (15869072, "0000003f", "000080bf"),  # threshold 0.5 -> -1.0
    (15922312, "06000000", "09000000"),  # pitch control: MUL -> ADD
)
PATCHED_SHA256 = "3fa9c5ce526b0adc70b7a0d2d5258762bc27b44ce55f98e4ad010036912529d6"


def load(folder: Path, file: File) -> bytes:
    """Return the content of `file` in `folder`.

    Raises WeightsError where it is missing, truncated or not the published one.
    """
    path = folder / file.name
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _unusable(path, file, error.strerror or str(error)) from error
    if len(content) != file.size_bytes:
        raise _unusable(path, file, f"got {len(content):,} bytes")
    came = _sha256(content)
    if came != file.sha256:
        raise _unusable(path, file, f"got sha256 {came}")
    return content


def load_acoustic(folder: Path) -> bytes:
    """Return the acoustic model, patched to run outside TensorFlow."""
    content = bytearray(load(folder, ACOUSTIC))
    for offset, old, new in PATCHES:
        before, after = bytes.fromhex(old), bytes.fromhex(new)
        assert content[offset : offset + len(before)] == before
        content[offset : offset + len(before)] = after
    assert _sha256(content) == PATCHED_SHA256
    return bytes(content)


def _sha256(content: Union[bytes, bytearray]) -> str:
    return hashlib.sha256(content).hexdigest()


def _unusable(path: Path, file: File, came: str) -> WeightsError:
    return WeightsError(
        f"cannot use the weights {path}: {came}; expected {file.size_bytes:,} bytes, "
        f"sha256 {file.sha256}; fetch them with: nox -s models"
    )
