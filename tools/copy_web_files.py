"""Copies front-end files of other projects from `node_modules` to where the server reads them."""

import json
import re
import shutil
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).parent.parent
_PACKAGES: Final = _ROOT / "node_modules"
_VENDOR: Final = _ROOT / "api/web/vendor"
_SCRIPTS: Final = ("htmx.min.js", "ext/hx-sse.min.js", "ext/hx-csp.min.js")
_ICON: Final = re.compile(r"<svg[^>]*>(.*)</svg>\s*", re.DOTALL)


def main() -> None:
    """Copy the scripts, and pack all icons into one file: their shapes by name."""
    shutil.rmtree(_VENDOR, ignore_errors=True)
    _VENDOR.mkdir()
    for script in _SCRIPTS:
        shutil.copy(_PACKAGES / "htmx.org/dist" / script, _VENDOR)
    icons = {
        file.stem: _shapes(file)
        for file in sorted((_PACKAGES / "@material-design-icons/svg/outlined").glob("*.svg"))
    }
    (_VENDOR / "icons.json").write_text(json.dumps(icons, indent=0), "utf-8")
    for package in ("htmx.org", "@material-design-icons/svg"):
        name = package.strip("@").replace("/", "-")
        shutil.copy(_PACKAGES / package / "LICENSE", _VENDOR / f"{name}.LICENSE")


def _shapes(file: Path) -> str:
    """Return the content of an SVG file without its root element."""
    found = _ICON.fullmatch(file.read_text("utf-8"))
    if found is None:
        raise SystemExit(f"{file} is not one SVG element.")
    return found.group(1)


if __name__ == "__main__":
    main()
