"""Where the files of the repository are."""

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
DOCS: Final = ROOT / "docs"
CHART: Final = ROOT / "charts" / "interlock"
