"""Tell pages of recordings, and learn from them: `python -m scripts.audio.telling ORDER.json ANSWER.json`.

It runs in the suite's environment, which has numpy and what else the measures need; whoever orders it
(steps/audio.py) runs in the pipeline's, which has not. Both speak JSON in files:

{"do": "judge", "folder": ..., "baseline": FOLDER or ""}                  all recordings of a folder, each with verdicts
{"do": "record", "folder": ..., "takes": ..., "baseline": FOLDER, ...}    limits and golden recordings of them
{"do": "pair", "pairs": [[A, B]], "to": FOLDER}                           each two at one loudness, as WAV files

What a folder of recordings has beside them is told in folder.py.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
import wave
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Optional

import numpy as np

from . import baseline as baselines
from . import judging, learning, loudness, sets, words
from .baseline import Baseline, golden_file, golden_name, own_limits
from .clip import Clip, read_clip
from .folder import SOUNDS, Recording, read_texts, recording
from .intervals import bounds
from .network import is_installed
from .pictures import picture
from .reading import read
from .taking import skipped
from .torch_file import TorchFileError
from .wav import Wav, WavError

SET = "set.json"
Order = Mapping[str, Any]


def recordings(folder: Path) -> List[Recording]:
    """List the recordings of a folder, by name: all that its texts.json names, there or not; without one, all."""
    told = read_texts(folder)
    names = told or sorted(path.name for path in folder.iterdir() if path.suffix.lower() in SOUNDS)
    return [recording(folder / name, told.get(name, "")) for name in names]


def judge(order: Order) -> Dict[str, Any]:
    """Judge all recordings of a folder by a baseline; without one, by the limits of any speech."""
    folder = Path(order["baseline"]) if order.get("baseline") else None
    known = baselines.load(folder) if folder else Baseline()
    heard: Dict[str, Clip] = {}
    clips = [_judged(each, known, folder, heard) for each in recordings(Path(order["folder"]))]
    least, most = bounds(known.alarms, known.clips) if known.clips else (0.0, 1.0)
    about = {"engine": known.engine, "voice": known.voice, "clips": known.clips, "alarms": known.alarms}
    return {
        "baseline": {**about, "share_from": least, "share_to": most} if folder else None,
        "skipped": skipped(known.profile),
        "clips": clips,
        "whole": _whole(heard, folder),
    }


def _whole(clips: Mapping[str, Clip], folder: Optional[Path]) -> Dict[str, Any]:
    """Judge the set as a whole: verdicts on its means, beside those of the baseline, and what is not measured here."""
    command = words.recogniser(os.environ)
    now = sets.measure(clips, command)
    kept = folder / SET if folder else None
    before = sets.from_json(kept.read_text(encoding="utf-8"), kept) if kept and kept.is_file() else None
    return {
        "verdicts": [judging.as_dict(each) for each in sets.judge(now, before)],
        "skipped": sets.skipped(command),
        "has_before": before is not None,
    }


def _judged(each: Recording, known: Baseline, folder: Optional[Path], heard: Dict[str, Clip]) -> Dict[str, Any]:
    """Judge one recording; what can be heard is added to `heard`, by the name of its golden one."""
    told: Dict[str, Any] = {"file": str(each.path), "text": each.text, "options": dict(each.options), "golden": ""}
    try:
        if each.problem:
            raise WavError(each.problem)
        clip = heard[each.key] = Clip(read(each.path.read_bytes()), each.text)
    except (WavError, OSError) as error:
        why = f"no recording: {error}"
        return {**told, "verdicts": [judging.as_dict(_no_recording(why))], "faults": [why], "picture": None}
    path = golden_file(folder, golden_name(each.text, each.options)) if folder and each.text else None
    golden = Clip(read(path.read_bytes()), each.text) if path else None
    found = judging.judge(clip, golden, known, own_limits(os.environ))
    return {
        **told,
        "golden": str(path or ""),
        "verdicts": [judging.as_dict(verdict) for verdict in found],
        "faults": judging.faults(found),
        "picture": picture(clip),
        "golden_picture": picture(golden) if golden else None,
    }


def _no_recording(why: str) -> judging.Verdict:
    return judging.Verdict(judging.FORMAT, float("nan"), None, None, False, why)


def record(order: Order) -> Dict[str, Any]:
    """Learn limits and voice of a folder of good recordings, and keep each as the golden one of its text.

    Raises:
        WavError: one cannot be read; nothing was written.
    """
    target, takes = Path(order["baseline"]), Path(order["takes"]) if order.get("takes") else None
    heard, wrong, other, clips = [], [], 0, {}
    kept: Dict[str, bytes] = {}
    for each in recordings(Path(order["folder"])):
        body = each.path.read_bytes()
        clip = clips[each.key] = read_clip(each.path, each.text, body)
        again = (takes / each.path.name).read_bytes() if takes else body
        other += again != body
        heard.append(learning.hear(clip, read_clip(each.path, each.text, again) if again != body else None))
        faults = judging.faults(judging.judge(clip))
        wrong += [{"text": each.text, "faults": faults}] if faults else []
        kept[golden_name(each.text, each.options)] = body
    learnt = learning.learn(heard, str(order.get("engine", "")), str(order.get("voice", "")))
    size = _write(target, kept, baselines.to_json(learnt))
    whole = sets.measure(clips, words.recogniser(os.environ))
    if any(whole.rows.values()) or whole.voices:
        (target / SET).write_text(sets.to_json(whole), encoding="utf-8")
    least, most = bounds(learnt.alarms, learnt.clips)
    about = {"clips": len(heard), "golden": len(kept), "size_bytes": size, "alarms": learnt.alarms, "differ": other}
    return {**about, "share_from": least, "share_to": most, "wrong": wrong, "skipped": skipped(learnt.profile)}


def _write(target: Path, kept: Mapping[str, bytes], text: str) -> int:
    """Write a baseline in place of the one that is there; returns the bytes of all its files."""
    fresh, golden = target / (baselines.GOLDEN + ".new"), target / baselines.GOLDEN
    shutil.rmtree(str(fresh), ignore_errors=True)
    fresh.mkdir(parents=True)
    for name, body in kept.items():
        packed = _as_flac(body)
        (fresh / (name + (".flac" if packed[:4] == b"fLaC" else ".wav"))).write_bytes(packed)
    shutil.rmtree(str(golden), ignore_errors=True)
    fresh.replace(golden)
    (target / baselines.FILE).write_text(text, encoding="utf-8")
    return sum(path.stat().st_size for path in [target / baselines.FILE, *golden.iterdir()])


def _as_flac(body: bytes) -> bytes:
    """Pack a recording without loss, to some half of its size, where soundfile is installed; else leave it."""
    if body[:4] in (b"fLaC", b"OggS") or not is_installed("soundfile"):
        return body
    import soundfile

    if soundfile.info(io.BytesIO(body)).subtype != "PCM_16":
        return body
    frames, rate_hz = soundfile.read(io.BytesIO(body), dtype="int16", always_2d=True)
    packed = io.BytesIO()
    soundfile.write(packed, frames, rate_hz, format="FLAC", subtype="PCM_16")
    return packed.getvalue()


def pair(order: Order) -> Dict[str, Any]:
    """Bring each two recordings to one loudness, and write them, without what would tell them apart by name."""
    target = Path(order["to"])
    return {
        "pairs": [_paired(index, Path(one), Path(other), target) for index, (one, other) in enumerate(order["pairs"])]
    }


def _paired(index: int, one: Path, other: Path, target: Path) -> Dict[str, Any]:
    read_ones = [read_clip(path).wav for path in (one, other)]
    gains = loudness.gains_db(*read_ones)
    told = []
    for letter, path, wav, gain in zip("ab", (one, other), read_ones, gains):
        matched = _louder(wav, gain)
        file = target / f"{index:03d}-{letter}.wav"
        file.write_bytes(as_wav(matched))
        told.append({"name": str(path), "file": str(file), "gain_db": round(gain, 2), "lufs": loudness.lufs(wav)})
        told[-1]["picture"] = picture(Clip(matched))
    return {"name": one.name, "sides": told}


def _louder(wav: Wav, gain_db: float) -> Wav:
    factor = 10 ** (gain_db / 20)
    sides = None if wav.sides is None else wav.sides * factor
    return Wav(wav.samples * factor, wav.rate_hz, wav.channels, sides)


def as_wav(wav: Wav) -> bytes:
    """Write a recording as 16 bit PCM."""
    frames = wav.samples[:, None] if wav.sides is None else wav.sides
    whole = np.clip(np.round(frames * 32767), -32768, 32767).astype("<i2")
    written = io.BytesIO()
    with wave.open(written, "wb") as file:
        file.setnchannels(whole.shape[1])
        file.setsampwidth(2)
        file.setframerate(wav.rate_hz)
        file.writeframes(whole.tobytes())
    return written.getvalue()


OF_SETS = (sets.SetError, words.RecogniserError, TorchFileError)
DO: Dict[str, Callable[[Order], Dict[str, Any]]] = {"judge": judge, "record": record, "pair": pair}


def main(order_file: str, answer_file: str) -> int:
    """Do what the order says; 2 where a file cannot be read, whose reason is then the answer."""
    order = json.loads(Path(order_file).read_text(encoding="utf-8"))
    try:
        answer, code = DO[order["do"]](order), 0
    except (OSError, WavError, baselines.BaselineError, *OF_SETS) as error:
        answer, code = {"error": str(error)}, 2
    Path(answer_file).write_bytes(json.dumps(answer, ensure_ascii=False).encode("utf-8", "backslashreplace"))
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
