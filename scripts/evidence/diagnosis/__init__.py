"""Why a run is red: from what is known of it to ranked verdicts, each with evidence and a next step. Pure."""
