"""The checks of this repository: `python -m tests.checks lint`, `python -m tests.checks security`."""

from __future__ import annotations

import argparse
import os
import sys
from typing import List, Optional

from scripts import ci
from scripts.errors import INTERRUPTED

from . import files, lint, running, security


def main(words: Optional[List[str]] = None) -> int:
    """Run the checks of a session; return 1 where one is red."""
    options = _parser().parse_args(words)
    is_ci = ci.is_ci(os.environ)
    if options.session == "lint":
        if options.fix:
            lint.fix(running.ROOT)
        return running.run("lint", list(lint.checks(files.known(), not options.fast)), is_ci)
    secrets = [*(["--all"] if options.all else []), *(["--base", options.base] if options.base else [])]
    checks = security.checks(files.known(), secrets, not options.without_advisories)
    return running.run("security", list(checks), is_ci)


def _parser() -> argparse.ArgumentParser:
    whole = argparse.ArgumentParser(prog="python -m tests.checks", description=__doc__)
    sessions = whole.add_subparsers(dest="session", required=True)
    of_lint = sessions.add_parser("lint", prog="nox -s lint --", description=lint.__doc__)
    of_lint.add_argument("--fix", action="store_true", help="first mend what ruff can mend")
    of_lint.add_argument("--fast", action="store_true", help="without mypy: for a hook")
    of_security = sessions.add_parser("security", prog="nox -s security --", description=security.__doc__)
    of_security.add_argument("--all", action="store_true", help="secrets: in all files, not only in what is new")
    of_security.add_argument("--base", metavar="COMMIT", help="secrets: in what is new since then")
    without = "without pip-audit: where no index of advisories is reached, a CI is red otherwise"
    of_security.add_argument("--without-advisories", action="store_true", help=without)
    return whole


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
