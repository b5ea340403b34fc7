"""Write a run as one HTML file: what happened first, then all that shows it. Pure, but for the templates it reads."""

from __future__ import annotations

import base64
import functools
import re
import shlex
import time
from typing import Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from markupsafe import Markup

from ...proof import outcomes as o
from ...proof import report_text, shared_out
from ...proof.claimed import STOLEN
from ...proof.findings import RED_TEST, Finding
from ...proof.report_text import Ending
from ..diagnosis.diagnosis import Diagnosis
from ..record import RunRecord
from . import budget_table, failures, nodes, service_charts, sheets, table, verdicts, words
from . import kept as keeping
from . import tests as testing
from . import timeline as timing
from .kept import Contents, Kept
from .tests import Row
from .text import as_json, clean, short_id
from .timeline import Timeline
from .words import Both

SLOWEST = 10
MOST_MOVES = 20  # from one shard to another
MOST_LINE = 600  # characters of a sentence, finding or command
MOST_FINDINGS = 100
MOST_UNREAD = 50
MOST_KEPT = 60  # files that are not of a red test
LOG_CHARACTERS = 30_000  # of one log
LOGS_CHARACTERS = 90_000  # of all
ERROR = re.compile(r"\b(?:CRITICAL|ERROR|FATAL|PANIC|Traceback|Killed|\w+(?:Error|Exception))\b")  # in a line of a log
BEGINNING = re.compile(r"^(?:the|shard|why|no|it|a|an|tests?)(?= )")  # of a sentence
COMMAND_END = "    ("  # what follows explains a command
# It begins a line, or stands after what is to be done before: "Free some space. Then: nox".
COMMAND = re.compile(
    r"(?:^|: )((?:\S*/)?(?:invoke|nox|pip|python[\d.]*|scripts/bootstrap\.sh|shardline|uv)(?: .*)?)$", re.DOTALL
)


class Next(NamedTuple):
    """What to do next: in words, with the command to type, and what that is good for."""

    advice: str = ""
    command: str = ""
    why: str = ""


def render(
    record: RunRecord,
    happened: Sequence[Diagnosis],
    kept: Optional[Contents] = None,
    *,
    base: str = "",
    refresh_s: int = 0,
) -> str:
    """Write the page of a run.

    Args:
        happened: what its diagnosis found, the most telling first.
        kept: what tests kept and the page shall hold, as `kept.read` has it; by default that is read.
        base: the way from the page to the reports folder, such as "reports/"; other files are linked by it.
        refresh_s: of a run that goes on: after how many seconds the page loads anew; 0 for a run that has ended.
    """
    rows = testing.rows(record, live=bool(refresh_s))
    if kept is None:
        kept = keeping.read(record, [row.nodeid for row in rows if row.is_red])
    view = _View(record, happened, rows, kept, refresh_s)
    html = sheets.template("page.html").render(view=view, base=base, **sheets.files("page.css", "page.js", "sound.js"))
    return html.encode("utf-8", "backslashreplace").decode("utf-8")


class _View:
    """What the template asks for, each made from what is known of the run."""

    def __init__(
        self, record: RunRecord, happened: Sequence[Diagnosis], rows: List[Row], kept: Contents, refresh_s: int
    ) -> None:
        self.record, self.rows, self.refresh_s = record, rows, refresh_s
        self.happened = [_cleaned(each) for each in happened]
        self.timeline: Timeline = timing.timeline(record, rows)
        self.shard_names = [f"r{shard.index}" if shard.is_repair else str(shard.index) for shard in record.shards]
        self._contents = kept
        self._tests_of: Dict[int, List[str]] = {}
        for row in rows:
            self._tests_of.setdefault(row.shard, []).append(row.nodeid)
        self.groups, self.not_detailed = failures.groups(record, rows, self._kept, self._telling)
        charted = service_charts.charts(record, rows, self.timeline.began_s, self.timeline.seconds)
        self.charts = sorted(charted, key=lambda each: not self._is_told_of(each.place))
        self.advice = None if refresh_s else nodes.advice(record, rows)
        self.budgets = budget_table.budget_lines(record)

    @functools.lru_cache(maxsize=None)  # noqa: B019 - lives as long as a page is written
    def _kept(self, place: int) -> List[Kept]:
        return keeping.of_shard(self.record.shards[place], self._contents, self._tests_of.get(place, ()))

    @property
    def _telling(self) -> Sequence[str]:
        """List the tests that the diagnosis is about, where it is not about all that failed."""
        tests = self.happened[0].tests if self.happened else ()
        return tests if len(tests) <= failures.MOST_OF_A_GROUP else tests[:1]

    def _is_told_of(self, place: int) -> bool:
        """Tell whether the first diagnosis is about this shard."""
        shard = self.record.shards[place]
        return bool(self.happened) and not shard.is_repair and shard.index in self.happened[0].shards

    # The head ------------------------------------------------------------------------------------------

    @property
    def state(self) -> str:
        """Say in a word how the run ended: a key of the table of words."""
        if self.refresh_s:
            return "running"
        if self.record.verdict is None and not self.happened:
            return "unproven"
        return "red" if self.happened else "green"

    @property
    def begins_with_word(self) -> bool:
        """Tell whether the sentence begins with a word, which may be shown with a capital, not with a test's name."""
        return bool(BEGINNING.match(self.sentence.en))

    @functools.cached_property
    def sentence(self) -> Both:
        """Say in a sentence what happened."""
        if self.refresh_s:
            red = sum(row.is_red and row.outcome != o.NOT_RUN for row in self.rows)
            done = sum(row.outcome not in (o.NOT_RUN, testing.RUNNING) for row in self.rows)
            return words.say("live_sentence", done=done, tests=len(self.rows), red=red)
        if self.happened:
            return self.told(self.happened[0])
        if self.record.verdict is None and not self.record.results:
            return words.say("no_verdict_sentence")
        if not self.counts_by_name:
            return words.say("no_test_sentence")
        time_s = words.duration(self.timeline.seconds)
        key = "green_sentence" if self.record.verdict else "unmerged_sentence"
        return words.say(key, counts=self._counts(), shards=self._shards(), time=time_s)

    def _counts(self) -> Both:
        """Say how many passed, and what became of the others."""
        passed = self.counts_by_name.get(o.PASSED, 0)
        told = [words.say("test_passed" if passed == 1 else "tests_passed", count=passed)]
        others = ((name, count) for name, count in self.counts_by_name.items() if name != o.PASSED)
        told += [words.say("of_outcome", count=count, outcome=words.outcome(name)) for name, count in others]
        return Both(", ".join(each.en for each in told), "，".join(each.zh for each in told))

    @staticmethod
    def told(cause: Diagnosis) -> Both:
        """Tell of a cause in both languages, as far as it has words of both."""
        return Both(cause.sentence, cause.chinese or cause.sentence)

    def _shards(self) -> Both:
        total = self.record.verdict.total if self.record.verdict else len(self.record.shards)
        if not self.record.verdict and total == 1:
            return words.say("in_shard_of", index=self.record.results[0].index, total=self.record.results[0].total)
        return words.say("in_one_shard") if total < 2 else words.say("in_shards", count=total)

    @functools.cached_property
    def counts_by_name(self) -> Mapping[str, int]:
        """Count the tests of each outcome, the worst first."""
        if self.record.verdict:
            return self.record.verdict.counts
        outcomes = [row.outcome for row in self.rows]
        return {name: outcomes.count(name) for name in (testing.RUNNING, *o.WORST_FIRST) if name in outcomes}

    @functools.cached_property
    def changes(self) -> Mapping[str, int]:
        """Count the tests that changed since the last run."""
        changed = [row.change for row in self.rows if row.change]
        return {name: changed.count(name) for name in testing.CHANGES if name in changed}

    @functools.cached_property
    def facts(self) -> List[Both]:
        """List what identifies the run: when, how long, commit, Python, machine, arguments."""
        results = self.record.results
        found: List[Both] = []
        if self.timeline.seconds:
            found.append(words.say("took", time=words.duration(self.timeline.seconds)))
        if self.timeline.began_s:
            began = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(min(self.timeline.began_s, 4e9)))
            found.append(words.say("began", time=began))
        commits = {result.commit[:12] for result in results if result.commit}
        found += [words.say("commit", commit=clean(commit, 40)) for commit in sorted(commits)[:3]]
        pythons = {result.python for result in results if result.python}
        found += [words.say("python", version=clean(each, 40)) for each in sorted(pythons)[:3]]
        machines = {result.machine for result in results if result.machine}
        found += [Both(each, each) for each in sorted(clean(each, 80) for each in machines)[:3]]
        if self.record.arguments:
            found.append(words.say("run_with", arguments=clean(shlex.join(self.record.arguments), 200)))
        return found

    @functools.cached_property
    def next(self) -> List[Next]:
        """List what to run next, the diagnosis' first."""
        told = [self.happened[0].next] if self.happened and self.happened[0].next else []
        if not told and self.record.verdict and not self.refresh_s:
            told = report_text.next_lines(self._ending())
        if self.happened and not self.refresh_s:
            told = [*told, f"{report_text.reproduction(self.record.command)}    ({report_text.AGAIN})"]
        return [_next(line) for line in told]

    def _ending(self) -> Ending:
        assert self.record.verdict  # noqa: S101 - for mypy
        return Ending(
            self.record.verdict,
            [shard.result for shard in self.record.shards if shard.result and not shard.is_repair],
            command=self.record.command,
            arguments=self.record.arguments,
        )

    # Failed tests --------------------------------------------------------------------------------------

    def again(self, nodeid: str) -> str:
        """Write the command that runs a test again."""
        if not nodeid.isprintable() or len(nodeid) > report_text.LONGEST_NAME:
            return ""
        folder = next((result.folder for result in self.record.results if result.folder), ".")
        return self.record.command("nox", "-s", "integration", "--", report_text.typed(nodeid, "/", folder))

    def shard_name(self, place: int) -> Both:
        """Name the shard that ran a test."""
        shard = self.record.shards[place]
        return words.say("in_repair" if shard.is_repair else "in_shard", index=shard.index)

    @functools.cached_property
    def other_kept(self) -> List[Kept]:
        """List what was kept by tests that are not told of, as far as the page has room."""
        told = {failure.row.nodeid for group in self.groups for failure in group.detailed}
        every = [each for place in range(len(self.record.shards)) for each in self._kept(place)]
        return [each for each in every if each.test not in told or not each.test]

    @functools.cached_property
    def sound(self) -> Both:
        """Say how much sound the page holds."""
        every = [each for place in range(len(self.record.shards)) for each in self._kept(place) if each.kind]
        inside = [each for each in every if each.content is not None]
        total = sum(each.size_bytes for each in inside)
        most = words.size(keeping.MOST_SOUND_BYTES)
        return words.say("sound_kept", embedded=len(inside), all=len(every), bytes=words.size(total), most=most)

    # Times ---------------------------------------------------------------------------------------------

    @functools.cached_property
    def critical(self) -> Optional[Both]:
        """Say what the time of the run was spent on: the steps of the shard that ended last."""
        lanes = [lane for lane in self.timeline.lanes if lane.steps]
        if not lanes:
            return None
        last = max(lanes, key=lambda lane: lane.ended_s)
        steps = [step for step in last.steps if step.seconds >= 0.05]
        told = Both(*(_joined(steps, place) for place in (0, 1)))
        if len(lanes) == 1:
            return words.say("critical_one", steps=told)
        return words.say("critical", name=self.shard_name(last.place), steps=told)

    @functools.cached_property
    def balance(self) -> Optional[Both]:
        """Say how even the shards were."""
        line = self.timeline
        if len([lane for lane in line.lanes if lane.took_s is not None]) < 2 or not line.slowest_s:
            return None
        lost = round(100 * (1 - line.even_s / line.slowest_s))
        return words.say(
            "balance", slowest=words.duration(line.slowest_s), even=words.duration(line.even_s), percent=lost
        )

    @property
    def moved(self) -> List[Both]:
        """Say which shards ran tests in place of others, and how many."""
        told = shared_out.moves(shard.result for shard in self.record.shards if shard.result)[:MOST_MOVES]
        return [words.say("stolen" if move.how == STOLEN else "taken_over", **vars(move)) for move in told]

    @property
    def total(self) -> int:
        """Count the shards of the run."""
        return self.record.verdict.total if self.record.verdict else len(self.record.results)

    @property
    def fixed_s(self) -> float:
        """Say what a node paid beside its tests."""
        return nodes.fixed_s(self.record)

    @functools.cached_property
    def step_names(self) -> List[str]:
        """List the steps that took a time that can be seen."""
        least_s = self.timeline.seconds / 500
        steps = [step for lane in self.timeline.lanes for step in lane.steps if step.seconds > least_s]
        return list(dict.fromkeys(step.name for step in steps))

    @functools.cached_property
    def slowest(self) -> List[Row]:
        """List the tests that took longest."""
        return sorted((row for row in self.rows if row.seconds > 0), key=lambda row: -row.seconds)[:SLOWEST]

    @functools.cached_property
    def slowest_files(self) -> List[Tuple[str, float, int]]:
        """List the files that took longest: name, seconds, percent of all."""
        seconds: Dict[str, float] = {}
        for row in self.rows:
            seconds[row.file] = seconds.get(row.file, 0.0) + row.seconds
        total = sum(seconds.values()) or 1.0
        ordered = sorted(seconds.items(), key=lambda each: (-each[1], each[0]))[:SLOWEST]
        return [(short_id(file, 120), took, round(100 * took / total)) for file, took in ordered if took > 0]

    # What was found ------------------------------------------------------------------------------------

    @functools.cached_property
    def findings(self) -> List[Tuple[Finding, str]]:
        """List what the merge found beside red tests, each with its line."""
        every = [
            each for each in (self.record.verdict.findings if self.record.verdict else ()) if each.kind != RED_TEST
        ]
        return [(each, clean(f"{each.nodeid}  {each.text}".strip(), MOST_LINE)) for each in every[:MOST_FINDINGS]]

    @property
    def more_findings(self) -> int:
        """Count the findings for which there is no room."""
        every = [
            each for each in (self.record.verdict.findings if self.record.verdict else ()) if each.kind != RED_TEST
        ]
        return max(0, len(every) - MOST_FINDINGS)

    @property
    def unread(self) -> List[str]:
        """List what could not be read, each with the reason."""
        missing = [f"{shard.name}: {shard.why_no_result}" for shard in self.record.shards if shard.why_no_result]
        lines = dict.fromkeys([*self.record.unread, *([] if self.refresh_s else missing)])
        return [clean(line, MOST_LINE) for line in lines][:MOST_UNREAD]

    @functools.cached_property
    def logs(self) -> List[Tuple[str, str]]:
        """List the logs of the run, their ends as far as there is room."""
        every = [(log.name, log.text) for log in self.record.logs]
        every += [(f"{shard.folder.name}/{log.name}", log.text) for shard in self.record.shards for log in shard.logs]
        each = min(LOG_CHARACTERS, LOGS_CHARACTERS // max(1, len(every)))
        return [(clean(name, 200), clean(text, each)) for name, text in every[:MOST_KEPT] if text.strip()]

    @staticmethod
    def lines(text: str) -> List[Tuple[str, bool]]:
        """List the lines of a log, and which of them tell of an error."""
        return [(line, bool(ERROR.search(line))) for line in text.split("\n")]

    @staticmethod
    def base64(content: bytes) -> str:
        """Write a file for a data: address."""
        return base64.b64encode(content).decode("ascii")

    @staticmethod
    def text(content: bytes) -> str:
        """Show the text of a file."""
        return clean(content.decode("utf-8", "replace"), keeping.MOST_TEXT_BYTES)

    @staticmethod
    def verdicts(content: bytes) -> List[verdicts.Row]:
        """List what `speech.check` kept of a recording: each measure beside its limits; empty for any other file."""
        return verdicts.parse(content)

    # Data for the scripts ------------------------------------------------------------------------------

    @property
    def data(self) -> Markup:
        """Write the tests, the charts and the words as JSON for a script element."""
        told = {failure.row.nodeid: failure.key for group in self.groups for failure in group.detailed}
        return Markup(  # noqa: S704 - as_json writes no < or &
            as_json(
                {
                    "tests": table.table(self.rows, self.timeline.began_s, self.shard_names, told),
                    "seconds": round(self.timeline.seconds, 1),
                    "charts": [{"shard": chart.place, "points": chart.data} for chart in self.charts],
                    "words": words.WORDS,
                }
            )
        )


def _cleaned(each: Diagnosis) -> Diagnosis:
    return each._replace(
        kind=clean(each.kind, 100),
        sentence=clean(each.sentence, MOST_LINE),
        chinese=clean(each.chinese, MOST_LINE),
        evidence=tuple(clean(line, MOST_LINE) for line in each.evidence[:40]),
        next=clean(each.next, MOST_LINE),
    )


def _next(line: str) -> Next:
    """Part a line about what to do into words, command, and what explains that.

    >>> _next("next: nox -s merge    (the fan-in)"), _next("Look at the log.")
    (Next(advice='', command='nox -s merge', why='the fan-in'), Next(advice='Look at the log.', command='', why=''))
    >>> _next("Free some space. Then: nox -s deps")
    Next(advice='Free some space.', command='nox -s deps', why='')
    """
    text, _, why = (line[len("next: ") :] if line.startswith("next: ") else line).partition(COMMAND_END)
    found = COMMAND.search(text)
    if not found:
        return Next(text)
    advice = re.sub(r"\s*Then$", "", text[: found.start()])
    return Next(
        f"{advice}:" if advice and advice[-1].isalnum() else advice, found[1], why[:-1] if why.endswith(")") else why
    )


def _joined(steps: Sequence[timing.Step], place: int) -> str:
    told = [f"{words.step(step.name)[place]} {words.duration(step.seconds)[place]}" for step in steps]
    return ("，" if place else ", ").join(told)
