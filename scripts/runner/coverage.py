"""Keep what a shard measures of coverage beside its result, and combine it once, when all shards have run.

The data are combined, and reports made, by the suite's own `coverage`: `combine_coverage.py` is run by its Python.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ..console import progress, say
from ..proof import coverage as proof
from ..proof import findings as f
from ..proof.coverage import Answer
from ..proof.findings import Verdict
from ..proof.measured import COVERAGE_RUN, PYTEST_COV, Measured, Wishes
from ..proof.outcomes import Round
from ..proof.receipt import Receipt
from ..settings import Settings
from ..system import programs
from ..system.programs import ProgramFailed

# Beside receipt.json. No name in it begins with a dot: GitHub's upload-artifact leaves such files out.
FOLDER = "coverage"
DATA_FILE, PROCESS_START = "COVERAGE_FILE", "COVERAGE_PROCESS_START"
CHUNK_BYTES = 1 << 20
# By these coverage would measure the program that combines, as it does the processes of a suite.
_STARTS_COVERAGE = (PROCESS_START, "COVERAGE_PROCESS_CONFIG", "COV_CORE_DATAFILE", "COV_CORE_SOURCE")
_NOT_FOR_IT = (*_STARTS_COVERAGE, "PYTHONHOME", "PYTHONPATH")
_WITH_VALUE = ("--rcfile", "--data-file")


# The command --------------------------------------------------------------------------------------


class Run(NamedTuple):
    """`coverage run` in the suite's command: the place of the word `run`, and its options that matter here."""

    place: int
    config: str = ""
    data_file: str = ""
    append: bool = False
    parallel: bool = False


def run_in(words: Sequence[str]) -> Optional[Run]:
    """Find `coverage run` in a command, in whatever wrapper.

    >>> run_in(["poetry", "run", "python", "-m", "coverage", "run", "-p", "--rcfile=c", "-m", "pytest"])
    Run(place=5, config='c', data_file='', append=False, parallel=True)
    """
    places = [at for at, pair in enumerate(zip(words, words[1:]), 1) if _is_coverage(pair[0]) and pair[1] == "run"]
    if not places:
        return None
    options = words[places[0] + 1 :]
    end = next((at for at, word in enumerate(options) if word in ("-m", "--module") or "pytest" in word), len(options))
    told = options[:end]
    values = {name: _value_of(name, told) for name in _WITH_VALUE}
    append, parallel = not {"-a", "--append"}.isdisjoint(told), not {"-p", "--parallel-mode"}.isdisjoint(told)
    return Run(places[0], values["--rcfile"], values["--data-file"], append, parallel)


def _is_coverage(word: str) -> bool:
    return Path(word).name in ("coverage", "coverage3")


def _value_of(name: str, options: Sequence[str]) -> str:
    """Find the last value of an option, in whichever of its two forms."""
    joined = [word.partition("=")[2] for word in options if word.startswith(f"{name}=")]
    apart = [value for word, value in zip(options, options[1:]) if word == name]
    return next(reversed([*apart, *joined]), "")


def measuring_into(words: Sequence[str], environ: Mapping[str, str], file: Path) -> Tuple[List[str], Dict[str, str]]:
    """Let what measures before pytest starts do so into a file: `coverage run`, or a person's COVERAGE_PROCESS_START.

    Nothing is changed where neither is there: suites that test coverage itself must not notice.

    Returns:
        words and environment to start.
    """
    run = run_in(words)
    if run is None and not environ.get(PROCESS_START):
        return list(words), dict(environ)
    words = list(words)
    if run and run.data_file:  # it outdoes the variable; of an option that is there twice the last counts
        end = next(at for at, word in enumerate(words) if at > run.place and not _is_option(words, at))
        words[end:end] = [f"--data-file={file}"]
    return words, {**environ, DATA_FILE: str(file)}


def _is_option(words: Sequence[str], at: int) -> bool:
    """Tell whether a word is an option of `coverage run`, or the value of one."""
    is_value = words[at - 1] in (*_WITH_VALUE, "--source", "--include", "--omit", "--context", "--concurrency")
    return is_value or (words[at].startswith("-") and words[at] != "-m")


def _wishes_of_command(settings: Settings, environ: Mapping[str, str]) -> Optional[Wishes]:
    """Tell what was asked of coverage beside pytest-cov; None where nothing was."""
    run = run_in(settings.suite.command)
    if run is None and not environ.get(PROCESS_START):
        return None
    run = run or Run(0, environ[PROCESS_START])
    return Wishes(COVERAGE_RUN, run.config, append=run.append, data_file=run.data_file, parallel=run.parallel)


# A shard ------------------------------------------------------------------------------------------


def file_of(folder: Path, number: int, by: str = "pytest") -> Path:
    """Name the file of data of a round, in the folder of its shard."""
    return folder / FOLDER / f"{by}-{number}"


def measured(
    settings: Settings, folder: Path, rounds: Sequence[Round], root: Path, environ: Mapping[str, str]
) -> Optional[Measured]:
    """Say what a shard has measured; None where nothing was to be measured.

    Args:
        folder: of the shard.
        root: the folder of its repository.
    """
    of_command = _wishes_of_command(settings, environ)
    wishes = next((told.coverage for told in rounds if told.coverage), of_command)
    found = _data_files(folder / FOLDER)
    if wishes is None and not found:
        return None
    wishes = wishes or Wishes(COVERAGE_RUN)  # only a service measured itself
    files = {f"{FOLDER}/{file.name}": digest_of(file) for file in found}
    lost = tuple(told.number for told in rounds if told.attempts and _is_lost(told, folder, bool(of_command)))
    return Measured(wishes, str(root), {name: digest for name, digest in files.items() if digest}, lost)


def _is_lost(told: Round, folder: Path, by_command: bool) -> bool:
    if told.coverage:
        file = told.coverage_file
        return file is None or bool(file and not (folder / FOLDER / file).exists())
    return by_command and not list((folder / FOLDER).glob(f"{file_of(folder, told.number, 'run').name}*"))


def _data_files(folder: Path) -> List[Path]:
    """List the files of data, without what sqlite leaves beside them."""
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    return [file for file in files if file.is_file() and not file.name.endswith(("-journal", "-wal", "-shm"))]


def digest_of(file: Path) -> str:
    """Compute the sha-256 of a file, hexadecimal; empty where it cannot be read."""
    digest = hashlib.sha256()
    try:
        with file.open("rb") as stream:
            for chunk in iter(lambda: stream.read(CHUNK_BYTES), b""):
                digest.update(chunk)
    except OSError:
        return ""
    return digest.hexdigest()


def leave_copy(settings: Settings, python: str, result: Receipt) -> None:
    """Leave what one shard measured where plain pytest would, for a person's own `coverage combine` on its node."""
    if result.coverage is None or not result.coverage.files:
        return
    folder = folder_of(settings, result)
    usable, _ = _sorted_out([(result, folder)])
    request = _request(result.coverage.wishes, usable, f".shard-{result.index}")
    answer = _combine(settings, python, request)
    if answer.error:
        say(f"coverage: the data lie in {settings.shown(folder / FOLDER)}, and only there: {answer.error}")


# A run --------------------------------------------------------------------------------------------


def conclude(
    settings: Settings,
    python: str,
    root: Path,
    results: Sequence[Receipt],
    verdict: Verdict,
    asked: Optional[Wishes] = None,
) -> Verdict:
    """Combine what all shards and repairs measured, make the reports that the suite asks for, and judge them once.

    Args:
        python: the suite's, which has its `coverage`.
        root: the folder of the repository here.
        asked: what the suite asks of coverage here.

    Returns:
        the verdict with what was found.
    """
    wishes = proof.agreed(results, asked)
    is_proven = verdict.ended in (f.GREEN, f.TESTS_FAILED)
    if wishes is None or verdict.ended == f.NO_TESTS:
        found = proof.unmeasured(asked) if is_proven else []
        return replace(verdict, findings=(*verdict.findings, *found))
    usable, unusable = _sorted_out([(result, folder_of(settings, result)) for result in results])
    reports = wishes.by != COVERAGE_RUN and not (wishes.no_report_on_failure and proof.has_failed(verdict.outcomes))
    if not reports:
        wishes = wishes._replace(fail_under=0.0)
    there = [result.coverage.root for result in results if result.coverage]
    request = {**_request(wishes, usable, ".shards", reports), "roots": _elsewhere(str(root), there)}
    with progress("combining what was measured"):
        answer = _combine(settings, python, request)
    for file, why in answer.unusable.items():
        unusable.setdefault(_owner(settings, results, file), []).append(f"{Path(file).name} ({why})")
    found = proof.judge(wishes, proof.doubts(results, unusable, asked), answer, is_proven)
    shards = sum(not result.repairs for result in results)
    for line in proof.told(wishes, answer, shards, is_enough=is_proven and not found):
        say(line)
    return replace(verdict, findings=(*verdict.findings, *found))


class Xml(NamedTuple):
    """What came of a report of coverage: `doubts` say why it is not that of all tests, `error` why there is none."""

    total: Optional[float] = None
    doubts: Tuple[str, ...] = ()
    error: str = ""


def as_xml(settings: Settings, python: str, root: Path, results: Sequence[Receipt], file: Path) -> Optional[Xml]:
    """Write what all shards and repairs measured as Cobertura XML, whatever reports the suite asks for itself.

    Args:
        python, root: see `conclude`.

    Returns:
        None where nothing was measured.
    """
    wishes = proof.agreed(results)
    if wishes is None:
        return None
    usable, unusable = _sorted_out([(result, folder_of(settings, result)) for result in results])
    with tempfile.TemporaryDirectory() as scratch:
        data = str(Path(scratch, "data"))
        asked = wishes._replace(by=PYTEST_COV, reports=(("xml", str(file)),), fail_under=0.0, data_file=data)
        request = _request(asked._replace(append=False), usable, "", reports=True)
        there = [result.coverage.root for result in results if result.coverage]
        answer = _combine(settings, python, {**request, "roots": _elsewhere(str(root), there)})
    for each, why in answer.unusable.items():
        unusable.setdefault(_owner(settings, results, each), []).append(f"{Path(each).name} ({why})")
    doubts = tuple(text for text, _ in proof.doubts(results, unusable))
    return Xml(answer.total, doubts, answer.error or ("" if file.exists() else "no data"))


def folder_of(settings: Settings, result: Receipt) -> Path:
    """Name the folder in which a shard or a repair left its result."""
    return settings.reports / f"{'repair' if result.repairs else 'shard'}-{result.index}"


def _owner(settings: Settings, results: Sequence[Receipt], file: str) -> str:
    """Name the result that a file of data belongs to; empty where it is what --cov-append found."""
    return next((each.name for each in results if folder_of(settings, each) in Path(file).parents), "")


def _sorted_out(results: Sequence[Tuple[Receipt, Path]]) -> Tuple[List[Path], Dict[str, List[str]]]:
    """Sort the files of data into those that are as they were measured, and the names of the others by result."""
    usable: List[Path] = []
    others: Dict[str, List[str]] = {}
    for result, folder in results:
        for name, digest in (result.coverage.files if result.coverage else {}).items():
            if digest_of(folder / name) == digest:
                usable.append(folder / name)
            else:
                others.setdefault(result.name, []).append(Path(name).name)
    return usable, others


def _request(wishes: Wishes, files: Sequence[Path], suffix: str, reports: bool = False) -> Dict[str, Any]:
    """Put together what the program that combines is asked for.

    Args:
        suffix: is added to the name of a second file, where `coverage run` leaves one for `coverage combine`.
    """
    return {
        "files": [str(file.resolve()) for file in files],
        "options": {"config_file": wishes.config or True, "branch": wishes.branch or None, "source": wishes.source},
        "data_file": wishes.data_file,
        "suffix": suffix if wishes.by == COVERAGE_RUN else "",
        "parallel": wishes.parallel,
        "append": wishes.append,
        "roots": [],
        "reports": dict(wishes.reports) if reports else None,
        "fail_under": wishes.fail_under,
        "precision": wishes.precision,
    }


def _combine(settings: Settings, python: str, request: Mapping[str, Any]) -> Answer:
    """Let the suite's Python combine files of data into the one that plain pytest would have left."""
    program = Path(__file__).with_name("combine_coverage.py").read_text(encoding="utf-8")
    environ = {name: value for name, value in os.environ.items() if name not in _NOT_FOR_IT}
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "request.json").write_text(json.dumps(request), encoding="utf-8")
        try:  # as a text: the folder of a file that is run would come before the suite's own packages
            words = [python, "-c", program, folder]
            programs.output(words, None, cwd=settings.suite_directory, environ=environ, merged=True)
            answer = json.loads(Path(folder, "answer.json").read_text(encoding="utf-8"))
            return _with_cure(proof.answer_from_json(answer))
        except ProgramFailed as failed:
            return Answer(error=f"the data cannot be combined: {failed}")
        except (OSError, ValueError) as error:
            return Answer(error=f"the data cannot be combined: {error}")


def _with_cure(answer: Answer) -> Answer:
    """Say what lets data be combined of which some are of branches: service and suite measure by the same settings.

    >>> _with_cure(Answer("DataError: Can't combine branch coverage data with statement data: data file 'a' ...")).error
    "Can't combine branch coverage data with statement data: set branch = true in the project's settings of coverage"
    """
    mixed = "Can't combine branch coverage data with statement data"
    cure = "set branch = true in the project's settings of coverage"
    return answer._replace(error=f"{mixed}: {cure}") if mixed in answer.error else answer


def _elsewhere(here: str, roots: Sequence[str]) -> List[str]:
    """List the folders that stand for `here` where the data come from, `here` first; none where there are no others.

    >>> _elsewhere("/a", ["/a", "/b/c"]), _elsewhere("/a", ["/a", "", "/", "b*"])
    (['/a', '/b/c'], [])
    """
    others = [
        root for root in dict.fromkeys(roots) if root != here and root.count("/") > 1 and not set(root) & set("*?[")
    ]
    return [here, *others] if others else []
