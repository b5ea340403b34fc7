"""What the embedded engine promises, pinned: less would make the suite judge it more laxly, and nothing be red."""

from fastspeech2.engine import PROMISES


def test_the_embedded_engine_promises_the_same_bytes_of_a_measured_voice():
    assert (24000, ("zh",), 1000, True, 2.0, "Baker/BZNSYP") == (
        PROMISES.sample_rate_hz,
        PROMISES.languages,
        PROMISES.longest_text,
        PROMISES.repeatable,
        PROMISES.real_time_factor,
        PROMISES.voice,
    )
    assert ("neutral", 9) == (PROMISES.emotions[0], len(PROMISES.emotions))
