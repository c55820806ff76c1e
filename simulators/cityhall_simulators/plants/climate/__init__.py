"""The weather of a simulated Taipei: a function of local time and seed, any day without the days before it."""
