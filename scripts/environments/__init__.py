"""Python environments of the suite and the service: made once per checksum of what defines them.

Read from the top: environments (which one, made, used, removed; bytecode for CI's cache) · installation (by uv, else by
pip) · orders (what the installer is told) · sources/ (what is from no index, and what it holds now) · locks/ (the
*.lock files). Below them: pip_settings (pip's options as uv and pip take them: pip_config, of this machine;
file_options, of a requirements file), requirements (such files as text: the only parser). When it fails: installers
(what uv and pip said), reasons (what may help), disk_errors. Beside them: census (is it whole that came out of an
archive), safe_path (run by its path).
"""
