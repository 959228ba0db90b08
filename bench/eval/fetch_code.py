#!/usr/bin/env python3
"""Lays out Debian source packages for the leak evaluation: OUT/SET/{protected,negative,...}.

Sources come through `apt-get source` with a private configuration: the machine's own package sources
with source entries added, lists and caches under the work folder. Where a source package cannot be had,
the built package serves, if its language ships sources. Nothing of the system is changed, nothing is
installed. Packages and sets are in packages.toml. A package that cannot be had at all is named and left
out; a set without any is an error.

The `debian` folder of each package is no part of the project and is left out; its copyright file serves
as licence text.
"""
import argparse
import fnmatch
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).parent
SOURCES_INSIDE = re.compile(r"python3-.*|node-.*|golang-.*-dev|librust-.*-dev")
# Where built packages keep sources; the paths below are as in the project. A detector may well skip
# folders that are named like places of installed code.
INSTALLED = re.compile(r"usr/(?:lib/python3/dist-packages|share/(?:nodejs|cargo/registry|gocode/src))/")
PACKAGE_LIMIT = 60 << 20  # bytes of one unpacked package that are kept


def source_entries(apt_dir: Path, out: Path) -> None:
    """The machine's package sources again, with sources."""
    out.mkdir(parents=True, exist_ok=True)
    for old in out.iterdir():
        old.unlink()
    files = [apt_dir / "sources.list", *sorted((apt_dir / "sources.list.d").glob("*"))]
    for file in files:
        if not file.is_file():
            continue
        text = file.read_text()
        if file.suffix == ".sources":
            stanzas = [
                re.sub(r"(?m)^Types:.*$", "Types: deb deb-src", s)
                for s in re.split(r"\n\s*\n", text)
                if re.search(r"(?m)^Types:.*\bdeb\b", s) and not re.search(r"(?mi)^Enabled:\s*no", s)
            ]
            text = "\n\n".join(s.strip() for s in stanzas)
        elif file.suffix == ".list":
            lines = re.findall(r"(?m)^\s*deb\s.*$", text)
            text = "\n".join(line + "\n" + re.sub(r"^\s*deb\b", "deb-src", line) for line in lines)
        else:
            continue
        if text:
            (out / file.name).write_text(text + "\n")


class Sources:
    """Downloads and unpacks source packages, each once."""

    def __init__(self, work: Path):
        self.work = work
        self.downloads = work / "downloads"
        self.unpacked = work / "unpacked"
        for folder in (
            self.downloads,
            self.unpacked,
            work / "lists/partial",
            work / "cache/archives/partial",
        ):
            folder.mkdir(parents=True, exist_ok=True)
        self.options = []
        for key, value in {
            "Dir::Etc::sourcelist": "/dev/null",
            "Dir::Etc::sourceparts": work.absolute() / "sources",
            "Dir::State::lists": work.absolute() / "lists",
            "Dir::Cache": work.absolute() / "cache",
            "APT::Sandbox::User": "root",
        }.items():
            self.options += ["-o", f"{key}={value}"]
        self.listed = False
        self.failed: set[str] = set()

    def apt_get(self, *arguments: str) -> bool:
        command = ["apt-get", "-qq", *self.options, *arguments]
        return subprocess.run(command, cwd=self.downloads, capture_output=True).returncode == 0

    def get(self, package: str) -> Path | None:
        """The folder that holds the sources of a package, or None where they cannot be had."""
        target = self.unpacked / package
        if target.is_dir():
            return target
        if package in self.failed:
            return None
        if not self.listed:
            source_entries(Path("/etc/apt"), self.work / "sources")
            self.apt_get("update")  # an entry without sources is no reason to stop
            self.listed = True
        print(f"fetching {package}", file=sys.stderr)
        partial = self.unpacked / f"{package}.partial"
        for way in (self.from_source, self.from_archive, self.from_binary):
            shutil.rmtree(partial, ignore_errors=True)
            if way(package, partial):
                partial.rename(target)
                return target
        shutil.rmtree(partial, ignore_errors=True)
        self.failed.add(package)
        return None

    def from_source(self, package: str, out: Path) -> bool:
        if not self.apt_get("source", "--only-source", "--download-only", package):
            return False
        found = sorted(self.downloads.glob(f"{package}_*.dsc"), key=lambda p: p.stat().st_mtime)
        command = ["dpkg-source", "--no-check", "--skip-patches", "-x", str(found[-1]), str(out)]
        return subprocess.run(command, capture_output=True).returncode == 0

    def from_archive(self, package: str, out: Path) -> bool:
        """The project's own archive, where only the packaging beside it is missing."""
        for archive in self.downloads.glob(f"{package}_*.orig.tar.*"):
            if archive.suffix in (".gz", ".xz", ".bz2"):
                out.mkdir()
                command = ["tar", "-xf", str(archive), "-C", str(out), "--strip-components=1"]
                return subprocess.run(command, capture_output=True).returncode == 0
        return False

    def from_binary(self, package: str, out: Path) -> bool:
        """Built packages of languages whose packages hold the sources."""
        shown = subprocess.run(
            ["apt-cache", *self.options, "showsrc", "--only-source", package],
            capture_output=True,
            text=True,
        ).stdout
        names = set(re.findall(r"(?m)^ (\S+) deb ", shown))
        wanted = {n for n in names if SOURCES_INSIDE.fullmatch(n) and not n.endswith("-doc")}
        if f"lib{package}-dev" in wanted:  # a Rust crate: the others hold no files
            wanted = {f"lib{package}-dev"}
        done = False
        for name in sorted(wanted):
            if not self.apt_get("download", name):
                continue
            archive = max(self.downloads.glob(f"{name}_*.deb"), key=lambda p: p.stat().st_mtime)
            command = ["dpkg-deb", "-x", str(archive), str(out)]
            done |= subprocess.run(command, capture_output=True).returncode == 0
        for notice in out.glob("usr/share/doc/*/copyright"):
            (out / "debian").mkdir(exist_ok=True)
            shutil.move(notice, out / "debian" / "copyright")
        return done


def files_of(root: Path):
    """Regular files under root with their relative paths, in order; no packaging."""
    for folder, folders, names in os.walk(root):
        folders.sort()
        if Path(folder) == root:
            folders[:] = [f for f in folders if f not in ("debian", ".git", ".pc")]
        for name in sorted(names):
            path = Path(folder) / name
            if path.is_file() and not path.is_symlink():
                yield path, path.relative_to(root).as_posix()


def matches(relative: str, globs: list[str]) -> bool:
    return any(fnmatch.fnmatch(relative, g) for g in globs)


def lay(root: Path, out: Path, globs: list[str], without: list[str]) -> None:
    total = 0
    for path, relative in files_of(root):
        size = path.stat().st_size
        if not matches(relative, globs) or matches(relative, without) or total + size > PACKAGE_LIMIT:
            continue
        if relative.startswith("usr/"):
            if not INSTALLED.match(relative):
                continue
            relative = INSTALLED.sub("", relative)
        total += size
        target = out / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)


def lay_text(root: Path, package: str, out: Path, globs: list[str], without: list[str]) -> None:
    for path, relative in files_of(root):
        if matches(relative, globs) and not matches(relative, without):
            out.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, out / f"{package}__{relative.replace('/', '__')}")


def write_logs(out: Path, seed: str) -> None:
    """Made-up logs of a few usual kinds: sources hold hardly any."""
    rng = random.Random(seed)
    names = "web db cache auth queue mail api proxy cron sshd kernel systemd dockerd postgres".split()
    verbs = "started stopped failed retried accepted refused opened closed expired rotated".split()
    nouns = "connection session request unit worker backup certificate user job socket".split()

    def address() -> str:
        return f"10.{rng.randrange(256)}.{rng.randrange(256)}.{rng.randrange(1, 255)}"

    def clock() -> str:
        return f"{rng.randrange(24):02}:{rng.randrange(60):02}:{rng.randrange(60):02}"

    def word() -> str:
        return f"{rng.choice(nouns)}-{rng.getrandbits(24):06x}"

    def syslog() -> str:
        name, pid = rng.choice(names), rng.randrange(99999)
        what = f"{rng.choice(nouns)} {word()} {rng.choice(verbs)}"
        return f"Mar {rng.randrange(1, 29):2} {clock()} host{rng.randrange(40)} {name}[{pid}]: {what}"

    def access() -> str:
        path = "/".join(word() for _ in range(rng.randrange(1, 4)))
        request = f"{rng.choice(('GET', 'GET', 'POST'))} /{path} HTTP/1.1"
        status, size = rng.choice((200, 200, 200, 304, 404, 500)), rng.randrange(90000)
        return f'{address()} - - [12/Mar/2024:{clock()} +0000] "{request}" {status} {size} "-" "curl/8.1"'

    def application() -> str:
        level = rng.choice(("INFO", "INFO", "DEBUG", "WARN", "ERROR"))
        where = f"com.example.{rng.choice(names)}.{rng.choice(nouns).title()}Service"
        took = rng.randrange(5000)
        return f"2024-03-12 {clock()},{rng.randrange(1000):03} {level:5} [{word()}] {where} - {rng.choice(verbs)} {word()} in {took} ms"

    def structured() -> str:
        row = {
            "ts": 1710000000 + rng.randrange(10**6),
            "level": rng.choice(("info", "warn", "error")),
            "msg": f"{rng.choice(nouns)} {rng.choice(verbs)}",
            "peer": address(),
            "id": word(),
            "ms": rng.randrange(3000),
        }
        return json.dumps(row)

    out.mkdir(parents=True, exist_ok=True)
    for kind in (syslog, access, application, structured):
        for i in range(4):
            lines = [kind() for _ in range(400)]
            (out / f"{kind.__name__}{i}.log").write_text("\n".join(lines) + "\n")


def make_set(name: str, packages: dict, sources: Sources, out: Path) -> bool:
    partial = out.with_name(out.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    wanted = [(p, "protected", p) for p, _ in packages["pairs"]]
    wanted += [(n, "negative", n) for _, n in packages["pairs"]]
    wanted += [(p, "overlap", p) for p in packages["overlap"]]
    wanted += [(old, "versions", f"{new}-old") for new, old in packages["older"].items()]
    missing = []
    for package, role, folder in wanted:
        root = sources.get(package)
        if root is None:
            missing.append(package)
            continue
        only, without = packages["only"].get(package, ["*"]), packages["without"].get(package, [])
        lay(root, partial / role / folder, only, without)
        notice = root / "debian" / "copyright"
        if role == "negative" and notice.is_file():
            (partial / "text" / "licence").mkdir(parents=True, exist_ok=True)
            shutil.copyfile(notice, partial / "text" / "licence" / f"{package}__copyright")
    for kind, parts in packages["text"].items():
        for package, globs in parts.items():
            root = sources.get(package)
            if root is None:
                missing.append(package)
            else:
                without = packages["without"].get(package, [])
                lay_text(root, package, partial / "text" / kind, globs, without)
    write_logs(partial / "text" / "logs", name)
    if missing:
        print(f"{name}: left out, as they could not be had: {' '.join(dict.fromkeys(missing))}", file=sys.stderr)
    if not (partial / "protected").is_dir() or not (partial / "negative").is_dir():
        print(f"{name}: no sources could be had", file=sys.stderr)
        return False
    shutil.rmtree(out, ignore_errors=True)
    partial.rename(out)
    return True


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="folder for the sets")
    parser.add_argument("--work", type=Path, required=True, help="folder for downloads")
    parser.add_argument("--set", choices=("tune", "more", "holdout"), default="tune")
    parser.add_argument("--again", action="store_true", help="lay out anew even if it is there")
    args = parser.parse_args()
    out = args.out / args.set
    if out.is_dir() and not args.again:
        return 0
    if not shutil.which("dpkg-source"):
        print("dpkg-source is missing (package dpkg-dev)", file=sys.stderr)
        return 1
    packages = tomllib.loads((HERE / "packages.toml").read_text())[args.set]
    return 0 if make_set(args.set, packages, Sources(args.work), out) else 1


if __name__ == "__main__":
    sys.exit(main())
