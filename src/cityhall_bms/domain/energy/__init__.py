"""Arithmetic of energy, water and carbon: plain values and pure functions over columns."""
