"""IndexTTS2 behind the face, with modules of the same signatures in its place: `nox -s indextts2` has the engine."""

import doctest
import importlib
import io
import os
import sys
import wave
from pathlib import Path

import pytest
from protocol import EngineError, StartError, Unreadable

STANDIN = Path(__file__).parent / "standin"
OURS = ("indextts", "torch", "torchaudio", "indextts2")


def forget():
    for name in [name for name in sys.modules if name.partition(".")[0] in OURS]:
        del sys.modules[name]


@pytest.fixture(autouse=True)
def standin(monkeypatch):
    """Stand-ins before whatever is installed, and nothing of them afterwards."""
    forget()
    for name in ("HF_HUB_CACHE", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.setenv(name, "")  # so that they are as before when the test is over
    monkeypatch.syspath_prepend(str(STANDIN))
    yield
    forget()


def recording(path, seconds=3.0):
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8000)
        out.writeframes(b"\0\1" * int(8000 * seconds))
    return path


def engine_of(folder, gpu=False, version="2", voice=None):
    module = importlib.import_module("indextts2.engine")
    for place in (
        "w2v-bert-2.0/config.json",
        "semantic_codec_model.safetensors",
        "campplus_cn_common.bin",
        "bigvgan/a",
    ):
        (folder / "hf_cache" / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / "hf_cache" / place).touch()
    return module.IndexTTS2(module.Choices(folder, voice or recording(folder / "speaker.wav"), gpu, version, 2, 1))


@pytest.fixture
def engine(tmp_path):
    made = engine_of(tmp_path)
    made.load()
    return made


def standing_in(version="infer_v2"):
    return sys.modules[f"indextts.{version}"].IndexTTS2.latest


def test_the_examples_hold():
    for name in ("engine", "emotions"):
        module = importlib.import_module(f"indextts2.{name}")
        assert 0 == doctest.testmod(module).failed


def test_what_it_promises_is_that_of_a_sampling_engine_with_a_fixed_seed(tmp_path):
    promises = engine_of(tmp_path).load()

    assert (22050, ("zh", "en"), True) == (promises.sample_rate_hz, promises.languages, promises.repeatable)
    assert "neutral" == promises.emotions[0]
    assert promises.voice.startswith("speaker.wav ")


def test_both_languages_are_spoken_before_it_is_ready(engine):
    texts = [asked["text"] for asked in standing_in().asked]

    assert any("你" in text for text in texts)
    assert any("Hello" in text for text in texts)


def test_speech_is_a_wav_and_the_same_again(engine):
    one, other = (engine.speak("好", "sad", 0.5) for _ in range(2))
    with wave.open(io.BytesIO(one)) as read:
        assert (22050, 1, 2, 2205) == (
            read.getframerate(),
            read.getnchannels(),
            read.getsampwidth(),
            read.getnframes(),
        )

    assert one == other
    assert one != engine.speak("好", "happy", 0.5)
    assert 1 == len(set(sys.modules["torch"].dice)) and [1] == sys.modules["torch"].threads


@pytest.mark.parametrize(
    ("emotion", "intensity", "vector"),
    [
        ("neutral", 1.0, None),
        ("sad", 0.0, None),
        ("happy", 1.0, [0.8, 0, 0, 0, 0, 0, 0, 0]),
        ("surprised", 1.0, [0, 0, 0, 0, 0, 0, 0.6875, 0]),
        ("afraid", 0.5, [0, 0, 0, 0.4, 0, 0, 0, 0]),
    ],
)
def test_an_emotion_is_a_vector_that_the_page_would_allow(engine, emotion, intensity, vector):
    engine.speak("好", emotion, intensity)

    assert vector == standing_in().asked[-1]["emo_vector"]


@pytest.mark.parametrize("text", ["😀", "。", "привет", "é ñ", "\ue000"])
def test_what_the_engine_would_make_noises_of_is_refused(engine, text):
    asked = len(standing_in().asked)
    with pytest.raises(Unreadable, match="Chinese and English"):
        engine.speak(text, "neutral", 0.0)

    assert asked == len(standing_in().asked)


@pytest.mark.parametrize(
    ("answer", "code", "is_broken"),
    [
        (lambda: None, "no_speech", False),
        (RuntimeError("The size of tensor a (3) must match"), "engine_failed", False),
        (ValueError("torch.cat of nothing"), "engine_failed", False),
        (RuntimeError("CUDA error: device-side assert triggered"), "engine_failed", True),
        (RuntimeWarning("WARN: generation stopped due to exceeding `max_mel_tokens` (1500)"), "cut_off", False),
    ],
    ids=["none", "shape", "empty", "cuda", "endless"],
)
def test_each_odd_answer_is_an_error_of_the_api(engine, monkeypatch, answer, code, is_broken):
    monkeypatch.setattr(type(standing_in()), "answer", staticmethod(answer) if callable(answer) else answer)
    with pytest.raises(EngineError) as error:
        engine.speak("好", "neutral", 0.0)

    assert (code, is_broken) == (error.value.code, error.value.is_broken)


def test_speech_that_does_not_end_is_an_error_though_the_engine_only_warns(engine, monkeypatch):
    import warnings

    def endless():
        warnings.warn(
            "WARN: generation stopped due to exceeding `max_mel_tokens` (1500).", RuntimeWarning, stacklevel=1
        )

    monkeypatch.setattr(type(standing_in()), "answer", staticmethod(endless))
    with pytest.raises(EngineError) as error:
        engine.speak("好", "neutral", 0.0)

    assert "cut_off" == error.value.code


def test_too_little_memory_is_said_and_given_back(engine, monkeypatch):
    torch = sys.modules["torch"]
    monkeypatch.setattr(type(standing_in()), "answer", torch.cuda.OutOfMemoryError("2 GiB"))
    with pytest.raises(EngineError) as error:
        engine.speak("好", "neutral", 0.0)

    assert ("out_of_memory", False, 1) == (error.value.code, error.value.is_broken, torch.cuda.emptied)


def test_the_newer_version_is_told_the_language(tmp_path):
    made = engine_of(tmp_path, version="2.5")
    made.load()
    made.speak("Hello", "neutral", 0.0)
    newer = standing_in("infer_v2_5")

    assert ("en", False) == (newer.asked[-1]["lang"], newer.made["use_qwen_emo"])
    assert "IndexTTS2.5" == made.model


def test_a_gpu_that_is_not_there_is_said(tmp_path):
    made = engine_of(tmp_path, gpu=True)
    made.load()

    assert ("cpu", "requested, torch finds no CUDA here") == (made.device(), made.facts()["gpu"])
    assert "indextts" in made.facts()["engine"]


def test_a_gpu_is_named_with_its_memory_and_promises_no_bytes(tmp_path):
    made = engine_of(tmp_path, gpu=True)
    torch = importlib.import_module("torch")
    torch.cuda.there = True
    promises = made.load()

    assert ("cuda:0 NVIDIA Code", False) == (made.device(), promises.repeatable)
    held = {"held_bytes": 40, "most_held_bytes": 60, "free_bytes": 30, "total_bytes": 100}
    assert held == made.facts()["gpu_memory"]
    assert "cuda:0" == standing_in().made["device"]


def test_without_a_gpu_wish_none_is_used(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    importlib.import_module("torch").cuda.there = True
    made = engine_of(tmp_path)
    made.load()

    assert ("cpu", "") == (made.device(), os.environ["CUDA_VISIBLE_DEVICES"])


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "No such file"),
        (b"<html>", "no WAV"),
        (b"RIFF\0\0\0\0html", "not a WAVE"),
        (b"", "no WAV"),
        (0.3, "has 0.30 s"),
    ],
)
def test_a_voice_that_is_of_no_use_stops_the_start(tmp_path, content, why):
    voice = tmp_path / "who.wav"
    if isinstance(content, float):
        recording(voice, content)
    elif content is not None:
        voice.write_bytes(content)

    with pytest.raises(StartError) as error:
        engine_of(tmp_path, voice=voice).load()
    assert why in str(error.value)
    assert str(voice) in str(error.value) and "--voice FILE" in str(error.value)


def test_what_the_engine_lacks_is_one_line(tmp_path, monkeypatch):
    module = importlib.import_module("indextts.infer_v2")
    monkeypatch.setattr(
        module.IndexTTS2, "__init__", lambda self, model_dir=None: (_ for _ in ()).throw(OSError("no gpt.pth"))
    )

    with pytest.raises(StartError, match=r"cannot load IndexTTS2: OSError: no gpt\.pth"):
        engine_of(tmp_path).load()


def test_the_package_finds_hub_files_where_index_tts_keeps_them(tmp_path, monkeypatch):
    kept, cache = tmp_path / "hf_cache", tmp_path / "cache"
    (kept / "w2v-bert-2.0").mkdir(parents=True)
    (kept / "w2v-bert-2.0" / "config.json").write_text("{}")
    (kept / "campplus_cn_common.bin").write_bytes(b"speakers")
    importlib.import_module("indextts2.hub").link(kept, cache)

    folder = cache / "models--funasr--campplus"
    commit = (folder / "refs" / "main").read_text()
    assert b"speakers" == (folder / "snapshots" / commit / "campplus_cn_common.bin").read_bytes()
    [found] = cache.glob("models--facebook--w2v-bert-2.0/snapshots/*/config.json")
    assert "{}" == found.read_text()
    assert "1" == os.environ["HF_HUB_OFFLINE"]


def test_torchaudio_of_another_build_is_used_without_its_compiled_part():
    assert False is importlib.import_module("indextts2.torchaudio_anyhow").import_torchaudio()
    assert False is sys.modules["torchaudio"].IS_WHOLE


def test_a_file_that_is_missing_is_named_before_the_engine_asks_a_hub_for_it(tmp_path):
    made = engine_of(tmp_path)
    (tmp_path / "hf_cache" / "campplus_cn_common.bin").unlink()

    with pytest.raises(StartError, match=r"campplus_cn_common\.bin"):
        made.load()


def test_a_first_sentence_that_fails_is_no_start(tmp_path, monkeypatch):
    module = importlib.import_module("indextts.infer_v2")
    monkeypatch.setattr(module.IndexTTS2, "answer", RuntimeError("one\ntwo"))

    with pytest.raises(StartError, match="cannot load IndexTTS2: EngineError: RuntimeError: one two"):
        engine_of(tmp_path).load()


@pytest.mark.parametrize("told", ["CUDA error: out of memory", "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling"])
def test_memory_that_cuda_itself_misses_breaks_nothing(engine, monkeypatch, told):
    monkeypatch.setattr(type(standing_in()), "answer", RuntimeError(told))
    with pytest.raises(EngineError) as error:
        engine.speak("好", "neutral", 0.0)

    assert ("out_of_memory", False) == (error.value.code, error.value.is_broken)
