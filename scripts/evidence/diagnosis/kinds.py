"""The kinds of causes, and the rule by which one comes before another: what brings others about stands first.

A full disk comes before the collection error that it brings about, a kill for memory before the forty refused
connections after it, another plan before the tests that it lost. So the kinds are listed from the machine upwards:
machine, environment, service, suite, proof, tests, limits. Of two causes of one kind the one with more tests is first.
"""

from __future__ import annotations

from typing import Dict, Tuple

# Ourselves: then nothing below is to be relied on.
OUR_CRASH = "crash of Shardline itself"
ALREADY_RUNNING = "another run at work"
# The machine.
DISK_FULL = "disk full"
MEMORY = "killed for memory"
GPU_MEMORY = "GPU out of memory"
OPEN_FILES = "too many open files"
# What must be there before anything starts.
SETTINGS = "setting not usable"
ARGUMENT = "argument not known"
PERMISSION = "no permission"
NO_COMMAND = "program not there"
WRONG_PYTHON = "wrong Python"
PROXY = "proxy in the way"
NETWORK = "network not reachable"
DIGEST = "digest mismatch"
WEIGHTS_MISSING = "weights missing"
WEIGHTS_WRONG = "weights wrong"
BUILD = "package cannot be built"
PACKAGES = "packages cannot be installed"
MODULE = "module missing"
VERSIONS = "package versions do not fit"
LIBRARY = "shared library missing"
GPU_MISSING = "CUDA not there"
GPU_BROKEN = "CUDA error"
PORT = "port taken"
PREPARE = "service.prepare failed"
# The service.
TLS = "service speaks TLS"
LISTENS_ELSEWHERE = "service listens elsewhere"
WRONG_PATH = "readiness path wrong"
SLOW_START = "service loads slowly"
HANGS_AT_START = "service hangs at its start"
NOT_READY = "service not ready in time"
DIED_AT_START = "service died at its start"
KILLED = "service killed from outside"
CRASHED = "service crashed in a test"
HUNG = "service hung in a test"
DIED = "service died"
MODEL_NOT_LOADED = "model not loaded"
CANNOT_WORK = "service cannot work"
SERVICE_ERRORS = "service answers with errors"
# The suite.
COLLECTION = "tests cannot be collected"
NO_TESTS = "no test selected"
TEST_KILLED_PROCESS = "test ended its process"
TEST_HUNG = "test hung"
PYTEST_DIED = "pytest died"
# What ended the run.
INTERRUPTED = "interrupted by a person"
RUNNER_KILLED = "runner killed"
# The proof.
PLAN_DIFFERED = "plan differed between nodes"
SOURCES_DIFFER = "sources differ"
ARGUMENTS_DIFFER = "arguments differ"
COLLECTION_DIFFERS = "collections differ"
SHARD_MISSING = "shard missing"
DAMAGED = "result damaged"
STOPPED = "stopped by -x or --maxfail"
CUT_SHORT = "shard cut short"
# The tests.
FIXTURE = "shared fixture fails"
TIMED_OUT = "answers too slow"
ONE_SIGNATURE = "many tests, one error"
FLAKY = "flaky test"
ORDER = "order dependence"
ASSERTION = "assertion failed"
UNREACHABLE = "service not reachable for tests"
# Limits that passed tests do not keep.
LEAK = "memory leak"
LATENCY = "latency over budget"
OVER_BUDGET = "service over budget"
COVERAGE = "coverage too low"
# What follows from others, where nothing else is known.
LOST = "tests without a result"
OTHER = "other"
UNKNOWN = "unknown"

ROOTS_FIRST: Tuple[str, ...] = (
    OUR_CRASH,
    ALREADY_RUNNING,
    DISK_FULL,
    MEMORY,
    GPU_MEMORY,
    OPEN_FILES,
    SETTINGS,
    ARGUMENT,
    PERMISSION,
    NO_COMMAND,
    WRONG_PYTHON,
    PROXY,
    NETWORK,
    DIGEST,
    WEIGHTS_MISSING,
    WEIGHTS_WRONG,
    BUILD,
    PACKAGES,
    VERSIONS,
    LIBRARY,
    MODULE,
    GPU_MISSING,
    GPU_BROKEN,
    PORT,
    PREPARE,
    TLS,
    LISTENS_ELSEWHERE,
    WRONG_PATH,
    SLOW_START,
    HANGS_AT_START,
    NOT_READY,
    DIED_AT_START,
    KILLED,
    CRASHED,
    HUNG,
    DIED,
    MODEL_NOT_LOADED,
    CANNOT_WORK,
    SERVICE_ERRORS,
    INTERRUPTED,
    COLLECTION,
    NO_TESTS,
    TEST_KILLED_PROCESS,
    TEST_HUNG,
    RUNNER_KILLED,
    PYTEST_DIED,
    PLAN_DIFFERED,
    SOURCES_DIFFER,
    ARGUMENTS_DIFFER,
    COLLECTION_DIFFERS,
    SHARD_MISSING,
    DAMAGED,
    FIXTURE,
    TIMED_OUT,
    ONE_SIGNATURE,
    FLAKY,
    ORDER,
    ASSERTION,
    UNREACHABLE,
    STOPPED,
    CUT_SHORT,
    LEAK,
    LATENCY,
    OVER_BUDGET,
    COVERAGE,
    LOST,
    OTHER,
    UNKNOWN,
)
RANK: Dict[str, int] = {kind: rank for rank, kind in enumerate(ROOTS_FIRST)}
