"""Other users of this machine, for tests that root runs: the nameless one of a container, or a colleague."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Callable, Iterator, Optional

import pytest

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as other users")


def as_user(uid: int, act: Callable[[], str], *, gid: int = 54321, mask: int = 0o022, **environ: Optional[str]) -> str:
    """Run a function in a fork that is this user, and return what it returns, or what it raised.

    Nothing is executed anew: our Python may lie where others cannot read it.
    """
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            _become(uid, gid, mask)
            for name, value in environ.items():
                os.environ.pop(name, None)
                os.environ.update({name: value} if value is not None else {})
            os.write(writer, act().encode())
        except BaseException as error:
            os.write(writer, f"{type(error).__name__}: {error}".encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as told:
        text = told.read().decode()
    os.waitpid(pid, 0)
    return text


def _become(uid: int, gid: int, mask: int) -> None:
    os.umask(mask)
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


@contextmanager
def open_folder() -> Iterator[Path]:
    """Make a folder that others may enter; not below pytest's own, which each pytest that starts closes to them."""
    folder = Path(tempfile.mkdtemp(prefix="of-others-"))
    folder.chmod(0o755)
    try:
        for above in folder.parents:
            if above.stat().st_uid == os.getuid() and not above.stat().st_mode & 0o001:
                above.chmod(above.stat().st_mode | 0o011)
        yield folder
    finally:
        shutil.rmtree(str(folder), ignore_errors=True)
