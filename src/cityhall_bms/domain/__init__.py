"""Plain values and pure rules; no input or output, no library but numpy."""
