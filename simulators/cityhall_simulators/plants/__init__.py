"""Physics of the plants: pure, seeded, vectorised; no protocol and no clock."""
