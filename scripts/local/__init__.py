"""Run many shards on this machine, as many at once as it bears, and show how far they are."""
