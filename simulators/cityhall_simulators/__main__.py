"""``python -m cityhall_simulators`` is ``cityhall-sim``."""

from cityhall_simulators.cli import app

if __name__ == "__main__":
    app()
