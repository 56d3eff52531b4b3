"""What all HTTP interfaces share: access, problem documents, logs, metrics, limits, shutdown."""
