"""The service's settings, with the addresses of `tests/bench/bare.py`, and no limit to an agency's calls."""

from config.settings import *  # noqa: F403  # all of them, as they are, but for what follows
from config.settings import REST_FRAMEWORK

ROOT_URLCONF = "tests.bench.bare"
REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"] = {"agency": "1000000/min"}
