"""What the Dockerfile's last stage copies from this folder, laid out as in the image, without
Docker."""

from __future__ import annotations

import re
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.unit.deploy.compose import ROOT

DOCKERFILE = ROOT / "deploy" / "docker" / "Dockerfile"


@dataclass(frozen=True)
class Instruction:
    """One instruction, its continued lines joined. `stage` counts from 0."""

    stage: int
    name: str
    text: str

    @property
    def words(self) -> list[str]:
        return shlex.split(self.text)


def instructions() -> list[Instruction]:
    text = re.sub(r"^#.*\n", "", DOCKERFILE.read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    found: list[Instruction] = []
    stage = -1
    for line in filter(str.strip, text.splitlines()):
        name, _, rest = line.partition(" ")
        stage += name == "FROM"
        found.append(Instruction(stage, name, rest.strip()))
    return found


def is_sent(path: str) -> bool:
    """Whether Docker sends this file to the build: .dockerignore, where the last line that matches
    it or a folder above wins."""
    sent = True
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        if line and not line.startswith("#"):
            pattern = re.escape(line.lstrip("!")).replace(r"\*\*/", "(.*/)?").replace(r"\*", "[^/]*")
            if re.fullmatch(f"{pattern}(/.*)?", path):
                sent = line.startswith("!")
    return sent


def lay_out(folder: Path) -> None:
    """Copy what the last stage copies from the context, and nothing else, to `folder` as its
    WORKDIR."""
    last = max(each.stage for each in instructions())
    for copy in (each for each in instructions() if each.stage == last and each.name == "COPY"):
        if copy.words[0].startswith("--from"):
            continue
        *sources, target = copy.words
        for source in sources:
            for path in sorted(file for file in (ROOT / source).rglob("*") if file.is_file()):
                if is_sent(path.relative_to(ROOT).as_posix()):
                    place = folder / target / path.relative_to(ROOT / source)
                    place.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(path, place)
