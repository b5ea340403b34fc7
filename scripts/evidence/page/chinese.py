"""The Chinese of what the diagnosis and the commands say in English: kinds of causes, and advice in fixed words."""

from __future__ import annotations

from typing import Dict

from ..diagnosis import kinds as k
from .words import Both

KINDS: Dict[str, str] = {
    k.OUR_CRASH: "Shardline 自身崩溃",
    k.ALREADY_RUNNING: "已有另一个运行",
    k.DISK_FULL: "磁盘已满",
    k.MEMORY: "内存不足被杀",
    k.GPU_MEMORY: "显存不足",
    k.OPEN_FILES: "打开的文件过多",
    k.SETTINGS: "设置无效",
    k.ARGUMENT: "参数未知",
    k.PERMISSION: "权限不足",
    k.NO_COMMAND: "找不到程序",
    k.WRONG_PYTHON: "Python 版本不符",
    k.PROXY: "代理问题",
    k.NETWORK: "网络不可达",
    k.DIGEST: "校验和不符",
    k.WEIGHTS_MISSING: "缺少权重",
    k.WEIGHTS_WRONG: "权重有误",
    k.BUILD: "依赖包构建失败",
    k.PACKAGES: "依赖包安装失败",
    k.MODULE: "缺少模块",
    k.VERSIONS: "依赖版本冲突",
    k.LIBRARY: "缺少共享库",
    k.GPU_MISSING: "CUDA 不可用",
    k.GPU_BROKEN: "CUDA 错误",
    k.PORT: "端口被占用",
    k.PREPARE: "service.prepare 失败",
    k.TLS: "服务使用 TLS",
    k.LISTENS_ELSEWHERE: "服务监听在别处",
    k.WRONG_PATH: "就绪检查路径有误",
    k.SLOW_START: "服务加载缓慢",
    k.HANGS_AT_START: "服务启动时卡住",
    k.NOT_READY: "服务未按时就绪",
    k.DIED_AT_START: "服务启动时退出",
    k.KILLED: "服务被外部杀死",
    k.CRASHED: "服务在测试中崩溃",
    k.HUNG: "服务在测试中卡住",
    k.DIED: "服务退出",
    k.MODEL_NOT_LOADED: "模型未加载",
    k.CANNOT_WORK: "服务无法工作",
    k.SERVICE_ERRORS: "服务返回错误",
    k.COLLECTION: "测试无法收集",
    k.NO_TESTS: "没有选中测试",
    k.TEST_KILLED_PROCESS: "测试结束了自己的进程",
    k.TEST_HUNG: "测试卡住",
    k.PYTEST_DIED: "pytest 退出",
    k.INTERRUPTED: "人为中断",
    k.RUNNER_KILLED: "运行器被杀死",
    k.PLAN_DIFFERED: "各节点计划不一致",
    k.SOURCES_DIFFER: "源码不一致",
    k.ARGUMENTS_DIFFER: "参数不一致",
    k.COLLECTION_DIFFERS: "收集结果不一致",
    k.SHARD_MISSING: "缺少分片",
    k.DAMAGED: "结果损坏",
    k.STOPPED: "因 -x 或 --maxfail 停止",
    k.CUT_SHORT: "分片未完成",
    k.FIXTURE: "共享 fixture 失败",
    k.TIMED_OUT: "应答过慢",
    k.ONE_SIGNATURE: "多个测试同一错误",
    k.FLAKY: "不稳定的测试",
    k.ORDER: "依赖测试顺序",
    k.ASSERTION: "断言失败",
    k.UNREACHABLE: "测试连不上服务",
    k.LEAK: "内存泄漏",
    k.LATENCY: "延迟超出预算",
    k.OVER_BUDGET: "服务超出预算",
    k.COVERAGE: "覆盖率过低",
    k.LOST: "测试没有结果",
    k.OTHER: "其他",
    k.UNKNOWN: "原因未知",
}

PHRASES: Dict[str, str] = {
    # Behind a command
    "the same tests in the same order again": "以相同顺序重跑相同的测试",
    "only what failed": "只跑失败的测试",
    "where that passes: which tests need which": "若单独通过：查明测试之间的依赖",
    "only the slowest file": "只跑最慢的文件",
    "all of it again": "全部重跑",
    "that shard again": "重跑该分片",
    # Before one
    "See its log around then.": "请看当时的服务日志。",
    "See its log.": "请看它的日志。",
    "The service's log says why: service.log.": "原因在服务日志 service.log 中。",
    "See its log for where; PYTHONFAULTHANDLER=1 in service.environment names the line of a crash.": (
        "崩溃位置请看日志；在 service.environment 中设置 PYTHONFAULTHANDLER=1 可得到崩溃的代码行。"
    ),
    "Somebody, or something else, sent SIGKILL: a limit of the container's host (see its events), or a person.": (
        "SIGKILL 来自外部：容器宿主机的限制（请看其事件），或某个人。"
    ),
    "Somebody, or something else, sent it: a supervisor, the container's host, a person, or a program of its own.": (
        "信号来自外部：监管程序、容器宿主机、某个人，或它自己的程序。"
    ),
    "Give it more memory, or run fewer shards at once (--at-once 1).": (
        "请增加内存，或减少同时运行的分片（--at-once 1）。"
    ),
    "Give it more memory, or run fewer shards at once (--at-once 1); service.budgets.memory would have told before.": (
        "请增加内存，或减少同时运行的分片（--at-once 1）；设置 service.budgets.memory 可提前发现。"
    ),
    "See what it did then: its log, and monitor.jsonl (processor at rest: it waits; at work: it loops).": (
        "请看当时的日志和 monitor.jsonl（CPU 空闲：在等待；CPU 忙：死循环）。"
    ),
    "Run the rest.": "运行剩余的测试。",
    "Run that shard again.": "请重跑该分片。",
    "Run it alone, several times.": "请单独多跑几次。",
    "Give all shards the same arguments, and the same Python.": "请给所有分片相同的参数和相同的 Python。",
    "All nodes must run one commit, and nothing may be edited meanwhile.": (
        "所有节点必须运行同一提交，期间不得修改文件。"
    ),
    "See that node in CI: cancelled, out of time, or its results were not kept.": (
        "请在 CI 中查看该节点：被取消、超时，或结果没有保存。"
    ),
    "See that node in CI: memory, time limit, cancelled; dmesg tells of kills for memory.": (
        "请在 CI 中查看该节点：内存、时限或被取消；dmesg 会显示因内存被杀的进程。"
    ),
    "It passed in a run of the same code. Find out which tests need which, and keep them together (suite.together).": (
        "同样的代码曾经通过。请查明测试之间的依赖，并用 suite.together 让它们留在一起。"
    ),
    "What it took each second stands in monitor.jsonl, with the test that ran: find what costs it, or grant more in "
    "service.budgets.": "monitor.jsonl 有每秒的用量和当时的测试：请找出原因，或放宽 service.budgets。",
    "Stop what has the port, or leave service.port out, so that every start takes a free one.": (
        "请停止占用端口的程序，或不写 service.port，让每次启动使用空闲端口。"
    ),
}


def kind(name: str) -> Both:
    """Name a kind of cause."""
    return Both(name, KINDS.get(name, name))


def phrase(text: str) -> Both:
    """Give what has fixed words in both languages; anything else as it is.

    >>> phrase("Run the rest."), phrase("x")
    (Both(en='Run the rest.', zh='运行剩余的测试。'), Both(en='x', zh='x'))
    """
    return Both(text, PHRASES.get(text, text))
