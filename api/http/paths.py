"""The paths of the probes, which no rate limit applies to and no log line mentions."""

from typing import Final

HEALTH_PATH: Final = "/healthz"
READINESS_PATH: Final = "/readyz"
METRICS_PATH: Final = "/metrics"
PROBE_PATHS: Final = frozenset({HEALTH_PATH, READINESS_PATH, METRICS_PATH})
