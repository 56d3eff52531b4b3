"""Writes the software bill of materials of the container image, in the JSON format of CycloneDX.

    python -m tools.write_sbom FOLDER

`FOLDER` is the root of the image's files. The result depends only on them, on the pinned hashes and
on `SOURCE_DATE_EPOCH`, in seconds.
"""

import json
import os
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from email.parser import HeaderParser
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Final
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.contrib.hash.factories import HashTypeFactory
from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import ExternalReference, ExternalReferenceType, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import License
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.utils import canonicalize_name

_ROOT: Final = Path(__file__).parent.parent
_CONSTRAINTS: Final = ("constraints.txt", "constraints-tracing.txt")
_PIN: Final = re.compile(r"^(\S+)==(\S+?)(?: ;[^\\]*)?((?: \\\s+--hash=sha256:\w+)+)", re.MULTILINE)
_HASH: Final = re.compile(r"sha256:\w+")
_LICENCE_CLASSIFIER: Final = "License :: "


def bill_of_materials(files: Path) -> str:
    """Return the bill of materials of the image whose root folder is `files`, as JSON."""
    [packages] = files.glob("opt/interlock/lib/python3*/site-packages")
    pinned = dict(_pinned_hashes())
    python = [_python_component(each, pinned) for each in distributions(path=[str(packages)])]
    [product] = [each for each in python if each.name == "interlock"]
    product.type = ComponentType.APPLICATION
    parts = [
        *(each for each in python if each is not product),
        *_debian_components(files),
        *_web_components(packages / "api/web/vendor"),
    ]
    bom = Bom(
        components=parts,
        serial_number=uuid5(
            NAMESPACE_URL, "\n".join(sorted(each.bom_ref.value or "" for each in parts))
        ),
    )
    bom.metadata.component = product
    if seconds := os.environ.get("SOURCE_DATE_EPOCH"):
        bom.metadata.timestamp = datetime.fromtimestamp(int(seconds), UTC)
    bom.register_dependency(product, parts)
    return JsonV1Dot6(bom).output_as_string(indent=2)


def _pinned_hashes() -> Iterator[tuple[tuple[str, str], list[str]]]:
    """Yield the name and the version of each pinned package, with the hashes of its files."""
    for name in _CONSTRAINTS:
        for pin in _PIN.finditer((_ROOT / name).read_text("utf-8")):
            package = canonicalize_name(pin[1].partition("[")[0])
            yield (package, pin[2]), _HASH.findall(pin[3])


def _python_component(package: Distribution, pinned: dict[tuple[str, str], list[str]]) -> Component:
    name = canonicalize_name(package.name)
    url = PackageURL("pypi", name=name, version=package.version)
    hashes = [
        HashTypeFactory().from_composite_str(each)
        for each in pinned.get((name, package.version), ())
    ]
    # pip does not record which of the pinned files it took.
    origin = ExternalReference(
        type=ExternalReferenceType.DISTRIBUTION, url=XsUri(str(url)), hashes=hashes
    )
    return Component(
        name=name,
        version=package.version,
        purl=url,
        bom_ref=str(url),
        licenses=_licences(package),
        external_references=[origin] if hashes else [],
    )


def _licences(package: Distribution) -> list[License]:
    """Return the licence that a package states: as an expression, else as classifiers or a name."""
    about = package.metadata
    if "License-Expression" in about:
        return [LicenseFactory().make_from_string(about["License-Expression"])]
    classifiers = [
        each.rpartition(" :: ")[2]
        for each in about.get_all("Classifier", [])
        if each.startswith(_LICENCE_CLASSIFIER)
    ]
    name = about["License"].strip() if "License" in about else ""
    names = classifiers or ([name] if name and "\n" not in name else [])
    return [LicenseFactory().make_from_string(each) for each in names]


def _debian_components(files: Path) -> Iterator[Component]:
    """Yield the packages that dpkg lists as installed."""
    release = dict(
        line.replace('"', "").split("=", 1)
        for line in (files / "etc/os-release").read_text("utf-8").splitlines()
        if "=" in line
    )
    distribution = release["ID"]
    for paragraph in (files / "var/lib/dpkg/status").read_text("utf-8").strip().split("\n\n"):
        package = HeaderParser().parsestr(paragraph)
        if package["Status"].split()[-1] != "installed":
            continue
        qualifiers = {
            "arch": package["Architecture"],
            "distro": f"{distribution}-{release['VERSION_ID']}",
        }
        url = PackageURL("deb", distribution, package["Package"], package["Version"], qualifiers)
        yield Component(
            name=package["Package"],
            version=package["Version"],
            purl=url,
            bom_ref=str(url),
            publisher=package["Maintainer"],
        )


def _web_components(vendor: Path) -> Iterator[Component]:
    """Yield the npm packages whose files, with their licence, are among those of the web UI."""
    lock = json.loads((_ROOT / "package-lock.json").read_text("utf-8"))
    for path, package in lock["packages"].items():
        name = path.removeprefix("node_modules/")
        if not (vendor / f"{name.strip('@').replace('/', '-')}.LICENSE").is_file():
            continue
        namespace, _, short = name.rpartition("/")
        url = PackageURL("npm", namespace, short, package["version"])
        yield Component(
            name=name,
            version=package["version"],
            purl=url,
            bom_ref=str(url),
            licenses=[LicenseFactory().make_from_string(package["license"])],
        )


if __name__ == "__main__":
    sys.stdout.write(bill_of_materials(Path(sys.argv[1])) + "\n")
