"""Where the files of the repository are, and where temporary files can be."""

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
DOCS: Final = ROOT / "docs"
CHART: Final = ROOT / "charts" / "interlock"
MEMORY: Final = Path("/dev/shm")  # noqa: S108 - only the parent of temporary folders
"""A file system in memory, on Linux."""
