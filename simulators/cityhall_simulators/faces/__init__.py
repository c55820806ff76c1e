"""Plants seen through a protocol."""
