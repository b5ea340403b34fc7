"""Python environments of the suite and the service, made once per checksum of what defines them, and their locks."""
