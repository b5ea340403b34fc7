"""A release of our own: checked, built twice alike, tried in an empty folder, tagged: `nox -s release -- X.Y.Z`.

`decisions.py` says what speaks against it and what is to be written, `repository.py` asks and tells git, `building.py`
makes the files, `trying.py` installs them as a stranger would, `__main__` is the steps. Here and not among the steps
of `scripts/`, since other projects release with tools of their own.
"""
