"""Years in minutes: the same plants, as fast as they compute, into files that the service can load."""
