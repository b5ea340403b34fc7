"""The page's words in English and Chinese: one table, and what puts numbers and durations into them.

Both languages stand in the page, each marked with its `lang`; CSS shows the one that the reader chose.
"""

from __future__ import annotations

from typing import Dict, NamedTuple, Tuple, Union

from markupsafe import Markup, escape

from ...console import human_bytes, human_seconds
from ...proof import outcomes as o

ENGLISH, CHINESE = "en", "zh"


class Both(NamedTuple):
    """A text in both languages."""

    en: str
    zh: str


Value = Union[str, int, float, Both]

WORDS: Dict[str, Tuple[str, str]] = {
    # The head
    "skip": ("Skip to the tests", "跳到测试列表"),
    "language": ("Language", "语言"),
    "sections": ("Sections", "章节"),
    "green": ("Green", "通过"),
    "red": ("Red", "失败"),
    "running": ("Running", "进行中"),
    "unproven": ("No verdict yet", "尚无结论"),
    "green_sentence": ("{counts} in {shards}, {time}", "{shards}，{counts}，用时 {time}"),
    "unmerged_sentence": (
        "{counts} in {shards}, {time}; what the run proves, the merge will say",
        "{shards}，{counts}，用时 {time}；整个运行的结论由合并给出",
    ),
    "in_shard_of": ("shard index {index} of {total}", "分片 {index}（共 {total} 个）"),
    "tests_passed": ("{count} tests passed", "{count} 个测试通过"),
    "test_passed": ("{count} test passed", "{count} 个测试通过"),
    "of_outcome": ("{count} {outcome}", "{count} 个{outcome}"),
    "no_test_sentence": ("No test was to be run", "没有需要运行的测试"),
    "live_sentence": (
        "{done} of {tests} tests have ended, {red} of them red",
        "{tests} 个测试中 {done} 个已结束，其中 {red} 个失败",
    ),
    "live_note": (
        "The run goes on: this page loads anew every {seconds} s.",
        "运行尚未结束：本页每 {seconds} 秒刷新。",
    ),
    "no_verdict_sentence": (
        "Nothing is proven of this run: no merge has looked at it",
        "此次运行尚未得到证明：还没有合并结果",
    ),
    "in_one_shard": ("one shard", "一个分片"),
    "in_shards": ("{count} shards", "{count} 个分片"),
    "took": ("took {time}", "用时 {time}"),
    "began": ("began {time}", "开始于 {time}"),
    "commit": ("commit {commit}", "提交 {commit}"),
    "python": ("Python {version}", "Python {version}"),
    "run_with": ("run with {arguments}", "参数 {arguments}"),
    "pause": ("Pause", "暂停"),
    "next": ("Run next", "下一步运行"),
    "copy": ("Copy", "复制"),
    "copied": ("Copied", "已复制"),
    "evidence": ("What shows it", "依据"),
    "also": ("Further causes that fit", "其他可能原因"),
    "no_script": (
        "JavaScript is off: the list of all tests, players and search need it. All else is here.",
        "JavaScript 已关闭：测试列表、播放器和搜索需要它，其余内容都在。",
    ),
    # Outcomes
    "outcome_passed": ("passed", "通过"),
    "outcome_failed": ("failed", "失败"),
    "outcome_error": ("error", "错误"),
    "outcome_skipped": ("skipped", "跳过"),
    "outcome_xfailed": ("expected failure", "预期失败"),
    "outcome_xpassed": ("passed unexpectedly", "意外通过"),
    "outcome_unfinished": ("unfinished", "未结束"),
    "outcome_not-run": ("not run", "未运行"),
    "outcome_rerun": ("repeated", "重试"),
    "outcome_running": ("running", "运行中"),
    # Changes
    "new": ("new", "新增"),
    "broke": ("failed now", "新失败"),
    "fixed": ("fixed", "已修复"),
    "flaky": ("flaky", "不稳定"),
    "changes": ("Since the last run", "与上次相比"),
    # Failed tests
    "failures": ("What failed", "失败的测试"),
    "same_cause": ("{count} tests with this message", "{count} 个测试出现此信息"),
    "and_more": ("and {count} more", "另有 {count} 个"),
    "not_detailed": (
        "{count} more red tests are listed below, without details: the page would be too large.",
        "另有 {count} 个失败测试只列在下面的列表中，否则页面过大。",
    ),
    "in_shard": ("shard {index}", "分片 {index}"),
    "in_repair": ("repair {index}", "补跑 {index}"),
    "attempts": ("{count} attempts", "{count} 次尝试"),
    "traceback": ("Traceback", "回溯"),
    "asked": ("What was asked, and answered", "请求与应答"),
    "log_then": ("The service's log at that moment", "当时的服务日志"),
    "log_end": ("The end of the service's log", "服务日志结尾"),
    "log_end_note": ("Its lines carry no time that fits the run.", "日志行没有与运行相符的时间。"),
    "kept": ("What the test kept", "测试保留的文件"),
    "kept_elsewhere": ("Kept by other tests", "其他测试保留的文件"),
    "again": ("Run it again", "再次运行"),
    "was_running": ("It was running when its process ended.", "进程结束时它正在运行。"),
    "pitch_note": (
        "{seconds} s; pitch (the line): {middle} Hz, mostly {low} to {high} Hz",
        "{seconds} 秒；音高（曲线）：{middle} Hz，多在 {low} 至 {high} Hz",
    ),
    "no_pitch_note": ("{seconds} s; no voice with a pitch was found in it", "{seconds} 秒；未检测到音高"),
    "not_embedded": ("not in this page: opened from its folder", "未嵌入本页：从文件夹打开"),
    "sound_kept": (
        "Sound in this page: {embedded} of {all} files, {bytes}, up to {most}.",
        "本页嵌入的声音：{all} 个文件中的 {embedded} 个，{bytes}（上限 {most}）。",
    ),
    # Time line
    "shards": ("Shards", "分片"),
    "step_packages": ("packages", "安装包"),
    "step_weights": ("weights", "权重"),
    "step_service ready": ("service", "服务启动"),
    "step_warm-up": ("warm-up", "预热"),
    "step_tests": ("pytest", "pytest"),
    "step_ran": ("from the first test to the last", "从首个测试到最后一个"),
    "step_other": ("other", "其他"),
    "shard": ("Shard", "分片"),
    "tests": ("Tests", "测试"),
    "about": ("Estimate", "预计"),
    "actual": ("Took", "实际"),
    "tests_only": (
        "Estimate and Took are of the tests alone, without pytest's start.",
        "预计与实际只计测试，不含 pytest 启动。",
    ),
    "decides": ("ended last", "最后结束"),
    "critical": ("Critical path: {name}: {steps}.", "关键路径：{name}：{steps}。"),
    "critical_one": ("The run took so long: {steps}.", "时间构成：{steps}。"),
    "balance": (
        "Balance: the slowest shard's tests took {slowest}, an even share would be {even} ({percent} % lost).",
        "均衡：最慢分片的测试用时 {slowest}，平均为 {even}（损失 {percent} %）。",
    ),
    "stolen": (
        "Shard {index} ran {count} of its {all} tests in place of shard {whose}.",
        "分片 {index} 的 {all} 个测试中，{count} 个是代分片 {whose} 运行的。",
    ),
    "taken_over": (
        "Shard {index} took {count} of its {all} tests over from shard {whose}, which was silent or gave up.",
        "分片 {whose} 无响应或已放弃，分片 {index} 的 {all} 个测试中有 {count} 个是从它接管的。",
    ),
    "no_result": ("left no result", "没有留下结果"),
    "not_run_yet": ("left nothing", "没有留下任何内容"),
    "estimate_mark": ("estimate of its tests", "测试预计结束"),
    # Service
    "service": ("Service while the tests ran", "测试期间的服务"),
    "memory": ("Memory", "内存"),
    "latency": ("Probe latency", "探测延迟"),
    "running_tests": ("Tests that ran", "运行的测试"),
    "peak": ("peak {value}", "峰值 {value}"),
    "budget_of": ("budget {value}", "预算 {value}"),
    "restarts": ("started {count} times", "启动 {count} 次"),
    "chart_label": (
        "{name}: memory up to {memory}, latency up to {latency}",
        "{name}：内存峰值 {memory}，延迟峰值 {latency}",
    ),
    "chart_hint": ("Point at a chart, or focus it and use the arrow keys.", "指向图表，或聚焦后用方向键查看。"),
    # All tests
    "all_tests": ("All tests", "全部测试"),
    "search": ("Search tests", "搜索测试"),
    "search_hint": ("words of the id, or of the message", "标识或信息中的词"),
    "any_outcome": ("any outcome", "所有结果"),
    "red_only": ("red", "失败的"),
    "any_shard": ("any shard", "所有分片"),
    "any_file": ("any file", "所有文件"),
    "any_change": ("any change", "所有变化"),
    "any_duration": ("any duration", "所有时长"),
    "longer_than": ("longer than {time}", "超过 {time}"),
    "outcome": ("Outcome", "结果"),
    "test": ("Test", "测试"),
    "file": ("File", "文件"),
    "change": ("Change", "变化"),
    "duration": ("Duration", "时长"),
    "shown": ("{count} of {all}", "{all} 中的 {count}"),
    "reset": ("Show all", "显示全部"),
    "none_found": ("No test fits.", "没有符合的测试。"),
    "keys": ("/ search · arrows move · Enter opens · Esc closes", "/ 搜索 · 方向键移动 · Enter 打开 · Esc 关闭"),
    "close": ("Close", "关闭"),
    "message": ("Message", "信息"),
    "started": ("Began", "开始"),
    "into_run": ("{time} into the run", "运行后 {time}"),
    "details": ("Details", "详情"),
    "ids_cut": (
        "Ids are cut to {count} characters here: all of them would make the page too large.",
        "此处的测试标识截断为 {count} 个字符，否则页面过大。",
    ),
    "print_cut": ("Printed are the first {count}.", "仅打印前 {count} 个。"),
    # Slowest, nodes, budgets, findings
    "slowest": ("Slowest", "最慢的测试"),
    "slowest_files": ("Slowest files", "最慢的文件"),
    "nodes": ("What more nodes would gain", "增加节点的收益"),
    "node_count": ("Nodes", "节点"),
    "wall": ("Wall time", "总时长"),
    "node_minutes": ("Node-minutes", "节点分钟"),
    "now": ("now", "当前"),
    "advised": ("advised", "建议"),
    "take": ("Take {count}: with more nodes, speed costs more than it gives.", "建议 {count} 个：再增加得不偿失。"),
    "all_pay": ("All {count} pay, and more might.", "{count} 个都值得，更多也可能。"),
    "limit": ("No node takes less than {time}: that is {name}.", "任何节点至少需要 {time}：取决于 {name}。"),
    "predicted": (
        "Predicted by planning with the durations of this run: {fixed} of each node are for all but its tests.",
        "根据本次时长预测：每个节点测试之外需 {fixed}。",
    ),
    "budgets": ("Budgets", "预算"),
    "within": ("kept", "符合"),
    "over": ("exceeded", "超出"),
    "unknown": ("not known", "未知"),
    "none_granted": ("no budget", "无预算"),
    "budget_memory": ("memory", "内存"),
    "budget_gpu_memory": ("GPU memory", "显存"),
    "budget_ready": ("time until ready", "就绪时间"),
    "budget_probe_latency": ("probe latency", "探测延迟"),
    "budget_open_files": ("open files", "打开文件"),
    "budget_growth": ("growth per 100 requests", "每百次请求增长"),
    "found": ("What else was found", "其他发现"),
    "repaired": ("repaired", "已补齐"),
    "harmless": ("not a reason to be red", "不影响结论"),
    "unread": ("What could not be read", "无法读取的内容"),
    "logs": ("Logs", "日志"),
    "made_by": (
        "Made by Shardline. This file is complete: nothing is fetched.",
        "由 Shardline 生成。文件自足，不访问网络。",
    ),
}

_CHINESE_UNITS = ((" min ", " 分 "), (" h ", " 小时 "), (" min", " 分"), (" s", " 秒"))


def say(key: str, **values: Value) -> Both:
    """Say something of the table in both languages.

    >>> say("in_shards", count=4)
    Both(en='4 shards', zh='4 个分片')
    """
    languages = zip(WORDS[key], ({name: of(value, place) for name, value in values.items()} for place in (0, 1)))
    return Both(*(words.format(**filled) for words, filled in languages))


def of(value: Value, place: int) -> str:
    """Give a value in the language at this place."""
    return value[place] if isinstance(value, Both) else str(value)


def markup(text: Value) -> Markup:
    """Turn a text into HTML: escaped, and both languages marked where they differ."""
    if not isinstance(text, Both):
        return escape(str(text))
    if text.en == text.zh:
        return escape(text.en)
    return Markup('<span lang="en">{}</span><span lang="zh">{}</span>').format(*text)


def duration(seconds: float) -> Both:
    """Write a duration.

    >>> duration(125.2), duration(0.0123)
    (Both(en='2 min 05 s', zh='2 分 05 秒'), Both(en='12 ms', zh='12 毫秒'))
    """
    if 0 < seconds < 0.95:
        return Both(f"{round(1000 * seconds)} ms", f"{round(1000 * seconds)} 毫秒")
    english = human_seconds(seconds)
    chinese = english
    for unit, theirs in _CHINESE_UNITS:
        chinese = chinese.replace(unit, theirs)
    return Both(english, chinese)


def size(count: float) -> str:
    """Write a size; the units are the same in both languages."""
    return human_bytes(count)


def outcome(name: str) -> Both:
    """Name an outcome; one of a newer version as it is."""
    return say(f"outcome_{name}") if f"outcome_{name}" in WORDS else Both(name, name)


def step(name: str) -> Both:
    """Name a step of a shard; one that is not known as it is."""
    return say(f"step_{name}") if f"step_{name}" in WORDS else Both(name, name)


RED = frozenset(o.RED)
