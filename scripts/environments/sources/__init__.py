"""What packages come from that no index has: folders, archives on disk, branches; and what these hold now.

Read from the top: local_sources (what lines of requirements mean, in which state) · source_trees (a folder by its
content) · source_files (which of its files count) · package_files (what these say of the package) · digests (of files,
remembered) · git. For and from an installer: rewriting (requirements that mean the same anywhere), installed_sources
(what an environment has from there).
"""
