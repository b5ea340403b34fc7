import hashlib

import pytest
from fastspeech2.weights import File, WeightsError, load

HELLO = File("hello.bin", 5, hashlib.sha256(b"hello").hexdigest())


def test_a_whole_file_is_loaded(tmp_path):
    (tmp_path / "hello.bin").write_bytes(b"hello")

    assert b"hello" == load(tmp_path, HELLO)


@pytest.mark.parametrize(
    ("content", "came"),
    [(b"hell", "got 4 bytes"), (b"HELLO", "got sha256 3733cd977ff8eb18"), (None, "No such file")],
)
def test_an_unusable_file_is_refused_with_what_came_and_what_to_run(tmp_path, content, came):
    if content is not None:
        (tmp_path / "hello.bin").write_bytes(content)

    with pytest.raises(WeightsError) as error:
        load(tmp_path, HELLO)

    message = str(error.value)
    assert 1 == len(message.splitlines())
    assert str(tmp_path / "hello.bin") in message
    assert came in message
    assert f"expected 5 bytes, sha256 {HELLO.sha256}" in message
    assert message.endswith("nox -s models")
