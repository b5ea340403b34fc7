"""Decide which test runs in which shard, from what past runs took: pure functions, but for the history's file."""
