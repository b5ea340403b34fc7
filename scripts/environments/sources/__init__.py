"""Where packages come from that are from no index: folders, archives, branches; what these hold."""
