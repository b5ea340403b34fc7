"""Shardline: the slow integration tests of a heavy AI service, in parallel shards, nothing lost."""

__version__ = "0.1.0"
