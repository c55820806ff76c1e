"""A program of its own that fits a baseline with OpenDSM: a question as JSON on stdin, its answer on stdout.

It knows nothing of this service, so that it runs wherever OpenDSM is installed. OpenDSM takes seconds to load, compiles
itself for half a minute at its first fit, and keeps hundreds of megabytes: none of that belongs into the service.
"""

import contextlib
import json
import sys
from typing import Any


def fitted(question: dict[str, Any]) -> dict[str, Any]:
    """Fit and tell. ``model`` is ``caltrack``, ``daily`` or ``hourly``; ``at`` are RFC 3339 times, temperatures °C."""
    import pandas as pd  # noqa: PLC0415 - only here it is installed
    from opendsm import __version__, eemeter  # noqa: PLC0415

    index = pd.DatetimeIndex(question["at"]).tz_convert(question["time_zone"])
    used = pd.Series(question["used"], index=index, dtype="float64", name="value")
    fahrenheit = pd.Series(question["temperature"], index=index, dtype="float64", name="temperature") * 1.8 + 32.0
    if question["model"] == "hourly":
        data = eemeter.HourlyCaltrackBaselineData.from_series(used.to_frame(), fahrenheit, is_electricity_data=True)
        model = eemeter.HourlyCaltrackModel().fit(data)
        told = model.predict(data)
        # A model of its own for each month, from that month and its neighbours.
        parameters = sum(metrics.num_parameters for metrics in model.model_metrics.values())
    else:
        frame = pd.DataFrame({"observed": used, "temperature": fahrenheit})
        data = eemeter.DailyBaselineData(frame, is_electricity_data=True)
        choice = {"model": "legacy"} if question["model"] == "caltrack" else {}
        model = eemeter.DailyModel(**choice).fit(data, ignore_disqualification=True)
        told = model.predict(data, ignore_disqualification=True)
        parameters = model.to_dict()["info"]["metrics"]["num_model_params"]
    predicted = told["predicted"].reindex(index)
    return {
        "library": f"opendsm {__version__}",
        "parameters": int(parameters),
        "told": [None if pd.isna(value) else float(value) for value in predicted],
    }


def main() -> int:
    """Answer one question."""
    question = json.load(sys.stdin)
    with contextlib.redirect_stdout(sys.stderr):
        answer = fitted(question)
    json.dump(answer, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
