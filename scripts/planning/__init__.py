"""Decide which test runs in which shard, from what past runs took: pure, but for the files of plan and history."""
