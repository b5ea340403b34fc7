"""What our own tests cover of `scripts/`, by lines and branches, in all processes that they start: `nox -s coverage`.

`measuring.py` is what each Python runs first, `__main__` the steps, `report.py` what comes of the data.
"""
