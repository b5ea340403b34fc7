"""The *.lock files: what they say, whether they are stale, how they are made."""
