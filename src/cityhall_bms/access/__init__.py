"""Accounts, sessions and tokens: who gets in, as what, and for how long."""
