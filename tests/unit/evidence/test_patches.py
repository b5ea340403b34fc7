from __future__ import annotations

import difflib
from typing import List

from hypothesis import given
from hypothesis import strategies as st

from scripts.evidence import patches

# What could be taken for a head of the patch itself.
LINES = st.lists(
    st.sampled_from(["a", "", "-- a/x", "++ b/x", "@@ -1 +1 @@", "commit f00", "\\ No newline"]), max_size=12
)


@given(LINES, LINES)
def test_what_is_new_stands_where_the_patch_says_whatever_the_lines_look_like(old: List[str], new: List[str]) -> None:
    text = "\n".join(difflib.unified_diff(old, new, "a/x y", "b/x y\t", lineterm=""))

    read = patches.read(text.encode()).passages

    there = {passage.first - 1 + place: line for passage in read for place, line in enumerate(passage.lines)}
    added = [line[1:] for line in difflib.unified_diff(old, new, lineterm="") if line.startswith("+")][1:]
    assert {place: new[place].encode() for place in there} == there
    assert added == [new[passage.first - 1 + line] for passage in read for line in sorted(passage.new)]
    assert {"x y"} >= {passage.path for passage in read}


def test_commits_and_binary_files_are_told() -> None:
    text = b"""commit 1a2b3c4d5e
diff --git a/x b/x
--- /dev/null
+++ b/x
@@ -0,0 +1 @@
+commit none
\\ No newline at end of file
commit f00f00f00f
diff --git a/p.png b/p.png
Binary files a/p.png and b/p.png differ
--- a/y
+++ b/y
@@ -5,2 +4,0 @@
-one
-two
--- a/z
+++ b/z
@@ -1 +1 @@
-one
+two
"""

    patch = patches.read(text)

    assert [("x", "commit 1a2b3c4", 1), ("z", "commit f00f00f", 1)] == [passage[:3] for passage in patch.passages]
    assert 1 == patch.binary_count
