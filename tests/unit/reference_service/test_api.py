"""The HTTP face in front of an engine of code: what it answers, and when."""

import io
import threading
import wave

import pytest

pytest.importorskip("flask", reason="the face needs flask, which the service's environment has")

from api import Service, create_app
from protocol import EngineError, Promises, Unreadable

PROMISES = Promises(8000, ("zh",), ("neutral", "sad"), 20, True, 2.0, "a voice")


def sound(seconds=0.5):
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8000)
        out.writeframes(b"\0\1" * int(8000 * seconds))
    return buffer.getvalue()


class Engine:
    """Speaks half a second, or raises what a test gives it."""

    model = "code"

    def __init__(self):
        self.asked, self.wrong = [], None

    def load(self):
        return PROMISES

    def speak(self, *request):
        self.asked.append(request)
        if self.wrong:
            raise self.wrong
        return sound()

    def device(self):
        return "cpu"

    def facts(self):
        if self.asked and getattr(self.wrong, "is_broken", False):
            raise RuntimeError("CUDA error: device-side assert triggered")
        return {"gpu_memory_bytes": 5}


@pytest.fixture
def engine():
    return Engine()


@pytest.fixture
def service(engine):
    return Service(engine, "1", "run")


@pytest.fixture
def client(service):
    return create_app(service, headless=False).test_client()


@pytest.fixture
def ready(service, client):
    service.load()
    return client


def code_of(answer):
    return answer.status_code, answer.get_json()["error"]["code"]


def test_until_it_is_loaded_it_says_so(client):
    health = client.get("/health")

    assert (503, "loading", "code") == (health.status_code, health.get_json()["status"], health.get_json()["model"])
    assert (503, "loading") == code_of(client.post("/tts", json={"text": "好"}))


def test_what_the_engine_promises_is_in_its_health(ready):
    health = ready.get("/health").get_json()

    assert {"sample_rate_hz": 8000, "voice": "a voice", "repeatable": True}.items() <= health["promises"].items()
    assert (5, "cpu", "ok", 0) == tuple(health[key] for key in ("gpu_memory_bytes", "device", "status", "waiting"))


def test_a_request_is_judged_by_the_promises(ready, engine):
    assert 200 == ready.post("/tts", json={"text": "好", "emotion": "sad", "intensity": 1}).status_code
    assert [("好", "sad", 1.0)] == engine.asked
    assert (400, "unknown_emotion") == code_of(ready.post("/tts", json={"text": "好", "emotion": "happy"}))
    assert (422, "text_too_long") == code_of(ready.post("/tts", json={"text": "好" * 21}))


def test_what_cannot_be_said_is_the_clients_mistake(ready, engine):
    engine.wrong = Unreadable("this voice reads Chinese")
    answer = ready.post("/tts", json={"text": "x"})

    assert (422, "unreadable_text") == code_of(answer)
    assert answer.get_json()["error"]["message"].endswith("this voice reads Chinese")


def test_a_failed_request_is_the_engines_and_the_next_is_spoken(ready, engine):
    engine.wrong = EngineError("cut_off", "speech was cut off")
    assert (500, "cut_off") == code_of(ready.post("/tts", json={"text": "好"}))

    engine.wrong = None
    assert 200 == ready.post("/tts", json={"text": "好"}).status_code
    assert "ok" == ready.get("/health").get_json()["status"]


def test_what_nobody_foresaw_is_a_json_error_too(ready, engine):
    engine.wrong = RuntimeError("tensor")

    assert (500, "internal_server_error") == code_of(ready.post("/tts", json={"text": "好"}))


def test_a_broken_engine_says_so_until_it_is_started_again(ready, engine):
    engine.wrong = EngineError("cuda_error", "device-side assert", is_broken=True)
    ready.post("/tts", json={"text": "好"})
    health = ready.get("/health")

    assert (503, "broken") == (health.status_code, health.get_json()["status"])
    assert (503, "broken") == code_of(ready.post("/tts", json={"text": "好"}))


def test_a_full_queue_says_when_to_come_back(ready, service, engine):
    held, begun = threading.Event(), threading.Event()
    service.turns.most_waiting = 0
    holding = threading.Thread(target=service.turns.take, args=(lambda: begun.set() or held.wait(10),))
    holding.start()
    assert begun.wait(10)
    answer = ready.post("/tts", json={"text": "好"})
    held.set()
    holding.join()

    assert (503, "busy") == code_of(answer)
    assert int(answer.headers["Retry-After"]) >= 1
    assert [] == engine.asked


def test_an_answer_that_is_no_wav_is_handed_on(ready, engine, monkeypatch):
    monkeypatch.setattr(Engine, "speak", lambda self, *request: b"RIFF")

    assert b"RIFF" == ready.post("/tts", json={"text": "好"}).data


def test_who_has_hung_up_is_not_spoken_for(ready, engine):
    ready.post("/tts", json={"text": "好"}, environ_base={"waitress.client_disconnected": lambda: True})

    assert [] == engine.asked
