"""IndexTTS2 as the HTTP face knows engines; each of the engine's odd answers is one of the API's own errors.

It runs the class IndexTTS2 of whatever `indextts` is installed: the package indextts2-inference (2.1.1), or index-tts
itself (infer_v2, infer_v2_5 at ee40fa7). They differ in what they take; they are given what they know of it.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import inspect
import io
import os
import shutil
import tempfile
import traceback
import warnings
import wave
from importlib import metadata
from pathlib import Path
from typing import Any, Callable, Dict, NamedTuple, Tuple

from output import as_wav, say
from protocol import NEUTRAL, EngineError, Promises, StartError, Unreadable

from . import emotions, hub

MODULES = {"2": "indextts.infer_v2", "2.5": "indextts.infer_v2_5"}
READS = "this voice reads Chinese and English"
WARM_UP = ("你好，一二三。", "Hello, one two three.")  # both grammars of numbers, which are compiled at their first use
RATE_HZ = 22050
LONGEST_TEXT = 1000
SHORTEST_VOICE_S, LONGEST_VOICE_S = 1.0, 15.0  # the engine fails below 0.1 s, and cuts what is longer
# Seconds for a second of sound. Users report 0.5 to 13 on GPUs (index-tts issue 585); on one thread of a CPU the
# engine's smallest networks, without its weights, take 3 to 6.
FACTOR_GPU, FACTOR_CPU = 3.0, 60.0


class Choices(NamedTuple):
    """What a person chose on the command line."""

    model_dir: Path
    voice: Path
    gpu: bool
    version: str
    beams: int
    threads: int


class IndexTTS2:
    """A voice that is given by a recording; it samples, from one seed for each request."""

    def __init__(self, choices: Choices) -> None:
        self.model = f"IndexTTS{choices.version}"
        self._choices = choices
        self._infer: Callable[..., Any] = _not_loaded
        self._device = ""
        self._installed = installed()

    def load(self) -> Promises:
        """Load the engine, and have it speak in both languages, so that no request pays for what is lazy."""
        voice = _voice(self._choices.voice)
        scratch = Path(tempfile.mkdtemp(prefix="indextts2-hub-"))
        try:
            if self._choices.version == "2":
                hub.check(self._choices.model_dir / "hf_cache")
            hub.link(self._choices.model_dir / "hf_cache", scratch)
            self._infer = self._loaded()
            for text in WARM_UP:
                self.speak(text, NEUTRAL, 0.0)
        except Exception as error:  # of six libraries that read files; its last line is one for people
            if not isinstance(error, OSError):  # a file that is missing is no riddle
                traceback.print_exc()
            raise StartError(f"cannot load {self.model}: {type(error).__name__}: {_in_a_line(error)}") from error
        finally:
            shutil.rmtree(str(scratch), ignore_errors=True)  # all has been read
        is_cpu = self._device == "cpu"
        known = (NEUTRAL, *emotions.ORDER)
        factor = FACTOR_CPU if is_cpu else FACTOR_GPU
        return Promises(RATE_HZ, ("zh", "en"), known, LONGEST_TEXT, is_cpu, factor, voice)

    def _loaded(self) -> Callable[..., Any]:
        if not self._choices.gpu:
            os.environ["CUDA_VISIBLE_DEVICES"] = ""  # parts of the engine take a GPU without being told
        from . import device  # which imports torch: seconds
        from .torchaudio_anyhow import import_torchaudio

        self._device = device.choose(self._choices.gpu, self._choices.threads)
        if self._choices.gpu and self._device == "cpu":
            say("--gpu: torch finds no CUDA here; running on the CPU")
        if not import_torchaudio():
            say("torchaudio: its compiled part is of another build of torch; going on without")
        made = importlib.import_module(MODULES[self._choices.version]).IndexTTS2
        folder = self._choices.model_dir
        given = {"model_dir": str(folder), "cfg_path": str(folder / "config.yaml"), "device": self._device}
        engine = made(**known_of(made.__init__, {**given, "use_qwen_emo": False}))
        return engine.infer  # type: ignore[no-any-return]

    def speak(self, text: str, emotion: str, intensity: float) -> bytes:
        """Return a WAV; raises Unreadable and EngineError."""
        from . import device

        if not is_readable(text):
            raise Unreadable(READS)
        device.seed()
        asked = {
            "spk_audio_prompt": str(self._choices.voice),
            "text": text,
            "output_path": None,
            "emo_vector": emotions.vector(emotion, intensity),
            "lang": language(text),
        }
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("error", message=".*max_mel_tokens", category=RuntimeWarning)
                answer = self._infer(**known_of(self._infer, asked), num_beams=self._choices.beams)
        except Exception as error:
            raise _as_ours(error, device.is_out_of_memory(error)) from error
        return _as_wav(answer)

    def device(self) -> str:
        """Name the CPU, or the GPU with its model."""
        from . import device

        return device.name(self._device)

    def facts(self) -> Dict[str, Any]:
        """Tell which engine it is, what it holds of the GPU's memory, and that one was asked for in vain."""
        from . import device

        held = device.memory(self._device)
        told: Dict[str, Any] = {"engine": self._installed}
        if held:
            told["gpu_memory"] = held
        elif self._choices.gpu:
            told["gpu"] = "requested, torch finds no CUDA here"
        return told


def installed() -> str:
    """Name the package that has the engine, with its version; a checkout of index-tts is called indextts."""
    for name in ("indextts2-inference", "indextts"):
        with contextlib.suppress(metadata.PackageNotFoundError):
            return f"{name} {metadata.version(name)}"
    return "indextts, not installed as a package"


def known_of(function: Callable[..., Any], arguments: Dict[str, Any]) -> Dict[str, Any]:
    """Keep the arguments that a function has a name for: versions of the engine differ in them.

    >>> known_of(lambda text, lang: 0, {"text": "a", "device": "cpu"})
    {'text': 'a'}
    """
    names = inspect.signature(function).parameters
    return {name: value for name, value in arguments.items() if name in names}


def is_readable(text: str) -> bool:
    """Tell whether there is a hanzi, an English letter or a digit: of all else the engine makes noises, unasked.

    >>> is_readable("好"), is_readable("no. 7"), is_readable("привет 😀 。")
    (True, True, False)
    """
    return any((character.isascii() and character.isalnum()) or _is_hanzi(character) for character in text)


def language(text: str) -> str:
    """Choose the language for a version that wants to be told: Chinese where there is a hanzi, or no letter at all.

    >>> language("我喜欢 Python"), language("Hello"), language("12")
    ('zh', 'en', 'zh')
    """
    has_letters = any(character.isascii() and character.isalpha() for character in text)
    return "en" if has_letters and not any(map(_is_hanzi, text)) else "zh"


def _is_hanzi(character: str) -> bool:
    return "\u3400" <= character <= "\u9fff" or "\U00020000" <= character <= "\U000323af"


def _as_ours(error: Exception, is_out_of_memory: bool) -> EngineError:
    """Name the engine's failure in the API's words."""
    if isinstance(error, RuntimeWarning):
        return EngineError("cut_off", "the speech did not come to an end: it would have been cut off")
    if is_out_of_memory:
        return EngineError("out_of_memory", "the GPU has too little memory left for this request")
    told = _in_a_line(error)
    is_broken = "CUDA error" in told or "device-side assert" in told  # CUDA answers nothing any more in this process
    return EngineError("engine_failed", f"{type(error).__name__}: {told}", is_broken)


def _in_a_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]


def _as_wav(answer: Any) -> bytes:
    """Make a WAV of (rate, samples as int16, a row each); the engine gives None where it found nothing to say."""
    if answer is None:
        raise EngineError("no_speech", "the engine gave no speech for this text (it hides its own index errors)")
    rate_hz, samples = answer
    frames = samples.astype("<i2").tobytes()
    if not frames:
        raise EngineError("no_speech", "the engine gave an empty recording")
    return as_wav([frames], int(rate_hz))


def _voice(path: Path) -> str:
    """Name the voice by its recording's name and digest; raises StartError where that is of no use."""
    hint = "name a WAV of 3 to 15 s of one speaker: --voice FILE"
    try:
        content = path.read_bytes()
        with wave.open(io.BytesIO(content)) as recording:
            seconds = recording.getnframes() / recording.getframerate()
    except (OSError, EOFError, wave.Error, ZeroDivisionError) as error:
        raise StartError(f"cannot use the voice {path}: {str(error) or 'it is no WAV'}; {hint}") from error
    if seconds < SHORTEST_VOICE_S:
        raise StartError(f"the voice {path} has {seconds:.2f} s; {hint}")
    if seconds > LONGEST_VOICE_S:
        say(f"the voice {path} has {seconds:.0f} s; the engine uses the first {LONGEST_VOICE_S:.0f}")
    return f"{path.name} {hashlib.sha256(content).hexdigest()[:8]}"


def _not_loaded(**_: Any) -> Tuple[int, Any]:
    raise RuntimeError("not loaded")
