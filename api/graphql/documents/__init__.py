"""Client documents: parsed, validated, priced and cached before execution."""
