"""What a person needs to see why a run failed, in one file that can be handed on."""
