"""Write the JSON Schema of the chart's values.

Usage: python -m tools.write_chart_schema

Run it after each change of `tools/chart_values.py`, of the settings or of the declaration.
"""

import json
from pathlib import Path
from typing import Final

from tools.chart_values import chart_schema

SCHEMA: Final = Path(__file__).parents[1] / "charts/interlock/values.schema.json"


def main() -> None:
    """Write the file."""
    SCHEMA.write_text(json.dumps(chart_schema(), indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
