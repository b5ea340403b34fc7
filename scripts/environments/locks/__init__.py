"""The *.lock files: what they say, whether they are stale, how they are made.

Read from the top: resolution (uv chooses the packages) · lock_text (what it chose, as a lock has it) · lock_files (what
a lock says and pins; what makes it stale). Below them: local_metadata (what a local package needs), python_versions
(which Pythons a lock is for), uv_output (what uv printed).
"""
