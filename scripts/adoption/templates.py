"""The texts of the files that an adopted project gets; `@NAME@` is filled in by `proposal`."""

from __future__ import annotations

NOXFILE = '''\
"""The slow integration tests of this service, run by Shardline: `nox -l` is the menu. Made by `shardline adopt`."""
import os
import pathlib
import sys

import nox

nox.options.sessions = ["integration"]  # what a plain `nox` runs
nox.options.default_venv_backend = "uv|venv"
HERE = pathlib.Path(sys.executable).with_name("shardline")  # beside nox, else the one on PATH
PYTHONS = [@PYTHONS@]  # each is a session, `integration-@PYTHON@`; `nox -s matrix` runs them all
SHARDLINE = "@SHARDLINE@"  # what pip installs for these@EDIT@
STEPS = {
@STEPS@
}


def run(session, *words):
    """Run `shardline STEP`, which ends with us, and has time to stop the service."""
    environ = {"SHARDLINE_PARENT": str(os.getpid()), "SHARDLINE_SHELL_PATH": os.environ.get("PATH", "")}
    words = [*words, *session.posargs]
    session.run(*words, env=environ, external=True, interrupt_timeout=30, terminate_timeout=15)


def add(step, text):
    """Make the session of one step."""

    def session(session):
        more = ["--run"] if step == "matrix" else []
        run(session, str(HERE) if HERE.exists() else "shardline", step, *more)

    session.__doc__ = text
    nox.session(session, name=step, python=False, default=False)


def add_python(python):
    """Make the session of the tests on one Python, in an environment of its own."""

    def session(session):
        session.install(SHARDLINE)
        run(session, "shardline", "integration")

    session.__doc__ = f"integration on Python {python}."
    nox.session(session, name=f"integration-{python}", python=python, default=False)


for step, text in STEPS.items():
    add(step, text)
for python in PYTHONS:
    add_python(python)
'''

STEPS = {
    "integration": "Start the service, run the tests in shards, prove that each ran once; `-- --nodes 4`.",
    "plan": "Show which tests run on which of N nodes and what each takes; `-- --nodes 4`.",
    "shard": "Run one shard: `-- 2 4` is the third of four, in CI no arguments.",
    "merge": "Prove that every test ran exactly once; `-- --run-missing` runs those that did not.",
    "verdict": "Fail where this shard did: CI's last step, after it has kept the result.",
    "matrix": "Run the tests on each of PYTHONS in turn, and lay the results side by side.",
    "isolation": "Say which tests depend on which; `-- --write` keeps those together.",
    "deps": "Install the environments of the suite and the service.",
    "models": "Fetch and verify the model weights.",
    "serve": "Start the service and keep it until Ctrl-C; `-- --port 7860` chooses the port.",
    "lock": "Pin the packages: make *.lock files from requirements.txt files.",
}

CIRCLECI = """\
# Made by `shardline adopt`. Each job is checkout, caches, commands that a person can run at home, and what to keep.
version: 2.1

parameters:
  shards: {type: integer, default: 4}
  shardline: {type: string, default: "@SHARDLINE@"}  # what pip installs@EDIT@

executors:
  python:
    docker: [{image: "cimg/python:@PYTHON@"}]
    resource_class: large

commands:
  # A key holds all that decides what its cache holds: a node takes a cache as it is, or finds none.
  restore:
    steps:
      - run: {name: Which Python, command: "mkdir -p .pipeline && { python -VV; pwd; } > .pipeline/python"}
      - restore_cache:
          keys: ['v1-tools-{{ arch }}-{{ checksum ".pipeline/python" }}-{{ checksum ".circleci/config.yml" }}']
      - run:
          name: Shardline
          command: >-
            .venv/bin/shardline --version ||
            (python -m venv --clear .venv && .venv/bin/pip install "<< pipeline.parameters.shardline >>" uv)
      - run: {name: Which caches, command: .venv/bin/shardline deps --digests .pipeline}
      - restore_cache: {keys: ['v1-packages-{{ arch }}-{{ checksum ".pipeline/packages.sha256" }}']}
  restore_weights:
    steps:
      - restore_cache: {keys: ['v1-weights-{{ checksum ".pipeline/weights.sha256" }}']}
  # Each shard makes the plan itself, of one history: that which the first of this pipeline's nodes found, even if none.
  restore_history:
    steps:
      - run: {name: No history yet, command: touch .pipeline/timings.json}
      - restore_cache: {keys: [v1-history-<< pipeline.id >>, "v1-timings-{{ .Branch }}-", v1-timings-]}
      - save_cache: {key: v1-history-<< pipeline.id >>, paths: [.pipeline/timings.json, .pipeline/outcomes.json]}
      - restore_cache: {keys: [v1-history-<< pipeline.id >>]}
      # "Rerun workflow from failed" keeps the workspace: what the last try in it left red or without a result.
      - restore_cache: {keys: ["v1-rerun-{{ .Environment.CIRCLE_WORKFLOW_WORKSPACE_ID }}-"]}

jobs:
  # Makes what caches lack, beside the shards: they wait for nobody, and only this one saves.
  caches:
    executor: python
    steps:
      - checkout
      - restore
      - restore_weights
      - run: {name: Packages, command: .venv/bin/shardline deps --compile}
      - run: {name: Weights, command: .venv/bin/shardline models}
      - save_cache:
          key: 'v1-tools-{{ arch }}-{{ checksum ".pipeline/python" }}-{{ checksum ".circleci/config.yml" }}'
          paths: [.venv]
      - save_cache:
          key: 'v1-packages-{{ arch }}-{{ checksum ".pipeline/packages.sha256" }}'
          paths: [.pipeline/environments]
      - save_cache: {key: 'v1-weights-{{ checksum ".pipeline/weights.sha256" }}', paths: [cache_hub]} # models.directory
      - run: {name: Debug bundle, command: .venv/bin/shardline debug-bundle, when: on_fail}
      - store_artifacts: {path: reports}

  shard:
    executor: python
    parallelism: << pipeline.parameters.shards >>
    steps:
      - checkout
      - restore
      - restore_weights
      - restore_history
      # A failed step would keep the result from the workspace, and so from the merge: the verdict comes last.
      - run:
          name: Shard
          command: .venv/bin/shardline shard --defer-verdict --rerun-failed
          no_output_timeout: 20m
      - persist_to_workspace: {root: ., paths: [reports/shard-*]}
      - run: {name: Verdict, command: .venv/bin/shardline verdict}
      # What a killed shard left holds secrets until the bundle has taken them out: so it is kept after that.
      - run: {name: Debug bundle, command: .venv/bin/shardline debug-bundle, when: on_fail}
      - store_test_results: {path: reports}
      - store_artifacts: {path: reports}

  merge:
    executor: python
    steps:
      - checkout
      - attach_workspace: {at: .}
      - restore
      - restore_cache: {keys: ["v1-rerun-{{ .Environment.CIRCLE_WORKFLOW_WORKSPACE_ID }}-"]}
      - restore_cache: {keys: ["v1-timings-{{ .Branch }}-", v1-timings-]}
      - run: {name: Merge, command: .venv/bin/shardline merge}
      - save_cache:
          key: "v1-timings-{{ .Branch }}-{{ .Revision }}-{{ epoch }}" # keys are never replaced, and a commit runs again
          paths: [.pipeline/timings.json, .pipeline/outcomes.json, .pipeline/costs.json]
          when: always
      - save_cache:
          key: "v1-rerun-{{ .Environment.CIRCLE_WORKFLOW_WORKSPACE_ID }}-{{ epoch }}"
          paths: [.pipeline/rerun.json]
          when: always
      - run: {name: Debug bundle, command: .venv/bin/shardline debug-bundle, when: on_fail}
      - store_artifacts: {path: reports}

workflows:
  integration:
    jobs:
      - caches
      - shard # where caches are mostly cold, let one node fill them first: `- shard: {requires: [caches]}`
      - merge: {requires: [{shard: terminal}]} # also after failed shards: it names what is missing
"""

GITIGNORE = """\
# what runs of Shardline make and keep (`shardline adopt`)
reports/
.pipeline/
cache_hub/
.nox/
.venv/
"""

TEST = '''\
"""An example: the service is there and does its work. Made by `shardline adopt`; write yours beside it.

SERVICE_URL is the address of the service that Shardline started for this shard.
"""

import os

@IMPORTS@


def url(path):
    return os.environ["SERVICE_URL"] + path


@READY@

@WORKS@'''

READY_TEST = """\
def test_the_service_is_ready():
    answer = requests.get(url("@PATH@"), timeout=60)

    assert answer.ok, f"{answer.status_code}: {answer.text[:500]}"
"""

CALL_TEST = """\
@SKIP@def test_the_service_works():
    answer = requests.@VERB@(url(@PATH@), @BODY@timeout=300)

    assert answer.ok, f"{answer.status_code}: {answer.text[:500]}"
    assert answer.content
"""

GRADIO_TEST = """\
@SKIP@def test_the_function_works():
    body = {"data": ["hello"]}  # its arguments; the page's "Use via API" shows them
    event = requests.post(url("/gradio_api/call/@NAME@"), json=body, timeout=60).json()["event_id"]
    answer = requests.get(url(f"/gradio_api/call/@NAME@/{event}"), timeout=300)

    assert "event: complete" in answer.text, answer.text[:500]
"""

SKIP = '@pytest.mark.skip(reason="{} here, then take this line out")\n'

CONFTEST = '''\
"""Made by `shardline adopt`: these tests read the service's address in @VARIABLE@, Shardline says it in SERVICE_URL."""
import os

if "SERVICE_URL" in os.environ:
    os.environ["@VARIABLE@"] = os.environ["SERVICE_URL"]
'''
