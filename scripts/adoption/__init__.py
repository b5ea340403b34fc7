"""Make the files that a foreign project needs, after a look at it: `shardline adopt DIRECTORY`.

`files` reads and writes, `code` and `routes` read one source, `starts` finds commands that `fitting`
gives our host and port, `looks` puts the facts together, `proposal` makes files from facts with the
texts of `templates`, `ci_files` that of CI, `missing` says what a person should look after. Nothing of the
project is imported or run.
"""
