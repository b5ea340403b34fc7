"""Keep the services that all shards of a run here share: start them once, and once again for all when they die."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import Dict, Iterator, Optional

from ..console import say
from ..errors import PipelineError
from ..runner import preparation, sharing
from ..runner.service_session import ServiceSession, own_services
from ..runner.sharing import SHARED, Generation
from ..runner.watchdog import watchdog
from ..service.names import which
from ..settings import Settings
from ..system.signals import let_through
from .display import Board


class Keeper:
    """Looks after what the shards share; without a session that is nothing."""

    def __init__(self, settings: Settings, session: Optional[ServiceSession] = None) -> None:
        self._file = (settings.reports / sharing.FOLDER / sharing.FILE_NAME).resolve()
        self._command = settings.command
        self._session = session
        self._told = Generation(1, tuple(session.services.values()) if session else ())
        self._publish(self._told)

    @property
    def variables(self) -> Dict[str, str]:
        """What the shards have to hear."""
        return {sharing.VARIABLE: str(self._file)} if self._session else {}

    def look(self, watched: Board) -> None:
        """Tell the shards of a death, and start the services again where one of them asks for that.

        Where that fails, they hear why; where somebody does not want to wait for it, nothing comes of it.
        """
        if self._session is None or self._told.failure:
            return
        death = "" if self._told.death else self._session.death()
        if death:
            self._publish(self._told._replace(death=which(death, SHARED)))
            watched.say(f"  {self._told.death.splitlines()[0]}")
        if sharing.is_asked(self._file, self._told.number):
            with watched.aside():
                self._start_again(self._session)

    def _start_again(self, session: ServiceSession) -> None:
        say(f"\n{SHARED} is started again")
        try:
            with let_through():
                session.start()
        except PipelineError as error:
            say(f"\n{error.shown(self._command)}")
            self._publish(self._told._replace(failure=error.message))
        except (KeyboardInterrupt, SystemExit):  # it is held back again, and seen by who asked us to look
            return
        else:
            self._publish(Generation(self._told.number + 1, tuple(session.services.values())))

    def _publish(self, told: Generation) -> None:
        self._told = told
        if self._session:
            sharing.publish(self._file, told)


@contextmanager
def kept(settings: Settings) -> Iterator[Keeper]:
    """Run what all shards share while the block runs; afterwards nothing of it is left.

    Raises:
        PipelineError: it does not come up.
    """
    folder = settings.reports / sharing.FOLDER
    if not any(service.shared for service in own_services(settings).values()):
        yield Keeper(settings)
        return
    shutil.rmtree(str(folder), ignore_errors=True)
    folder.mkdir(parents=True)
    environments = preparation.install(settings)
    with watchdog() as dog, ServiceSession(
        settings, environments, folder, dog, names=sharing.names(settings)
    ) as session:
        yield Keeper(settings, session)
