"""Judge sound: one recording, a whole set against a baseline, or two by ear: `nox -s audio`, `invoke audio.listen`.

What measures runs in the suite's environment, which has numpy and the rest; here is what asks the service, and writes
pages.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from .. import ci, console
from ..audio.baseline import FILE
from ..audio.folder import SOUNDS, TEXTS
from ..console import counted, human_bytes, printable, progress, say
from ..environments.environments import Environment
from ..errors import InstallError, PipelineError, SettingsError
from ..evidence import audio_history
from ..runner import preparation, shard
from ..runner.service_session import ServiceSession, quality_variables
from ..runner.watchdog import watchdog
from ..service import running_service, speaking
from ..service.asking import Target
from ..service.names import first
from ..service.speaking import Request, Wanted
from ..settings import Service, Settings
from ..system import files, programs
from ..system.programs import ProgramFailed

FOLDER, LIST, GOLDEN = "audio", "texts.txt", "golden"  # of a baseline, in the suite's folder
PAGE, LISTEN_PAGE = "audio.html", "listen.html"
PER_TEXT_S = 120.0
HOME = Path(__file__).parents[1]  # of our package
PACKAGES = "numpy, praat-parselmouth, soundfile"
UNREAD = 2
MOST_FAULTS, MOST_BAD = 3, 20  # of a recording, and recordings, that are printed; the page has all
# Our package under a name that no suite has, and nothing else of our environment: theirs must stay as it is.
START = """\
import importlib.util, runpy, sys
home, module = sys.argv[1:3]
sys.path = [place for place in sys.path if place]
spec = importlib.util.spec_from_file_location("shardline", home + "/__init__.py", submodule_search_locations=[home])
sys.modules["shardline"] = package = importlib.util.module_from_spec(spec)
spec.loader.exec_module(package)
sys.argv[1:3] = []
runpy.run_module(module, run_name="__main__", alter_sys=True)
"""


class Wish(NamedTuple):
    """What a person said of a set: which texts, which field of the request has them, who speaks."""

    texts: Optional[Path] = None
    field: str = ""
    engine: str = ""
    voice: str = ""
    allowed: int = 0


def measure(
    settings: Settings, action: str, recordings: Sequence[Path], said: Sequence[str], baseline: Optional[Path] = None
) -> int:
    """Measure one recording, or compare it with another; returns 1 where it is not as good as it should be.

    Args:
        action: measure or compare.
        said: further words of `audio.commands`.
        baseline: the folder of one; default: that of the suite, where there is one.

    Raises:
        InstallError: the suite's environment cannot be made, or lacks the packages.
    """
    suite = _suite(settings)
    folder = baseline or place(settings)
    by = ["--baseline", str(folder)] if baseline or (folder / FILE).is_file() else []
    words = _words(suite, "audio", action, *map(str, recordings), *said, *by)
    try:
        printed = programs.output(words, None, environ=_environ(settings, suite), merged=True)
    except ProgramFailed as error:
        _check_packages(error)
        if error.returncode not in (1, UNREAD):
            raise _broken(error) from None
        printed = error.output
        code = error.returncode
    else:
        code = 0
    for line in printed.splitlines():
        say(printable(line))
    return code


def baseline(settings: Settings, wish: Wish, folder: Optional[Path] = None, takes: Optional[Path] = None) -> None:
    """Record what the engine sounds like now: have each text spoken twice, learn limits, keep golden recordings.

    Args:
        folder: of recordings that are there, in place of the service's.
        takes: of the same, by another runtime or seed.

    Raises:
        PipelineError: the service does not speak a text, or a recording cannot be read; nothing is changed then.
    """
    target = place(settings)
    order: Dict[str, Any] = {"do": "record", "baseline": str(target), "engine": wish.engine, "voice": wish.voice}
    if folder is None:
        source = wish.texts or target / LIST
        texts = read_texts(settings, source)
        spoken = shard.fresh(settings.reports / FOLDER)
        twice = [spoken / "one", spoken / "other"]
        _check_all_spoken(texts, _spoken(settings, texts, wish.field, twice))
        say(f"recordings: {settings.shown(spoken)}")
        order.update(folder=str(twice[0]), takes=str((takes or twice[1]).resolve()))
    else:
        order.update(folder=str(folder.resolve()), takes=str(takes.resolve()) if takes else "")
    made = _ask(settings, order, "measuring them, a little faster and slower, too")
    if folder is None and source.resolve() != (target / LIST).resolve():
        files.write_text(target / LIST, source.read_text(encoding="utf-8-sig"))
    for line in told_of_baseline(made, settings.shown(target)):
        say(line)
    say(f"keep it: git add {console.quoted(settings.shown(target))}")
    say(f"judge by it: {settings.command('nox', '-s', 'audio')}")


def told_of_baseline(made: Mapping[str, Any], where: str) -> List[str]:
    """Say what was recorded, and what of it a person should doubt."""
    clips, alarms = made["clips"], made["alarms"]
    lines = [f"baseline: {counted(clips, 'recording')} in {where}: {human_bytes(made['size_bytes'])}"]
    most = f"{100 * made['share_to']:.1f} %"
    if clips >= audio_history.LEAST_CLIPS:
        lines.append(f"false alarms: {alarms} of {clips} by limits of the others, so at most {most} (95 %)")
    else:
        lines.append(
            f"too few: limits of {counted(clips, 'recording')} are no more than a guess (false alarms at most {most}); "
            f"take {audio_history.LEAST_CLIPS} texts or more"
        )
    if made["differ"]:
        lines.append(
            f"{made['differ']} of them were spoken otherwise the second time: limits against golden ones allow that"
        )
    else:
        lines.append(
            "all were spoken alike, to the byte: limits against golden recordings are those of one runtime; where "
            "another (Python, processor) judges by them, add its recordings: --takes FOLDER"
        )
    for each in made["wrong"]:
        lines.append(f"listen to it before you keep it: {printable(each['text'])}: {heard(each['faults'])}")
    return [*lines, *skipped_lines(made["skipped"])]


def heard(faults: Sequence[str]) -> str:
    """Say in a line what a person hears.

    >>> heard(["a", "b", "c", "d", "e"])
    'a; b; c; and 2 more'
    """
    more = [f"and {len(faults) - MOST_FAULTS} more"] if len(faults) > MOST_FAULTS else []
    return printable("; ".join([*faults[:MOST_FAULTS], *more]))


def skipped_lines(skipped: Mapping[str, str]) -> List[str]:
    """Say which measures were not taken, by the package that they want.

    >>> skipped_lines({"f0_median_hz": "praat-parselmouth"})
    ['not measured: f0_median_hz (needs praat-parselmouth, which the suite has not)']
    """
    names: Dict[str, List[str]] = {}
    for measure, package in skipped.items():
        names.setdefault(package, []).append(measure)
    return [
        f"not measured: {', '.join(each)} (needs {package}, which the suite has not)" for package, each in names.items()
    ]


def judge(settings: Settings, wish: Wish, folder: Optional[Path] = None) -> int:
    """Judge a whole set by the baseline, and write the page; returns 1 where more recordings are bad than may be.

    Args:
        folder: of recordings that are there; by default the service speaks all texts of the baseline.

    Raises:
        PipelineError: nothing could be judged.
    """
    target = place(settings)
    has_baseline = (target / FILE).is_file()
    recorded = folder.resolve() if folder else shard.fresh(settings.reports / FOLDER)
    texts: List[Wanted] = []
    if folder is None:
        _check_baseline(settings, has_baseline)
        texts = read_texts(settings, wish.texts or target / LIST)
        _spoken(settings, texts, wish.field, [recorded])
    order = {"do": "judge", "folder": str(recorded), "baseline": str(target) if has_baseline else ""}
    found = _ask(settings, order, "judging them")
    if not found["clips"]:
        raise SettingsError(f"no recordings in {recorded}: expected {', '.join(SOUNDS)}", "Name another folder.")
    past = _remember(settings, found, texts, target) if texts else []
    page = _write_page(settings, found, past, wish.allowed)
    bad = [each for each in found["clips"] if each["faults"]]
    for each in bad[:MOST_BAD]:
        say(f"{printable(each['text'] or Path(each['file']).name)}: {heard(each['faults'])}")
    fallen = [each["words"] for each in found["whole"]["verdicts"] if not each["passed"]]
    for words in fallen:
        say(f"the set as a whole: {printable(words)}")
    for line in skipped_lines({**found["skipped"], **found["whole"]["skipped"]}):
        say(line)
    say(f"{counted(len(found['clips']), 'recording')}: {len(bad)} bad, {wish.allowed} allowed")
    say(f"page: {settings.shown(page)}")
    return 1 if fallen or len(bad) > wish.allowed else 0


def listen(settings: Settings, one: Path, other: Path, output: Optional[Path] = None) -> None:
    """Write a page with two recordings, or those of one name in two folders, at one loudness and in blind order.

    Raises:
        PipelineError: one is not there, or cannot be read.
    """
    from ..evidence.page import blind_page  # which imports jinja2

    pairs = pairs_of(one, other)
    with _scratch() as scratch:
        order = {"do": "pair", "pairs": [[str(each.resolve()) for each in pair] for pair in pairs], "to": str(scratch)}
        found = _ask(settings, order, "bringing them to one loudness")
        page = output or settings.reports / LISTEN_PAGE
        files.write_text(page, blind_page.render(found, (str(one), str(other))))
    say(f"page: {settings.shown(page.resolve())}    (which is which, it says when you have chosen)")


def pairs_of(one: Path, other: Path) -> List[Tuple[Path, Path]]:
    """Pair two recordings, or those of two folders that have one name.

    Raises:
        SettingsError: one is not there, or the folders have no name in common.
    """
    for path in (one, other):
        if not path.exists():
            raise SettingsError(f"no such recording: {path}", "Name a file, or two folders of files of the same names.")
    if one.is_file() and other.is_file():
        return [(one, other)]
    if not (one.is_dir() and other.is_dir()):
        raise SettingsError(f"{one} and {other}: expected two files, or two folders", "Name two of a kind.")
    names = sorted(
        each.name for each in one.iterdir() if each.suffix.lower() in SOUNDS and (other / each.name).is_file()
    )
    if not names:
        raise SettingsError(f"{one} and {other} have no recording of one name", "Name folders with the same texts.")
    return [(one / name, other / name) for name in names]


def place(settings: Settings) -> Path:
    """Find the folder of the baseline: the one that pipeline.yml names, else `audio` in the suite's."""
    if settings.suite.baseline:
        return settings.project / settings.suite.baseline
    path = settings.suite_directory / settings.suite.paths[0].partition("::")[0]
    return (path if path.is_dir() else path.parent) / FOLDER


def read_texts(settings: Settings, file: Path) -> List[Wanted]:
    """Read a list of texts.

    Raises:
        SettingsError: it is not there, or none.
    """
    try:
        content = files.read_bytes(file, speaking.MOST_BYTES).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "expected UTF-8"
        hint = f"Write what the service shall speak into it, a text a line, {audio_history.LEAST_CLIPS} or more."
        raise SettingsError(f"{settings.shown(file)}: {why}", hint) from None
    return speaking.parse_texts(content, settings.shown(file))


def _check_baseline(settings: Settings, is_there: bool) -> None:
    if not is_there:
        message = f"no baseline in {settings.shown(place(settings))}: what the service shall sound like is not known"
        raise SettingsError(message, "Record one while it is good: {command}", ("invoke", "audio.baseline"))


def _spoken(settings: Settings, texts: Sequence[Wanted], field: str, takes: Sequence[Path]) -> List[str]:
    """Have the service speak all texts into each folder, which says what is in it; returns why a text has no sound."""
    if not settings.all_services:
        raise SettingsError(f"{settings.file} has no service to speak them", "Add one, or name a folder of recordings.")
    settings = with_background(settings)
    service = settings.all_services[first(settings)]
    requests = [speaking.request_of(service, each, field) for each in texts]
    environments = preparation.prepare(settings, True, {})
    problems = [""] * len(texts)
    with watchdog() as dog, ServiceSession(settings, environments, takes[0].parent, dog) as session:
        up = session.services[first(settings)]
        target = Target(up.url, up.process, phase="while it spoke the texts")
        for folder in takes:
            came = _speak(target, requests, folder)
            _write_texts(folder, texts, came)
            problems = [before or now for before, now in zip(problems, came)]
    return problems


def _write_texts(folder: Path, texts: Sequence[Wanted], problems: Sequence[str]) -> None:
    told = {
        speaking.file_name(number): {"text": each.text, "options": dict(each.options), "problem": problem}
        for number, (each, problem) in enumerate(zip(texts, problems))
    }
    files.write_text(folder / TEXTS, json.dumps(told, ensure_ascii=False, indent=1))


def _speak(target: Target, requests: Sequence[Request], folder: Path) -> List[str]:
    folder.mkdir(parents=True, exist_ok=True)
    with progress(f"having {counted(len(requests), 'text')} spoken"):
        return speaking.speak_all(target, requests, folder, PER_TEXT_S, lambda count: None)


def with_background(settings: Settings) -> Settings:
    """Let the service that `invoke serve` left running be the one that is asked."""
    there = running_service.in_background(settings.state)
    name = first(settings)
    if name not in there:
        return settings
    say(f"asking the service that runs already: {console.bare_urls(there[name].url)}")
    ours: Dict[str, Service] = {**settings.all_services}
    ours[name] = replace(ours[name], url=there[name].url)
    return replace(settings, service=ours[name], services={each: ours[each] for each in settings.services})


def _check_all_spoken(texts: Sequence[Wanted], problems: Sequence[str]) -> None:
    failed = [(each.text, problem) for each, problem in zip(texts, problems) if problem]
    if failed:
        text, why = failed[0]
        message = f"{len(failed)} of {counted(len(texts), 'text')} were not spoken, first {printable(text)!r}: {why}"
        raise PipelineError(message, "A baseline is what the service does well: mend it, or leave the text out.")


def _remember(settings: Settings, found: Mapping[str, Any], texts: Sequence[Wanted], target: Path) -> List[Any]:
    """Add this set to the past ones of the same texts and baseline; returns all of these, the newest last."""
    digest = hashlib.sha256(json.dumps(list(texts), sort_keys=True).encode("utf-8", "backslashreplace"))
    digest.update((target / FILE).read_bytes())
    file = settings.state / "audio.json"
    runs = audio_history.add(
        audio_history.read(file), found, time.time(), ci.commit(os.environ), digest.hexdigest()[:16]
    )
    files.write_text(file, audio_history.written(runs))
    return [each for each in runs if each["set"] == runs[-1]["set"]]


def _write_page(settings: Settings, found: Mapping[str, Any], past: Sequence[Any], allowed: int) -> Path:
    from ..evidence.page import set_page

    page = settings.reports / PAGE
    files.write_text(page, set_page.render(settings.name, found, past, allowed, settings.reports))
    return page


def _suite(settings: Settings) -> Environment:
    return preparation.install(settings, with_service=False).suite


def _words(suite: Environment, module: str, *words: str) -> List[str]:
    return [str(suite.python), "-c", START, str(HOME), f"shardline.{module}", *words]


def _environ(settings: Settings, suite: Environment) -> Dict[str, str]:
    own = {"PYTHONIOENCODING": "utf-8", "PYTHONUTF8": "1"}
    return {**suite.variables(os.environ), **quality_variables(settings), **own}


def _ask(settings: Settings, order: Mapping[str, Any], title: str) -> Dict[str, Any]:
    """Order something of `audio.telling` in the suite's environment.

    Raises:
        InstallError: the packages are not there.
        PipelineError: a recording, or the baseline, cannot be read.
    """
    suite = _suite(settings)
    with _scratch() as scratch, progress(title):
        question, answer = scratch / "order.json", scratch / "answer.json"
        question.write_text(json.dumps(order), encoding="utf-8")
        words = _words(suite, "audio.telling", str(question), str(answer))
        try:
            programs.output(words, None, environ=_environ(settings, suite))
        except ProgramFailed as error:
            _check_packages(error)
            if error.returncode != UNREAD or not answer.is_file():
                raise _broken(error) from None
        told: Dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
    if "error" in told:
        raise PipelineError(printable(told["error"]), "Listen to the file, or leave it out.")
    return told


def _check_packages(error: ProgramFailed) -> None:
    if "No module named 'numpy'" in error.output:
        message = "the suite's environment has no numpy, which every measure of a sound needs"
        raise InstallError(message, f"Add {PACKAGES} to the suite's requirements.txt (suite.requirements).")


def _broken(error: ProgramFailed) -> PipelineError:
    return PipelineError(f"what measures the sound failed: {error}\n{error.output.strip()[-2000:]}", "")


@contextmanager
def _scratch() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="shardline-audio-"))
    try:
        yield folder
    finally:  # what cannot be removed, as of a network disk, takes no result from anybody
        shutil.rmtree(str(folder), ignore_errors=True)
