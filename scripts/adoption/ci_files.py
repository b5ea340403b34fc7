"""Which CI runs an adopted project, and what stands in its file; the files in .circleci/examples are made here too."""

from __future__ import annotations

import json
import re
from typing import Collection, Dict, NamedTuple, Sequence, Tuple

from ..settings.project import EDIT
from .templates import CIRCLECI

GITHUB = """\
# Made by `shardline adopt` as .github/workflows/shardline.yml. What a job does, a person can do at home by the same
# commands: `shardline shard 2 4` is the third of four shards.
# In a copy of Shardline itself: scripts/bootstrap.sh python -m scripts for .venv/bin/shardline, and pip installs "uv".
name: integration
on:
  push: {branches: [main, master]}
  pull_request:
  workflow_dispatch:

permissions: {contents: read}
concurrency: # a push to a pull request ends the run of the push before
  group: ${{ github.workflow }}-${{ github.ref }}
  cancel-in-progress: ${{ github.event_name == 'pull_request' }}

env:
  SHARDLINE: "@SHARDLINE@" # what pip installs@EDIT@
  HISTORY: ".pipeline/timings.json\\n.pipeline/outcomes.json"

jobs:
  shard:
    runs-on: ubuntu-24.04
    timeout-minutes: 30
    strategy:
      fail-fast: false
      matrix: {shard: [0, 1, 2, 3]} # as many shards as are listed
    env: {SHARDLINE_INDEX: "${{ strategy.job-index }}", SHARDLINE_TOTAL: "${{ strategy.job-total }}"}
    steps:
      - uses: actions/checkout@v5
        with: {persist-credentials: false}
      - uses: actions/setup-python@v6
        id: py
        with: {python-version: "@PYTHON@"}
      # A key holds all that decides what its cache holds: a shard takes a cache as it is, or finds none.
      - uses: actions/cache/restore@v5
        id: tools
        with:
          path: .venv
          key: v1-tools-${{ steps.py.outputs.python-path }}-${{ hashFiles('.github/**/*.yml', 'requirements.lock') }}
      - name: Shardline
        if: steps.tools.outputs.cache-hit != 'true'
        run: python -m venv --clear .venv && .venv/bin/pip install "$SHARDLINE" uv
      - name: Which caches
        run: .venv/bin/shardline deps --digests .pipeline
      - uses: actions/cache/restore@v5
        id: packages
        with:
          path: .pipeline/environments
          key: v1-packages-${{ runner.os }}-${{ runner.arch }}-${{ hashFiles('.pipeline/packages.sha256') }}
      - uses: actions/cache/restore@v5
        id: weights
        with:
          path: cache_hub
          key: v1-weights-${{ hashFiles('.pipeline/weights.sha256') }}

      # The first shard saves what caches lack, before its tests; the others wait for nobody.
      - name: Packages
        if: strategy.job-index == 0 && steps.packages.outputs.cache-hit != 'true'
        run: .venv/bin/shardline deps --compile
      - name: Weights
        if: strategy.job-index == 0 && steps.weights.outputs.cache-hit != 'true'
        run: .venv/bin/shardline models
      - uses: actions/cache/save@v5
        if: strategy.job-index == 0 && steps.tools.outputs.cache-hit != 'true'
        with:
          path: .venv
          key: ${{ steps.tools.outputs.cache-primary-key }}
      - uses: actions/cache/save@v5
        if: strategy.job-index == 0 && steps.packages.outputs.cache-hit != 'true'
        with:
          path: .pipeline/environments
          key: ${{ steps.packages.outputs.cache-primary-key }}
      - uses: actions/cache/save@v5
        if: strategy.job-index == 0 && steps.weights.outputs.cache-hit != 'true'
        with:
          path: cache_hub
          key: ${{ steps.weights.outputs.cache-primary-key }}

      # Each shard makes the plan itself, of one history: that which the first of this run's shards found, even if none.
      - name: No history yet
        run: touch .pipeline/timings.json
      - uses: actions/cache/restore@v5
        with:
          path: ${{ env.HISTORY }}
          key: v1-history-${{ github.run_id }}
          restore-keys: v1-timings-
      - uses: actions/cache/save@v5
        with:
          path: ${{ env.HISTORY }}
          key: v1-history-${{ github.run_id }}
      - uses: actions/cache/restore@v5
        with:
          path: ${{ env.HISTORY }}
          key: v1-history-${{ github.run_id }}

      - name: Shard
        run: .venv/bin/shardline shard
      # What a killed shard left holds secrets until the bundle has taken them out: so it is kept after that.
      - name: Debug bundle
        id: bundle
        if: failure() || cancelled()
        run: .venv/bin/shardline debug-bundle
      - uses: actions/upload-artifact@v6
        if: success() || steps.bundle.outcome == 'success'
        with:
          name: shard-${{ strategy.job-index }}
          path: reports/shard-*
          include-hidden-files: true
          overwrite: true # a job that is run again has the name of the first
      - uses: actions/upload-artifact@v6
        if: always() && steps.bundle.outcome == 'success'
        with:
          name: debug-bundle-${{ strategy.job-index }}
          path: reports/debug-bundle.tar.gz
          overwrite: true

  merge:
    needs: shard
    if: ${{ !cancelled() }} # also after failed shards: it names what is missing
    runs-on: ubuntu-24.04
    timeout-minutes: 15
    steps:
      - uses: actions/checkout@v5
        with: {persist-credentials: false}
      - uses: actions/setup-python@v6
        id: py
        with: {python-version: "@PYTHON@"}
      - uses: actions/cache/restore@v5
        id: tools
        with:
          path: .venv
          key: v1-tools-${{ steps.py.outputs.python-path }}-${{ hashFiles('.github/**/*.yml', 'requirements.lock') }}
      - name: Shardline
        if: steps.tools.outputs.cache-hit != 'true'
        run: python -m venv --clear .venv && .venv/bin/pip install "$SHARDLINE" uv
      - name: Which caches
        run: .venv/bin/shardline deps --digests .pipeline
      - uses: actions/cache/restore@v5
        with:
          path: .pipeline/environments
          key: v1-packages-${{ runner.os }}-${{ runner.arch }}-${{ hashFiles('.pipeline/packages.sha256') }}
      - uses: actions/download-artifact@v7
        with: {pattern: shard-*, path: reports, merge-multiple: true}
      - uses: actions/cache/restore@v5
        with:
          path: ${{ env.HISTORY }}
          key: v1-timings-${{ github.run_id }}-${{ github.run_attempt }}
          restore-keys: v1-timings-
      - name: Merge
        run: .venv/bin/shardline merge
      - uses: actions/cache/save@v5
        if: ${{ !cancelled() }}
        with:
          path: ${{ env.HISTORY }}
          key: v1-timings-${{ github.run_id }}-${{ github.run_attempt }} # keys are never replaced
      - name: Debug bundle
        id: bundle
        if: failure()
        run: .venv/bin/shardline debug-bundle
      - uses: actions/upload-artifact@v6
        if: success() || steps.bundle.outcome == 'success'
        with:
          name: report
          path: reports/*.*
          overwrite: true
"""

GITLAB = """\
# Made by `shardline adopt` as .gitlab-ci.yml, or to be included in one: nothing here is about other jobs. What a job
# does, a person can do at home by the same commands: `shardline shard 2 4` is the third of four shards.
# In a copy of Shardline itself: scripts/bootstrap.sh python -m scripts for .venv/bin/shardline, and pip installs "uv".
.shardline:
  image: python:@PYTHON@
  rules: [{if: $CI_COMMIT_BRANCH}]
  interruptible: true
  timeout: 30 minutes
  retry: {max: 1, when: runner_system_failure}
  variables:
    SHARDLINE: "@SHARDLINE@" # what pip installs@EDIT@
  before_script:
    - .venv/bin/shardline --version || (python -m venv --clear .venv && .venv/bin/pip install "$SHARDLINE" uv)
  # What a killed shard left holds secrets until the bundle has taken them out: what that cannot read is not kept.
  after_script:
    - test "$CI_JOB_STATUS" = success || .venv/bin/shardline debug-bundle || rm -rf reports

# What lies in a cache is named by its digest, and checked: one that is out of date costs time, and does no harm.
.caches:
  tools: &tools
    key: {prefix: tools, files: [@CI_FILE@, requirements.lock]}
    paths: [.venv]
    policy: pull
  packages: &packages
    key: {prefix: packages, files: [@REQUIREMENTS@]}
    paths: [.pipeline/environments]
    policy: pull
  weights: &weights
    key: weights
    paths: [cache_hub]
    policy: pull
  timings: &timings
    key: timings-$CI_COMMIT_REF_SLUG
    fallback_keys: [timings-$CI_DEFAULT_BRANCH]
    unprotect: true # else no branch finds what a protected one has learnt; they decide the order of tests, and no more
    paths: [.pipeline/timings.json, .pipeline/outcomes.json]
    policy: pull

# Makes what caches lack, beside the shards: they wait for nobody. By hand where a runner has lost its caches.
caches:
  extends: .shardline
  needs: []
  rules:
    - if: $CI_COMMIT_BRANCH
      changes: [@CI_FILE@, pipeline.yml, "**/*requirements*"]
    - if: $CI_COMMIT_BRANCH
      when: manual
      allow_failure: true
  cache:
    - {<<: *tools, policy: pull-push}
    - {<<: *packages, policy: pull-push}
    - {<<: *weights, policy: pull-push}
  script:
    - .venv/bin/shardline deps --compile
    - .venv/bin/shardline models

# Each shard makes the plan itself, of one history: that which was there when the pipeline began, even if none.
history:
  extends: .shardline
  needs: []
  variables: {GIT_STRATEGY: none}
  cache: [*timings]
  before_script: [mkdir -p .pipeline]
  script: [touch .pipeline/timings.json]
  after_script: []
  artifacts: {paths: [.pipeline/timings.json, .pipeline/outcomes.json], expire_in: 2 weeks}

shard:
  extends: .shardline
  needs: [history]
  parallel: 4
  cache: [*tools, *packages, *weights]
  script: [.venv/bin/shardline shard]
  artifacts:
    when: always
    paths: [reports/shard-*, reports/debug-bundle.tar.gz]
    expire_in: 2 weeks

merge:
  extends: .shardline
  needs: [shard]
  rules: [{if: $CI_COMMIT_BRANCH, when: always}] # also after failed shards: it names what is missing
  cache: [*tools, *packages, {<<: *timings, policy: pull-push, when: always}]
  script: [.venv/bin/shardline merge]
  artifacts:
    when: always
    expose_as: integration tests
    paths: [reports/index.html, reports/summary.md, reports/merge.json, reports/junit.xml, reports/debug-bundle.tar.gz]
    reports: {junit: reports/junit.xml}
    expire_in: 2 weeks
"""


class Origin(NamedTuple):
    """Where Shardline itself comes from: what pip installs, and whether another machine can install that, too."""

    requirement: str
    is_reachable: bool


class Provider(NamedTuple):
    """A CI that we write a file for."""

    title: str
    path: str  # of its file
    template: str
    signs: Sequence[str]  # files and folders of projects that it runs
    host: str = ""  # part of the name of a host whose repositories it runs


class CiFile(NamedTuple):
    """The file for a CI that a project gets: whose, where it goes, and why this one."""

    provider: str  # a key of PROVIDERS
    path: str
    why: str


GITLAB_FILE = ".gitlab-ci.yml"
INCLUDED = ".gitlab/shardline.yml"  # where a project has a GITLAB_FILE of its own
PROVIDERS: Dict[str, Provider] = {  # what comes first goes first
    "circleci": Provider("CircleCI", ".circleci/config.yml", CIRCLECI, (".circleci",)),
    "gitlab": Provider("GitLab", GITLAB_FILE, GITLAB, (GITLAB_FILE,), "gitlab"),
    "github": Provider("GitHub Actions", ".github/workflows/shardline.yml", GITHUB, (".github",), "github.com"),
}
PATHS = (*(provider.path for provider in PROVIDERS.values()), INCLUDED)
SIGNS = tuple(sign for provider in PROVIDERS.values() for sign in provider.signs)


def choose(asked: str, there: Collection[str], theirs: Collection[str], host: str) -> CiFile:
    """Choose a CI: the one that a person asked for, else of which there is a sign, else of the repository's host.

    Args:
        asked: a key of PROVIDERS, or "".
        there: those of SIGNS that the project has.
        theirs: those of PATHS that a person wrote.
        host: of the repository, "" where that is nowhere else.

    >>> choose("", [".github"], [], "gitlab.com").provider, choose("", [], [], "gitlab.example.org").provider
    ('github', 'gitlab')
    >>> choose("", [], [], ""), choose("gitlab", [], [".gitlab-ci.yml"], "").path
    (CiFile(provider='circleci', path='.circleci/config.yml', why='nothing says which'), '.gitlab/shardline.yml')
    """
    provider, why = (asked, "asked for") if asked else _found(there, host)
    is_taken = provider == "gitlab" and GITLAB_FILE in theirs
    return CiFile(provider, INCLUDED if is_taken else PROVIDERS[provider].path, why)


def _found(there: Collection[str], host: str) -> Tuple[str, str]:
    for name, provider in PROVIDERS.items():
        sign = next((sign for sign in provider.signs if sign in there), "")
        if sign:
            return name, f"{sign} is there"
    of_host = [name for name, provider in PROVIDERS.items() if provider.host and provider.host in host]
    return (of_host[0], f"the repository is at {host}") if of_host else ("circleci", "nothing says which")


def purpose(file: CiFile) -> str:
    """Say what the file is for, and what is left to do for it."""
    included = f"; name it in {GITLAB_FILE}: `include: {{local: {INCLUDED}}}`" if file.path == INCLUDED else ""
    return f"the same in {PROVIDERS[file.provider].title} ({file.why}; `--ci` chooses another){included}"


def text(file: CiFile, origin: Origin, python: str, requirements: Sequence[str]) -> str:
    """Write the file; CI's cache of tools is made anew when the file itself changes, which names them.

    Args:
        python: that its jobs run on, "3.11".
        requirements: the files that name the packages of the service and of its tests.
    """
    filled = {
        "@PYTHON@": python,
        "@CI_FILE@": file.path,
        "@REQUIREMENTS@": ", ".join(map(_quoted, requirements[:2])),  # GitLab takes two at most
    }
    made = from_origin(PROVIDERS[file.provider].template, origin)
    for placeholder, value in filled.items():
        made = made.replace(placeholder, value)
    return made


def from_origin(template: str, origin: Origin) -> str:
    """Fill in what pip installs, in a text in quotes, and whether a person has to correct that."""
    requirement = origin.requirement.replace("\\", "\\\\").replace('"', '\\"')
    edit = "" if origin.is_reachable else f"  # {EDIT}: where CI can get it, a package index or git+https://"
    return template.replace("@SHARDLINE@", requirement).replace("@EDIT@", edit)


def _quoted(path: str) -> str:
    """Write a path in a list of YAML.

    >>> print(_quoted("tests/requirements.txt"), _quoted("a, b"))
    tests/requirements.txt "a, b"
    """
    return path if re.fullmatch(r"[A-Za-z_][\w./-]*", path) else json.dumps(path)
