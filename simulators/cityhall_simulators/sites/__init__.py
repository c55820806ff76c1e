"""Descriptions of simulated buildings: types, points, state texts, and what stands where."""
