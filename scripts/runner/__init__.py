"""Run one shard: packages, weights, service, its tests in rounds of pytest, its result."""
