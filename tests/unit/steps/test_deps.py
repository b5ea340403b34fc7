from __future__ import annotations

import re
from pathlib import Path

from tests.unit.steps import projects


def test_ci_gets_a_digest_for_its_key_and_compiled_environments_under_it(tmp_path: Path) -> None:
    (tmp_path / "suite.txt").write_text("# nothing\n")
    (tmp_path / "pipeline.yml").write_text("suite: {path: t, requirements: suite.txt}")
    digest, weights = (tmp_path / ".pipeline" / f"{name}.sha256" for name in ("packages", "weights"))
    told = [
        projects.run(tmp_path, "deps", *words).stdout for words in (["--digests", str(digest.parent)], ["--compile"])
    ]
    made = next(path for path in (tmp_path / ".pipeline" / "environments").glob("suite-*") if path.is_dir())

    assert f"digest of the packages: {digest}\n" in told[0]
    assert all(re.fullmatch(r"[0-9a-f]{64}\n", file.read_text()) for file in (digest, weights))
    assert re.search(rf"compiled: \.pipeline/environments/{made.name}, [\d.]+ \w+ in all\n", told[1])
    assert f"suite: {made}\n" in told[1]
