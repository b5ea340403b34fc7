"""Requests at the same time: each gets its own speech, whole and right.

Answers mixed up between clients are a known fault of speech servers (shared buffers, output files
named by the second): daswer123/xtts-api-server issue 59, index-tts issue 493.
"""

from __future__ import annotations

import contextlib
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Callable, Dict, List, Tuple

import pytest
import requests

from scripts.audio.likeness import likeness
from tests.integration.promises import promised
from tests.integration.refusal import check_says_why
from tests.integration.rules import BYTES, SAME_SOUND, SOUND, check_same, judged_by
from tests.integration.service import Say, Service, Speech, fault

TEXTS = (
    "一路平安。",
    "厨房里有新鲜的水果。",
    "他把手机忘在出租车上了。",
    "医生说多喝水就会好。",
    "窗外的鸟叫得很早。",
    "下班以后我们一起吃饭吧。",
)


@pytest.fixture(scope="module")
def alone(say_once: Say) -> Dict[str, Speech]:
    """Have every text spoken while nothing else is asked."""
    return {text: say_once(text) for text in TEXTS}


def at_once(calls: List[Callable[[], Any]]) -> List[Any]:
    """Make the calls at the same moment, and gather their results."""
    with ThreadPoolExecutor(len(calls)) as pool:
        futures = [pool.submit(call) for call in calls]
        return [future.result() for future in futures]


def check_own(speech: Speech, alone: Dict[str, Speech]) -> None:
    """Check that the speech is the one of its own text; else name the text it belongs to."""
    own = alone[speech.text]
    if speech.body == own.body:
        judged_by(BYTES)
        return
    judged_by(BYTES if promised().repeatable else SOUND)
    distances = {text: likeness(speech.wav, other.wav).distance for text, other in alone.items()}
    nearest = min(distances, key=lambda text: distances[text])

    assert nearest == speech.text, fault(
        speech, "another request's answer", f"speech for {speech.text!r}", f"that for {nearest!r}"
    )
    most = 3 if promised().repeatable else SAME_SOUND
    assert distances[nearest] < most, fault(
        speech, "distance to the same text spoken alone", f"below {most}", f"{distances[nearest]:.1f}"
    )


@pytest.mark.parametrize("round_", range(3))
def test_everyone_gets_their_own_answer(service: Service, alone: Dict[str, Speech], round_: int) -> None:
    texts = TEXTS[round_:] + TEXTS[:round_]  # another one comes first in every round
    for speech in at_once([partial(service.say, text) for text in texts]):
        check_own(speech, alone)


@pytest.mark.parametrize("pair", [(0, 5), (1, 2), (3, 4)], ids=["short-long", "even", "close"])
def test_two_requests_in_one_second_are_not_mixed_up(
    service: Service, alone: Dict[str, Speech], pair: Tuple[int, int]
) -> None:
    texts = [TEXTS[index] for index in pair]
    for speech in at_once([partial(service.say, text) for text in texts]):
        check_own(speech, alone)


def test_the_same_text_at_once_is_the_same_speech(service: Service, alone: Dict[str, Speech]) -> None:
    for speech in at_once([partial(service.say, TEXTS[0])] * 4):
        check_same(speech, alone[TEXTS[0]], "one of four equal requests at once")


def test_emotions_are_not_mixed_up(service: Service) -> None:
    text, emotions = TEXTS[1], ("happy", "sad", "melancholic", "neutral")
    alone = {emotion: service.say(text, emotion=emotion) for emotion in emotions}
    together = at_once([partial(service.say, text, emotion=emotion) for emotion in emotions])
    for emotion, speech in zip(emotions, together):
        others = [alone[other] for other in emotions if other != emotion]
        check_same(speech, alone[emotion], f"{emotion}, asked for beside other emotions", others)


def test_a_refused_request_leaves_its_neighbours_alone(service: Service, alone: Dict[str, Speech]) -> None:
    def refused() -> int:
        return service.call("POST", "/tts", json={"text": "", "emotion": "sad"}).status_code

    spoken = [partial(service.say, text) for text in TEXTS[2:4]]
    results = at_once([spoken[0], refused, spoken[1], refused])

    assert all(400 <= status < 500 for status in results[1::2]), results[1::2]
    for speech in results[::2]:
        check_own(speech, alone)


def test_a_short_text_survives_beside_a_long_one(service: Service, alone: Dict[str, Speech]) -> None:
    long_text = "".join(TEXTS)
    long_alone = service.say(long_text)
    texts = [long_text, TEXTS[0], TEXTS[0], TEXTS[0]]
    long_speech, *short = at_once([partial(service.say, text) for text in texts])
    for speech in short:
        check_own(speech, alone)

    check_same(long_speech, long_alone, "a long text beside short ones")


def test_a_client_that_hangs_up_does_not_disturb_the_next(service: Service, alone: Dict[str, Speech]) -> None:
    for _ in range(3):
        with contextlib.suppress(requests.Timeout):
            requests.post(f"{service.url}/tts", json={"text": "".join(TEXTS)}, timeout=0.05)

    check_own(service.say(TEXTS[4]), alone)


def test_more_than_may_wait_are_told_when_to_come_back(service: Service) -> None:
    """An engine that speaks for one at a time refuses at once who would wait too long, and says when to ask again."""
    waiting = promised().most_waiting
    long_text, count = "".join(TEXTS) * 5, waiting + 12
    patience_s = 120 + (count + len(long_text)) * promised().real_time_factor
    with ThreadPoolExecutor(1) as pool:
        long_speech = pool.submit(service.say, long_text)
        time.sleep(0.3)  # it has its turn
        answers = at_once([partial(service.call, "POST", "/tts", json={"text": "好。"}, timeout=patience_s)] * count)
        long_speech.result()
    refused = [answer for answer in answers if answer.status_code != 200]

    assert waiting >= 1, "an engine that lets nobody wait"
    assert all(answer.status_code == 503 for answer in refused), sorted({answer.status_code for answer in refused})
    assert 1 <= len(refused) <= count - waiting, f"{len(refused)} of {count} were refused, {waiting} may wait"
    for answer in refused:
        check_says_why(answer)
        assert int(answer.headers["Retry-After"]) >= 1, dict(answer.headers)
    assert service.health()["status"] == "ok"
