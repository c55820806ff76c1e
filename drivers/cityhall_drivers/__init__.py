"""Field protocol drivers, found by their entry points."""
