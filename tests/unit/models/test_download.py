"""Transfers from a real server that misbehaves as ordered."""

from __future__ import annotations

import gzip
import hashlib
import tempfile
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, Iterator, List, Optional

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from scripts.models.addresses import SourceError, WrongContent
from scripts.models.download import Hosts, Transfer
from scripts.models.http import Patience
from scripts.models.partial import Origin, open_part, part_path
from scripts.settings import ModelFile
from scripts.typed_yaml import Bytes
from tests.unit.models.loopback import serve
from tests.unit.models.misbehaving import Fault, Weights

DATA = bytes(range(256)) * 40
HALF = len(DATA) // 2
FILE = ModelFile(path="m.bin", size_bytes=Bytes(len(DATA)), sha256=hashlib.sha256(DATA).hexdigest(), sources=())
IMPATIENT = Patience(connect_s=5, stall_s=0.2)


class Rig:
    """A server with `weights`, and one transfer after the other from it into the part in `folder`."""

    def __init__(self, weights: Weights, url: str, folder: Path, patience: Patience) -> None:
        self.weights, self.source, self.folder = weights, f"{url}/m.bin", folder
        self.pauses: List[float] = []
        self.told: List[str] = []
        self.came_bytes: List[int] = []
        self.transfer = Transfer({}, self.came_bytes.append, self.told.append, patience, self.pauses.append)

    def fill(self, source: Optional[str] = None) -> bytes:
        """What the part holds after a transfer; its digest is checked against it."""
        with open_part(self.folder, FILE.sha256, lambda: None, lambda _: None) as part:
            try:
                self.transfer.fill(part, source or self.source, FILE)
            finally:
                held = part_path(self.folder, FILE.sha256).read_bytes()
                assert (len(held), hashlib.sha256(held).hexdigest()) == part.content()[:2]
            return held

    def begin(self, origin: Origin) -> None:
        """Leave the first half, as a run that was ended does."""
        with open_part(self.folder, FILE.sha256, lambda: None, lambda _: None) as part:
            part.came_from(origin)
            part.write(DATA[:HALF])


@contextmanager
def rig(folder: Path, *faults: Fault, patience: Patience = IMPATIENT, **options: Any) -> Iterator[Rig]:
    weights = Weights(DATA, *faults, **options)
    with serve({"/m.bin": weights, "/other.bin": weights}) as server:
        yield Rig(weights, server.url, folder, patience)
        weights.released.set()


# One fault, and on it goes ----------------------------------------------------------------------


@pytest.mark.parametrize("at", [0.0, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("kind", ["drop", "reset"])
def test_a_connection_that_breaks_is_resumed(tmp_path: Path, kind: str, at: float) -> None:
    with rig(tmp_path, Fault(kind, at)) as it:
        assert DATA == it.fill()

    assert (2, 1) == (len(it.weights.ranges), len(it.pauses))


def test_only_what_is_missing_is_asked_for_again(tmp_path: Path) -> None:
    with rig(tmp_path, Fault("drop", 0.5)) as it:
        it.fill()

    assert (["", f"bytes={HALF}-"], len(DATA)) == (it.weights.ranges, it.weights.sent_bytes)
    assert '"v1"' == it.weights.requests[1]["If-Range"]
    assert f"m.bin: the answer ended early; 5.1 kB of 10.2 kB are here, again in {it.pauses[0]:.1f} s" in it.told


def test_a_server_that_falls_silent_is_asked_again(tmp_path: Path) -> None:
    with rig(tmp_path, Fault("stall", 0.0)) as it:
        assert DATA == it.fill()

    assert it.told[0].startswith("m.bin: no byte came for 0.2 s; 0 bytes of")


@pytest.mark.parametrize("code", [408, 425, 429, 500, 503])
def test_a_status_that_may_pass_is_waited_for(tmp_path: Path, code: int) -> None:
    with rig(tmp_path, Fault("status", code=code), Fault("status", code=code)) as it:
        assert DATA == it.fill()

    assert (3, 2) == (len(it.weights.requests), len(it.pauses))


def test_a_server_that_asks_for_a_pause_gets_it(tmp_path: Path) -> None:
    with rig(tmp_path, Fault("status", headers={"Retry-After": "7"})) as it:
        it.fill()

    assert 7 <= it.pauses[0] < 8


def test_a_range_answered_with_status_200_is_a_range_all_the_same(tmp_path: Path) -> None:
    with rig(tmp_path, Fault("drop", 0.5), Fault("quiet")) as it:
        assert DATA == it.fill()

    assert len(DATA) == it.weights.sent_bytes


def test_a_server_without_ranges_gives_all_again(tmp_path: Path) -> None:
    with rig(tmp_path, Fault("drop", 0.5), Fault("norange")) as it:
        assert DATA == it.fill()


@hypothesis_settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.builds(
            Fault,
            st.sampled_from(["drop", "reset", "status", "norange", "quiet", "truncate", "shifted", "html", "unsaid"]),
            st.floats(0, 1, exclude_max=True),
        ),
        max_size=6,
    )
)
def test_whatever_happens_the_end_is_the_file_or_an_error(faults: List[Fault]) -> None:
    with tempfile.TemporaryDirectory() as folder, rig(Path(folder), *faults) as it, suppress(SourceError):
        assert DATA == it.fill()


# From one run to the next -----------------------------------------------------------------------


def test_the_next_run_goes_on_where_the_last_was_ended(tmp_path: Path) -> None:
    with rig(tmp_path) as it:
        it.begin(Origin(it.source, '"v1"'))

        assert DATA == it.fill()

    assert ([f"bytes={HALF}-"], [HALF]) == (it.weights.ranges, it.came_bytes)


def test_a_file_that_changed_since_comes_as_a_whole(tmp_path: Path) -> None:
    with rig(tmp_path, etag='"v2"') as it:
        it.begin(Origin(it.source, '"v1"'))

        assert DATA == it.fill()

    assert len(DATA) == it.weights.sent_bytes


def test_where_versions_change_with_every_answer_the_digest_alone_decides(tmp_path: Path) -> None:
    with rig(tmp_path, Fault("drop", 0.5), Fault("drop", 0.5), etag='"v2"') as it:
        it.begin(Origin(it.source, '"v1"'))
        it.weights.etag = '"v3"'

        assert DATA == it.fill()

    assert [True, False, False] == ["If-Range" in headers for headers in it.weights.requests]


def test_another_source_goes_on_without_a_validator_that_it_cannot_know(tmp_path: Path) -> None:
    with rig(tmp_path) as it:
        it.begin(Origin("https://mirror/m.bin", '"v1"'))

        assert DATA == it.fill()

    assert (f"bytes={HALF}-", False) == (it.weights.ranges[0], "If-Range" in it.weights.requests[0])


def test_a_part_that_is_whole_needs_no_server(tmp_path: Path) -> None:
    with rig(tmp_path) as it:
        it.fill()

        assert DATA == it.fill()
    assert 1 == len(it.weights.requests)


def test_a_log_in_page_does_not_cost_what_came_before(tmp_path: Path) -> None:
    with rig(tmp_path, Fault("html")) as it:
        it.begin(Origin(it.source, '"v1"'))
        with pytest.raises(WrongContent):
            it.fill()

        assert DATA == it.fill()
    assert HALF == it.weights.sent_bytes


# What is refused --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind, words", [("truncate", "got 5120 bytes"), ("html", "an HTML page was saved instead")])
def test_what_has_another_size_is_refused_before_the_first_byte(tmp_path: Path, kind: str, words: str) -> None:
    with rig(tmp_path, Fault(kind)) as it, pytest.raises(WrongContent, match=words):
        it.fill()

    assert ([], []) == (it.came_bytes, list(tmp_path.iterdir()))


def test_bytes_from_another_place_than_asked_for_are_refused(tmp_path: Path) -> None:
    with rig(tmp_path, Fault("drop"), Fault("shifted")) as it, pytest.raises(WrongContent, match="from 5121 on"):
        it.fill()


def test_a_file_that_ends_before_what_came_is_another_one(tmp_path: Path) -> None:
    with rig(tmp_path) as it:
        it.weights.data = DATA[: HALF - 1]
        it.begin(Origin())

        with pytest.raises(WrongContent, match=r"HTTP 416 .* ends before what came"):
            it.fill()


def test_a_body_of_unsaid_length_that_ends_early_is_the_wrong_content(tmp_path: Path) -> None:
    with rig(tmp_path, Fault("unsaid")) as it:
        it.weights.data = DATA[:10]

        with pytest.raises(WrongContent, match="got 10 bytes"):
            it.fill()


def test_a_body_that_is_too_long_is_not_received_to_its_end(tmp_path: Path) -> None:
    with rig(tmp_path, Fault("unsaid")) as it:
        it.weights.data = DATA * 400

        assert DATA == it.fill()


def test_an_answer_that_is_not_as_stored_is_named_as_one(tmp_path: Path) -> None:
    def compressed(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Encoding", "gzip")
        handler.end_headers()
        handler.wfile.write(gzip.compress(DATA))

    encoded = pytest.raises(WrongContent, match="sent with Content-Encoding gzip")
    with rig(tmp_path) as it, serve({"/m.bin": compressed}) as server, encoded:
        it.fill(f"{server.url}/m.bin")


@pytest.mark.parametrize("code", [400, 401, 403, 404, 410, 501])
def test_a_status_that_will_not_pass_is_final(tmp_path: Path, code: int) -> None:
    with rig(tmp_path, Fault("status", code=code)) as it, pytest.raises(SourceError, match=f"HTTP {code} "):
        it.fill()

    assert (1, []) == (len(it.weights.requests), it.pauses)


def test_a_server_that_asks_for_too_long_a_pause_is_given_up_with_its_word(tmp_path: Path) -> None:
    fault = Fault("status", code=429, headers={"Retry-After": "3600"})
    with rig(tmp_path, fault) as it, pytest.raises(SourceError, match=r"429 Too Many .* come back in 1 h 00 min"):
        it.fill()

    assert [] == it.pauses


# How often --------------------------------------------------------------------------------------


def test_failures_without_a_new_byte_are_counted(tmp_path: Path) -> None:
    faults = [Fault("drop", 0.5)] + [Fault("status")] * 9
    with rig(tmp_path, *faults) as it, pytest.raises(SourceError, match=r"HTTP 503 .* \(6 attempts in a row\)"):
        it.fill()

    assert (6, 5) == (len(it.weights.requests), len(it.pauses))


def test_as_long_as_bytes_come_it_goes_on(tmp_path: Path) -> None:
    with rig(tmp_path, *[Fault("drop", 0.2)] * 12) as it:
        assert DATA == it.fill()

    assert 12 == len(it.pauses)


def test_the_same_bytes_again_are_no_progress(tmp_path: Path) -> None:
    given_up = pytest.raises(SourceError, match=r"ended early \(6 attempts in a row\)")
    with rig(tmp_path, Fault("drop", 0.5), repeat=True, ranges=False) as it, given_up:
        it.fill()

    assert 6 * HALF == it.weights.sent_bytes


def test_nobody_waits_for_the_same_server_with_every_file(tmp_path: Path) -> None:
    with rig(tmp_path, Fault("status"), repeat=True) as it:
        for _ in range(2):
            with pytest.raises(SourceError):
                it.fill()

    assert 6 + 1 == len(it.weights.requests)


def test_a_server_that_serves_others_meanwhile_is_not_given_up(tmp_path: Path) -> None:
    """It may take so many connections and no more."""
    hosts = Hosts()
    with rig(tmp_path, *[Fault("status")] * 12) as it:
        here = it.source[: -len("/m.bin")]
        it.transfer = Transfer({}, lambda _: None, it.told.append, IMPATIENT, lambda _: hosts.gave(here, it, 1), hosts)
        assert DATA == it.fill()

    assert 12 + 1 == len(it.weights.requests)


def test_a_pause_that_a_server_asks_one_thread_for_is_kept_by_all(tmp_path: Path) -> None:
    hosts = Hosts()
    with rig(tmp_path, Fault("status", headers={"Retry-After": "70"})) as it:
        first, second = (
            Transfer({}, it.came_bytes.append, it.told.append, IMPATIENT, it.pauses.append, hosts) for _ in range(2)
        )
        for it.transfer in (first, second):
            it.fill()
            part_path(tmp_path, FILE.sha256).unlink()

    assert [True] * len(it.pauses) == [60 < pause < 72 for pause in it.pauses]
    assert it.pauses[2:]  # of the second, which was asked for none


def test_a_server_that_came_back_is_trusted_again(tmp_path: Path) -> None:
    with rig(tmp_path, *[Fault("status")] * 6, Fault("none"), Fault("status")) as it:
        with pytest.raises(SourceError):
            it.fill()
        it.fill()
        part_path(tmp_path, FILE.sha256).unlink()

        assert DATA == it.fill()


def test_a_secret_in_a_url_is_told_nobody(tmp_path: Path) -> None:
    with rig(tmp_path, Fault("drop", 0.5)) as it, serve({"/m.bin?token=secret": it.weights}) as server:
        it.fill(f"{server.url}/m.bin?token=secret")

        origin = (tmp_path / f"{FILE.sha256}.part.json").read_text(encoding="utf-8")
        assert "secret" not in "".join([*it.told, origin])
