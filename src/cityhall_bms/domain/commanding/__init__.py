"""Commands to the plant: their life, the checks before a write, and who holds a point at which priority."""
