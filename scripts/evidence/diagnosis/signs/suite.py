"""Signs of a suite: what pytest says of files, fixtures, markers and options, and what tests see of a service."""

from __future__ import annotations

from .. import kinds as k
from .sign import sign

SIGNS = (
    sign(
        k.COLLECTION,
        r"fixture '(?P<name>[^']+)' not found",
        "there is no fixture {name}: its plugin is not installed, or its conftest.py is not there",
        "找不到 fixture {name}：插件未安装或缺少 conftest.py",
        "Name the plugin in suite.requirements, or correct the name.",
    ),
    sign(
        k.COLLECTION,
        r"'(?P<name>\w+)' not found in `markers` configuration option|Unknown pytest\.mark\.(?P<name2>\w+)",
        "the marker ⟦{name}⟧⟦{name2}⟧ is not known",
        "未注册的标记 ⟦{name}⟧⟦{name2}⟧",
        "Name it in `markers` of pytest's configuration, or install the plugin that has it.",
        alarming=False,
    ),
    sign(
        k.COLLECTION,
        r"Error importing plugin \"(?P<name>[^\"]+)\"|PluginValidationError",
        "pytest cannot import its plugin⟦ {name}⟧",
        "pytest 无法导入插件⟦ {name}⟧",
        "Name its package in suite.requirements.",
    ),
    sign(
        k.COLLECTION,
        r"(?P<kind>SyntaxError|IndentationError|TabError): (?P<what>[^\n]+)",
        "{kind}: {what}",
        "语法错误 {kind}：{what}",
        "Correct that line.",
        alarming=False,
    ),
    sign(
        k.COLLECTION,
        r"import file mismatch",
        "two test files have one name, and no package around them",
        "两个测试文件同名且不在包中",
        "Give them other names, or set --import-mode=importlib.",
    ),
    sign(
        k.TIMED_OUT,
        r"Read timed out\.? ?(\(read timeout=(?P<time>[\d.]+)\))?|ReadTimeout|TimeoutError: timed out"
        r"|socket\.timeout|\btimed out\b"
        r"|Timeout >(?P<time2>[\d.]+)s",
        "the service did not answer in time⟦ ({time} s)⟧⟦ ({time2} s)⟧",
        "服务未及时响应⟦（{time} 秒）⟧⟦（{time2} 秒）⟧",
        "See latency and load around then in monitor.jsonl; let the tests wait longer, or the service work faster.",
        alarming=False,
    ),
    sign(
        k.UNREACHABLE,
        r"Connection refused|\[Errno 111\]|ConnectionRefusedError|Connection reset by peer|RemoteDisconnected"
        r"|Connection aborted"
        r"|ConnectionResetError|Failed to establish a new connection|Server disconnected",
        "the service could not be reached",
        "无法连接服务",
        "Do the tests ask SERVICE_URL? Its address is another one in each run.",
        alarming=False,
    ),
)
