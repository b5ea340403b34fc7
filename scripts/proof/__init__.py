"""Prove from what all shards say that every test ran exactly once, and put what came of them into words and reports."""
