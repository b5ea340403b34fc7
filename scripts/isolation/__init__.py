"""Is this suite fit to be sharded? Trials in other orders and at once, and what they prove.

`study` plans and concludes, `order` finds what a test needs before it, `clashes` what must not run at the same time:
all pure, over what `trials` told; `findings` are what comes of it. `running` makes a trial, `leftovers` takes away what
its tests made, `archive` keeps what it told. `report` words the findings, `settings_edit` writes
them into pipeline.yml.
"""
