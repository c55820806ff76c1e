"""The only package that talks to NATS."""
