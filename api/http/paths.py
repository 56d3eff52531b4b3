"""Paths of the probes. They have no rate limit, and are logged at level debug."""

from typing import Final

LIVENESS_PATHS: Final = ("/livez", "/health")
"""Kubernetes' name, and the one that Interlock publishes."""
READINESS_PATHS: Final = ("/readyz", "/ready")
METRICS_PATH: Final = "/metrics"
PROBE_PATHS: Final = frozenset({*LIVENESS_PATHS, *READINESS_PATHS, METRICS_PATH})
