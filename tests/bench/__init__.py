"""What Shardline costs and gains, measured: `nox -s bench`, or one part of it, as `nox -s bench -- replay`.

Each part is a module with `tables(options)`; `measuring.py` runs and times processes. No figure here is a test:
machines are noisy, so contenders take turns, and the least, median and greatest figure stand beside each other.
"""
