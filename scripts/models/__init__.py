"""The model weights: brought here once, verified, and kept right.

Read from the top: store (the folder as a whole) · pool (several files at a time) · sources (the kinds of sources, in
one table) · download (a file on a server) · wheel (a file in a package). Below them: remote (what to ask a server for;
s3, huggingface, modelscope), http, partial (what has come so far), verified (what a file holds, and stamps), addresses
(sources as text). Beside them: manifest, describe, folders (new entries: of a file, of all files of a folder; listing),
prune.
"""
