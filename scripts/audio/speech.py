"""Check speech in a test: `speech.check(response, text)` fails with what a person would hear.

    from shardline.audio import speech

    def test_it_speaks(service_url):
        speech.check(requests.post(service_url + "/tts", json={"text": TEXT}), TEXT)

The limits come from `audio/baseline.json` in the suite's folder, or in one above the test's, or from the folder that
`suite.baseline` of pipeline.yml names; without such a file they are those of any speech. The golden recording of the
text lies beside it, in `audio/golden/`, where there is one.
`quality:` of pipeline.yml comes before the baseline. With SHARDLINE_ARTIFACTS, what failed is kept: the recording, its
golden one, and all verdicts as NAME.audio.json.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any, List, Mapping, Optional, Union

from . import judging
from .baseline import FILE, Baseline, given_folder, golden_file, golden_name, limits_of, load, own_limits
from .clip import Clip
from .judging import Verdict
from .reading import read
from .wav import WavError

FOLDER = "audio"
NAME_CHARACTERS = 100  # of a test's id in a file's name, which may have 255
Place = Union[str, "os.PathLike[str]"]


class SpeechError(AssertionError):
    """The recording is not as good as it should be; the message says what a person hears, and `verdicts` why.

    Args:
        verdicts: of all measures; empty where there is nothing to measure.
    """

    def __init__(self, message: str, verdicts: List[Verdict]) -> None:
        super().__init__(message)
        self.verdicts = verdicts


def check(
    response: Any,
    text: str = "",
    golden: Any = None,
    baseline: Optional[Place] = None,
    limits: Optional[Mapping[str, Mapping[str, Optional[float]]]] = None,
    **options: Any,
) -> List[Verdict]:
    """Check that a recording is correct, clean, as fast and as high as the voice speaks, and still the same speech.

    Args:
        response: bytes, or what has them as `content`, `body`, or `read()`: an answer of requests, httpx, urllib.
        text: what it should say.
        golden: another recording of the text, as bytes or a path; default: the one of the baseline.
        baseline: the folder of baseline.json; default: the nearest folder `audio` above the test.
        limits: by measure, {"longest_gap_s": {"high": 0.9}}: they come before all others.
        options: that the text was spoken with (emotion="sad"), by which the golden recording is found.

    Returns:
        the verdict of each measure; those that want a package that is not here say so.

    Raises:
        SpeechError: it is not; an AssertionError.
        BaselineError: the baseline cannot be read.
    """
    body = _bytes(response)
    folder = Path(baseline) if baseline else given_folder(os.environ) or nearest(_test_file())
    against = _golden(golden, folder, text, options)
    try:
        clip = Clip(read(body), text)
    except WavError as error:
        kept = keep(body, against, [], f"no recording: {error}")
        raise SpeechError(f"no recording: {error}{kept}", []) from None
    known = _loaded(str(folder)) if folder else Baseline()
    own = {**own_limits(os.environ), **limits_of(dict(limits or {}), "limits")}
    found = judging.judge(clip, Clip(read(against), text) if against else None, known, own)
    heard = judging.faults(found)
    if heard:
        kept = keep(body, against, found, text)
        raise SpeechError(f"{'; '.join(heard)}\n  text: {text!r}{kept}", found)
    return found


def nearest(test: Optional[Path]) -> Optional[Path]:
    """Find the folder of the baseline: `audio`, with a baseline.json, beside the test or above."""
    above = [] if test is None else [test.parent, *test.parent.parents]
    return next((folder / FOLDER for folder in above if (folder / FOLDER / FILE).is_file()), None)


@functools.lru_cache(maxsize=None)
def _loaded(folder: str) -> Baseline:
    return load(Path(folder))


def _test_file() -> Optional[Path]:
    """Find the file of the test that runs: pytest names it, from its root, where most start it."""
    name = os.environ.get("PYTEST_CURRENT_TEST", "").partition("::")[0]
    return Path(name).absolute() if name else None


def _bytes(response: Any) -> bytes:
    for name in ("content", "body"):
        found = getattr(response, name, None)
        if isinstance(found, (bytes, bytearray)):
            return bytes(found)
    if isinstance(response, (bytes, bytearray)):
        return bytes(response)
    if hasattr(response, "read"):
        return bytes(response.read())
    raise TypeError(f"expected bytes, or an answer with content, body or read(), got {type(response).__name__}")


def _golden(golden: Any, folder: Optional[Path], text: str, options: Mapping[str, Any]) -> Optional[bytes]:
    if golden is None:
        path = golden_file(folder, golden_name(text, options)) if folder and text else None
        return path.read_bytes() if path else None
    return Path(golden).read_bytes() if isinstance(golden, (str, os.PathLike)) else _bytes(golden)


def keep(body: bytes, golden: Optional[bytes], found: List[Verdict], text: str) -> str:
    """Keep what failed in SHARDLINE_ARTIFACTS, and say where; that it cannot be kept never hides why a test failed."""
    folder = os.environ.get("SHARDLINE_ARTIFACTS", "")
    if not folder:
        return ""
    place = Path(folder) / _name(body)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        sound = place.with_name(place.name + _suffix(body))
        sound.write_bytes(body)
        if golden:
            place.with_name(place.name + ".golden" + _suffix(golden)).write_bytes(golden)
        told = {"schema": 1, "text": text, "verdicts": [judging.as_dict(each) for each in found]}
        written = json.dumps(told, ensure_ascii=False, indent=1).encode("utf-8", "backslashreplace")
        place.with_name(place.name + ".audio.json").write_bytes(written)
    except OSError as error:
        return f"\n  sound: not kept: {error}"
    return f"\n  sound: {sound}"


def _name(body: bytes) -> str:
    """Name the files after the test that runs, as the report knows them, and apart from all others by a digest."""
    test = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" (")[0]
    path, bracket, parameters = test.partition("[")
    plain = re.sub(r"[^A-Za-z0-9_]+", "-", path.rpartition("::")[2] + bracket + parameters).strip("-")
    return f"{plain[:NAME_CHARACTERS] or 'speech'}-{hashlib.sha256(body).hexdigest()[:12]}"


def _suffix(body: bytes) -> str:
    return {b"fLaC": ".flac", b"OggS": ".ogg"}.get(body[:4], ".wav")
