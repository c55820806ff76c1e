"""``python -m cityhall_bms``."""

from cityhall_bms.cli import app

app()
