"""The paths of the probes: no rate limit applies to them, and the log leaves them out."""

from typing import Final

LIVENESS_PATHS: Final = {"/livez": "readLiveness", "/health": "readHealth"}
"""Kubernetes' name and the published one, with the names of their operations."""
READINESS_PATHS: Final = {"/readyz": "readReadiness", "/ready": "readReady"}
METRICS_PATH: Final = "/metrics"
PROBE_PATHS: Final = frozenset({*LIVENESS_PATHS, *READINESS_PATHS, METRICS_PATH})
