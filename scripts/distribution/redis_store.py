"""Redis as a store, or what speaks its protocol (Valkey, KeyDB, Dragonfly): each folder of keys is one hash."""

from __future__ import annotations

import os
import re
import uuid
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Tuple
from urllib.parse import unquote, urlsplit

from ..console import without_secrets
from ..errors import SettingsError
from ..settings.distribution import shown
from ..system import certificates
from .store import BEGAN, CLAIMS, LOST, Store, StoreError, Unreached

KEPT_S = 2 * 24 * 3600  # then the server forgets a run, counted from the last that was written
TRY_S = 2.5  # without an answer

# What a server says for a while: it starts, another becomes the first of its kind, a script runs. Names of errors are
# redis-py's, which takes the server's own word for them out of the text.
_PASSING = re.compile(
    "BusyLoading|ReadOnly|ClusterDown|TryAgain|MasterDown|^ResponseError (BUSY|UNKILLABLE|NOREPLICAS)"
    "|Wrong number of response items"  # of which some answer other questions
)
_ADVICE = {
    "Authentication": "Correct user and password: redis://USER:$PASSWORD@HOST, where PASSWORD is a variable.",
    "NoPermission": "The user needs MULTI, EXEC, HSET, HSETNX, HGET, HGETALL, EXPIRE and ECHO on ~shardline:*.",
    "OutOfMemory|OOM": "It is full: give it room, or name another.",
    "MISCONF": "It cannot save to its disk, and takes nothing: look at its log.",
    "ReadOnly": "It is a replica: name the server that it follows.",
    "Moved|Ask|CrossSlot": "It is one of a Redis Cluster: name a single server.",
    "unknown command": "Is it a Sentinel? Name the server that it watches.",
    "CERTIFICATE_VERIFY_FAILED|ertificate": "A company's own root: REQUESTS_CA_BUNDLE names its file.",
    "WRONG_VERSION_NUMBER": "rediss:// is for a server that speaks TLS; this one does not.",
}
_FINAL = re.compile("CERTIFICATE_VERIFY_FAILED|WRONG_VERSION_NUMBER|ertificate")


class RedisStore(Store):
    """Each call is one transaction over a connection of its own: no answer is ever taken for that to another question.

    A claim also reads what was claimed at the start. So a server that lost its keys, and took the claim for the first,
    is told at once.
    """

    def __init__(self, url: str, place: str) -> None:
        super().__init__()
        self.where = without_secrets(url)
        self._options = _options(url)
        self._place = place

    def _claim(self, key: str, value: str) -> str:
        folder, name = _split(key)
        began = self._claims.get(BEGAN) if folder == CLAIMS else None
        _, there, first = self._ask(folder, ("HSETNX", name, value), ("HGET", name), ("HGET", BEGAN))
        if began is not None and (first is None or _text(first) != began):
            raise StoreError(f"{self.where} no longer has what was claimed there", LOST)
        if there is None:
            raise Unreached(f"{self.where}: what was written to {key} is not there")
        return _text(there)

    def _put(self, key: str, value: str) -> None:
        folder, name = _split(key)
        self._ask(folder, ("HSET", name, value))

    def _get(self, key: str) -> Optional[str]:
        folder, name = _split(key)
        (found,) = self._ask(folder, ("HGET", name))
        return None if found is None else _text(found)

    def _look(self, folder: str, known: Mapping[str, str]) -> Dict[str, str]:
        (found,) = self._ask(folder, ("HGETALL",))
        return {_text(name): _text(value) for name, value in found.items()}

    def _ask(self, folder: str, *commands: Tuple[str, ...]) -> List[Any]:
        """Send commands about a folder's hash as one transaction, and return what each answers."""
        import redis

        hash_name, word = f"shardline:{{{self._place}}}:{folder}", uuid.uuid4().hex
        try:
            with redis.Redis(
                connection_pool=redis.ConnectionPool(**self._options)
            ) as client, client.pipeline() as all_:
                for name, *words in commands:
                    all_.execute_command(name, hash_name, *words)
                all_.execute_command("EXPIRE", hash_name, KEPT_S)
                all_.execute_command("ECHO", word)
                answers: List[Any]
                *answers, _, echo = all_.execute()
                client.connection_pool.disconnect()
        except (redis.RedisError, OSError) as error:
            raise self._explained(error) from error
        except (TypeError, ValueError, AttributeError, LookupError) as error:  # what no Redis answers
            raise Unreached(f"{self.where}: its answer cannot be understood") from error
        if _text(echo) != word:
            raise Unreached(f"{self.where}: it answered another question")
        return answers

    def _explained(self, error: Exception) -> StoreError:
        import redis

        words = without_secrets(" ".join(str(error).split()).rpartition("caused error: ")[2]).rstrip(".")
        words = re.sub(r"^Error \S+ connecting to \S+\. ", "", words)  # where says that
        named = f"{type(error).__name__} {words}"
        refused = isinstance(error, (redis.AuthenticationError, redis.ResponseError)) and not _PASSING.search(named)
        kind = StoreError if refused or _FINAL.search(named) else Unreached
        return kind(f"{self.where}: {words}", next((_ADVICE[each] for each in _ADVICE if re.search(each, named)), ""))


def _split(key: str) -> Tuple[str, str]:
    folder, _, name = key.rpartition("/")
    return folder, name


def _text(answer: Any) -> str:
    return bytes(answer).decode("utf-8", "replace")


def _options(url: str) -> Dict[str, Any]:
    """Turn a URL into what redis-py is to be told.

    Raises:
        SettingsError: it is no URL of a Redis, or there is no redis-py.
    """
    try:
        from redis.backoff import NoBackoff
        from redis.retry import Retry
    except ImportError as error:
        install = "Add redis to requirements.txt, or install shardline[redis]."
        raise SettingsError("distribution.store: redis:// needs redis, which is not installed", install) from error
    try:
        parts = urlsplit(url)
        port, database = parts.port or 6379, parts.path.strip("/")
        if not parts.hostname or parts.query or parts.fragment or not re.fullmatch("[0-9]*", database):
            raise ValueError
    except ValueError as error:
        message = f"distribution.store: expected redis://[USER:PASSWORD@]HOST[:PORT][/NUMBER], got {shown(url)}"
        raise SettingsError(message, "In user and password, write / # ? @ as %2F %23 %3F %40.") from error
    options: Dict[str, Any] = {"host": parts.hostname, "port": port, "db": int(database or 0), "protocol": 2}
    options.update(username=_unquoted(parts.username), password=_unquoted(parts.password))
    options.update(socket_timeout=TRY_S, socket_connect_timeout=TRY_S, retry=Retry(NoBackoff(), 0))
    # Otherwise it tells the server its name and version: two more questions for each connection.
    unnamed = ("driver_info",) if find_spec("redis.driver_info") else ("lib_name", "lib_version")
    options.update(dict.fromkeys(unnamed))
    return {**options, **_tls()} if parts.scheme == "rediss" else options


def _unquoted(word: Optional[str]) -> Optional[str]:
    return unquote(word) if word else None


def _tls() -> Dict[str, Any]:
    """Trust whom `requests` trusts: what a person named, else this machine's store."""
    import redis

    named = next((os.environ[name] for name in certificates.OF_REQUESTS if os.environ.get(name)), certificates.store())
    where = {"ssl_ca_path" if Path(named).is_dir() else "ssl_ca_certs": named} if named else {}
    return {"connection_class": redis.SSLConnection, "ssl_cert_reqs": "required", "ssl_check_hostname": True, **where}
