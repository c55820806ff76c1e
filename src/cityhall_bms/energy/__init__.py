"""What is consumed: meters, comparison, targets, demand, tariffs, baselines, carbon, water and indoor air."""
