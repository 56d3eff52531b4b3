"""What every HTTP door stands on: who asks, problems, logs, metrics, probes, an orderly end."""
