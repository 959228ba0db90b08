"""Labelled leak cases: made by the generator in shared/, cached, and read back for scoring.

A case is one request body. Positive cases hold an excerpt of a protected file, negative ones other
material; ambiguous ones (kin of protected code) are made but not scored. What the figures need beyond
the labels, such as the normalised length of an excerpt, is worked out here.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

SPACE = re.compile(r"\s+")


class CodeFolder:
    """The repositories of an evaluation; files are read once."""

    def __init__(self, root: Path):
        self.root = root
        self.lines_of: dict[Path, list[str]] = {}

    def names(self, role: str) -> list[str]:
        folder = self.root / role
        return sorted(p.name for p in folder.iterdir()) if folder.is_dir() else []

    def lines(self, role: str, repository: str, path: str) -> list[str]:
        """Lines of a file, as the generator cuts them, without white space."""
        file = self.root / role / repository / path
        if file not in self.lines_of:
            try:
                text = file.read_bytes().decode("utf-8", "replace")
            except OSError:
                text = ""
            text = text.removeprefix("\ufeff").replace("\r\n", "\n")
            self.lines_of[file] = [SPACE.sub("", line) for line in text.split("\n")]
        return self.lines_of[file]

    def digest(self) -> str:
        """Changes when a file comes, goes or changes its size."""
        total = hashlib.sha256()
        for folder, folders, names in os.walk(self.root):
            folders.sort()
            for name in sorted(names):
                file = Path(folder) / name
                size = file.stat().st_size if not file.is_symlink() else 0
                total.update(f"{file.relative_to(self.root)}\0{size}\0".encode())
        return total.hexdigest()[:12]


@dataclass
class Case:
    id: str
    label: str
    repository: str  # of the protected code; of an older release the protected one's
    path: str
    first_line: int
    lines: int
    transform: str
    detail: str
    envelope: str
    content_type: str
    coding: str
    language: str
    kind: str  # of a negative
    unique_lines: int
    shared_lines: int
    normalised: list[str]  # lines of the excerpt before its transform
    body: Path
    text: Path  # the transformed excerpt without its envelope
    plain_bytes: int

    @property
    def older(self) -> bool:
        return self.transform == "older_version"

    @property
    def normalised_bytes(self) -> int:
        return sum(len(line.encode("utf-8", "replace")) for line in self.normalised)

    @property
    def fair(self) -> bool:
        """Whether a positive counts: very short ones must hold something of their own."""
        if self.lines <= 3:
            return self.unique_lines >= 3 and self.normalised_bytes >= 60
        return self.unique_lines >= 3 or self.lines > 5

    @property
    def bucket(self) -> int:
        return min(self.lines, 50)

    @property
    def last_line(self) -> int:
        return self.first_line + self.lines - 1


def generate(generator: Path, code: CodeFolder, cache: Path, count: int, seed: int) -> Path:
    """The folder of the cases; made once for each code, count, seed and generator."""
    version = hashlib.sha256(generator.read_bytes()).hexdigest()[:8]
    out = cache / f"{code.digest()}-{version}-{count}-{seed}"
    if (out / "labels.jsonl").is_file():
        return out
    partial = out.with_name(out.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, str(generator), "--code", str(code.root), "--out", str(partial)]
    command += ["--n", str(count), "--seed", str(seed), "--jobs", "2", "--keep-text"]
    subprocess.run(command, check=True)
    shutil.rmtree(out, ignore_errors=True)
    partial.rename(out)
    return out


def load(folder: Path, code: CodeFolder) -> list[Case]:
    cases = []
    for line in (folder / "labels.jsonl").read_text().splitlines():
        row = json.loads(line)
        body = folder / row["file"]
        positive = row["label"] == "positive"
        role = "versions" if row["transform"] == "older_version" else "protected"
        start = row["start_line"] - 1
        excerpt = code.lines(role, row["repo"], row["path"]) if positive else []
        cases.append(
            Case(
                id=body.stem,
                label=row["label"],
                repository=row["repo"].removesuffix("-old") if role == "versions" else row["repo"],
                path=row["path"],
                first_line=row["start_line"],
                lines=row["lines"],
                transform=row["transform"],
                detail=row.get("detail", ""),
                envelope=row["envelope"],
                content_type=row["content_type"],
                coding=row["content_encoding"],
                language=row["lang"],
                kind=row.get("neg_kind", ""),
                unique_lines=row.get("unique_lines", 0),
                shared_lines=row.get("shared_lines", 0),
                normalised=excerpt[start : start + row["lines"]],
                body=body,
                text=folder / "text" / f"{body.stem}.txt",
                plain_bytes=row["plain_bytes"],
            )
        )
    return cases
