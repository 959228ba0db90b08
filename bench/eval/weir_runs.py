"""Runs of the weir binary: index builds and scans, with their time, and what a scan told."""

import json
import os
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from cases import Case, CodeFolder

CODE_KINDS = ("code", "hash")


@dataclass
class Span:
    repository: str
    path: str
    first_line: int
    last_line: int
    score: float
    rule: str


@dataclass
class Found:
    """What was told of one case; spans are the surest first."""

    leak: bool = False
    score: float = 0.0
    spans: list[Span] = field(default_factory=list)


@dataclass
class Timed:
    output: str
    wall: float  # seconds
    cpu: float


def run(command: list[str]) -> Timed:
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"failed with {process.returncode}: {' '.join(command)[:300]}")
    return Timed(output, time.monotonic() - start, usage.ru_utime + usage.ru_stime)


class Weir:
    def __init__(self, binary: Path, work: Path):
        self.binary = str(binary)
        self.work = work
        self.key = work / "site.key"
        work.mkdir(parents=True, exist_ok=True)
        if not self.key.is_file():
            # One key for all runs, so that figures repeat; it guards nothing.
            self.key.write_text("5b" * 32 + "\n")
            self.key.chmod(0o600)
        self.has_min_score = "--min-score" in run([self.binary, "scan", "--help"]).output

    def build_index(self, code: CodeFolder, name: str, public: list[Path]) -> tuple[Path, dict]:
        out = self.work / f"{name}.wfi"
        command = [self.binary, "index", "build", "--out", str(out), "--key", str(self.key)]
        command += ["--json", "--threads", "2"]
        for repository in code.names("protected"):
            command += ["--repo", f"{repository}={(code.root / 'protected' / repository).absolute()}"]
        for folder in public:
            command += ["--public", str(folder.absolute())]
        timed = run(command)
        report = json.loads(timed.output.strip().splitlines()[-1])
        report["wall"], report["cpu"] = timed.wall, timed.cpu
        report["index_bytes"] = out.stat().st_size
        return out, report

    def scan(
        self,
        cases: list[Case],
        index: Path,
        bare: bool = False,
        min_score: float | None = None,
        extra: list[str] = [],
    ) -> tuple[dict[str, Found], Timed]:
        """bare: the excerpts without their envelopes."""
        manifest = self.work / "manifest.jsonl"
        with manifest.open("w") as out:
            for case in cases:
                row = {
                    "file": str((case.text if bare else case.body).absolute()),
                    "content_type": "text/plain" if bare else case.content_type,
                    "content_encoding": "" if bare or case.coding == "identity" else case.coding,
                }
                out.write(json.dumps(row) + "\n")
        command = [self.binary, "scan", "--index", str(index), "--key", str(self.key)]
        command += ["--manifest", str(manifest), "--jsonl", "--workers", "2", *extra]
        if min_score is not None:
            command += ["--min-score", str(min_score)]
        timed = run(command)
        found = {}
        lines = timed.output.splitlines()
        if len(lines) != len(cases):
            raise SystemExit(f"scan told {len(lines)} lines for {len(cases)} cases")
        for case, line in zip(cases, lines):
            found[case.id] = found_of(json.loads(line))
        return found, timed


def found_of(row: dict) -> Found:
    spans = [
        Span(
            f.get("repository", ""),
            f.get("path", ""),
            f.get("first_line", 0),
            f.get("last_line", 0),
            f.get("score", 0.0),
            f.get("rule", ""),
        )
        for f in row["findings"]
        if f.get("kind") in CODE_KINDS
    ]
    spans.sort(key=lambda s: -s.score)
    # What the line itself names comes first among equals.
    spans.sort(key=lambda s: (s.repository, s.path) != (row["repository"], row["path"]))
    return Found(row["leak"], row["score"], spans)
