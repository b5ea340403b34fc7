"""Make a foreign project ready for Shardline: look at it, write what is missing, say what is left to a person."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Callable, List, NamedTuple

from .. import __version__, console, settings
from ..adoption import ci_files, files, looks, missing, proposal
from ..adoption.ci_files import Origin
from ..adoption.files import Written
from ..adoption.looks import Facts
from ..console import say
from ..environments.running import HERE
from ..errors import PipelineError

OUTCOMES = {
    "made": "{place}: {purpose}",
    "added to": "{place}: {detail}",
    "kept": "{place}: it is there already",
    "beside": "{place}: {path} is yours and stays; take from this what you want ({purpose})",
}


class Place(NamedTuple):
    """Where a person stands: all that is known before there are settings."""

    start: Path
    command: Callable[..., str] = console.command


def run(place: Place, directory: str, dry_run: bool = False, ci: str = "") -> None:
    """Write the files that the project in `directory` lacks; with `dry_run`, print them.

    Args:
        ci: whose file it gets, a key of `ci_files.PROVIDERS`; "" for the one that the project itself names.

    Raises:
        PipelineError: no such folder, or it cannot be written.
    """
    folder = (place.start / directory).resolve()
    texts = files.read(folder)
    facts = looks.facts(folder.name.encode("utf-8", "replace").decode() or "service", texts)
    say(f"looked at {console.counted(len(texts), 'file')} in {console.printable(str(folder))}; nothing of it was run")
    for line in found_lines(facts):
        say(line)
    has_settings = (folder / settings.FILE_NAME).exists()
    of_ci = ci_files.choose(
        ci, files.there(folder, ci_files.SIGNS), files.theirs(folder, ci_files.PATHS), files.host(folder)
    )
    written = files.write(folder, proposal.wanted(facts, origin(), HERE, has_settings, of_ci), dry_run)
    for each in written:
        say(f"{'would be ' if dry_run and each.outcome != 'kept' else ''}{_told(each)}")
        if dry_run and each.outcome != "kept":
            say("".join(f"  | {line}\n" for line in each.wanted.text.splitlines()))
    if not dry_run:
        _close(place, folder, facts, written)


def found_lines(facts: Facts) -> List[str]:
    """Say what was found, and where."""
    start = facts.start
    lines = [
        f"found: start      {start.source}: {' '.join(start.words)}"
        if start
        else "found: start      nothing that starts a service"
    ]
    lines.append(f"found: readiness  {facts.probe.path or 'its port'}, {facts.probe.source}")
    if facts.call:
        lines.append(f"found: a request  {facts.call.route.method} {facts.call.route.path}, {facts.call.source}")
    if facts.gradio:
        lines.append(f"found: a request  {facts.gradio[0]} of Gradio, {facts.gradio[2]}")
    lines += [f"found: weights    {what}, {where}" for what, where in facts.weights]
    lines.append(
        f"found: tests      {', '.join(facts.tests.paths) if facts.tests else 'none that ask a running service'}"
    )
    if facts.tests and facts.tests.left_out:
        lines.append(f"left out: tests   {', '.join(facts.tests.left_out)}: they ask none; suite.path can name them")
    return [console.visible(" ".join(line.splitlines())) for line in lines]


def _told(written: Written) -> str:
    words = {"path": written.wanted.path, "purpose": written.wanted.purpose}
    text = OUTCOMES[written.outcome].format(place=written.place, detail=written.detail, **words)
    return f"{written.outcome:<8}  {text}"


def _close(place: Place, folder: Path, facts: Facts, written: List[Written]) -> None:
    """Say what is left to do, and the next command."""
    try:
        lacks = missing.look(settings.load(str(folder / settings.FILE_NAME), {}, folder), facts)
    except PipelineError as error:
        lacks = [missing.Lack(missing.WRONG, "settings", error.message, error.hint_for(place.command))]
    if lacks:
        say(f"\nto look after ({place.command('invoke', 'doctor')} says it again):")
    for lack in lacks:
        say(f"  {lack.status:<5}  {lack.about}: {console.visible(lack.text)}")
        if lack.advice:
            say(f"         -> {lack.advice}")
    go = "" if folder == place.start.resolve() else f"cd {console.quoted(str(folder))} && "
    ours = next(each for each in written if each.wanted.path == "noxfile.py").outcome != "beside"
    line = "nox -s integration    (pip install nox, once; without it: shardline integration)"
    first = "mend what is wrong above, then " if any(lack.status == missing.WRONG for lack in lacks) else ""
    say(f"\nnext: {first}{go}{line if ours else 'shardline integration'}")


def origin() -> Origin:
    """Find out what pip would install to have this Shardline elsewhere (PEP 610)."""
    version = f"shardline=={__version__}"
    with suppress(Exception):  # not installed, or by a tool that says nothing: only the version is known
        from importlib.metadata import distribution

        text = distribution("shardline").read_text("direct_url.json")
        if text is None:
            return Origin(version, True)
        found = json.loads(text)
        if "vcs_info" in found:
            vcs = found["vcs_info"]
            return Origin(
                f"shardline @ {vcs['vcs']}+{found['url']}@{vcs.get('requested_revision') or vcs['commit_id']}", True
            )
        if found["url"].startswith("https://"):
            return Origin(f"shardline @ {found['url']}", True)
    return Origin(version, False)
