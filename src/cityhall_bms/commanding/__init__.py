"""Commands to the plant: the desk where they are asked for, and the end of manual overrides."""
