"""The model weights: brought here once, verified, and kept right.

Read from the top: store (the folder as a whole) · inventory (what is here, what is missing) · fetcher
(one file, one process at a time) · sources (what a source gives) · transfer and web (files on
servers) · wheels (files in packages). Below them: parts, scratch, stamps, locks, contents, answers,
addresses; beside them: refusals, what is said when it does not work.
"""
