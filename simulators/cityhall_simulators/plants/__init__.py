"""Physics of the plants: columns of units, stepped by pure functions. Nothing here knows a protocol or a clock."""
