#!/usr/bin/env python3
"""Measures how well `weir scan` finds leaked code, on any set of repositories. See docs/evaluation.md.

Makes labelled cases with the generator in shared/ (skipped where that is absent), indexes the protected
repositories once alone and once with the negatives given as public code, scans all cases, prints tables.
"""

import argparse
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

from cases import Case, CodeFolder, generate, load
from figures import BUCKETS, QUIET_KINDS, RENAMED, Figures, Rate, aims, long_enough
from weir_runs import Found, Timed, Weir

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SWEEP = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)


def percent(r: Rate) -> str:
    hits, of = r
    if of == 0:
        return "-"
    return "100" if hits == of else f"{100 * hits / of:.1f}"


def count(r: Rate) -> str:
    return f"{r[0]} of {r[1]:,}"


def print_table(title: str, head: list[str], rows: list[list[str]]) -> None:
    print(f"\n{title}")
    widths = [max(len(str(row[i])) for row in [head, *rows]) for i in range(len(head))]
    for row in [head, *rows]:
        first, rest = str(row[0]).ljust(widths[0]), zip(row[1:], widths[1:])
        print("  " + "  ".join([first, *(str(v).rjust(w) for v, w in rest)]).rstrip())


def recall_table(title: str, figures: Figures, key, wanted=lambda c: True) -> None:
    groups = figures.recall_by(key, wanted)
    head = [*(str(b) for b in BUCKETS[:-1]), f"{BUCKETS[-1]}+", "all", "cases"]
    rows = []
    for name in sorted(groups):
        rates = [groups[name].get(b, (0, 0)) for b in BUCKETS]
        total = (sum(r[0] for r in rates), sum(r[1] for r in rates))
        rows.append([name, *map(percent, rates), percent(total), f"{total[1]:,}"])
    for name, test in (("all", lambda c: True), (f"all but {RENAMED}", lambda c: c.transform != RENAMED)):
        rates = [figures.recall(lambda c: c.bucket == b and wanted(c) and test(c)) for b in BUCKETS]
        total = (sum(r[0] for r in rates), sum(r[1] for r in rates))
        rows.append([name, *map(percent, rates), percent(total), f"{total[1]:,}"])
    print_table(title, ["", *head], rows)


def aim_table(rows: list[dict]) -> None:
    out = []
    for row in rows:
        aim = f"{'>=' if row['at_least'] else '<='} {100 * row['aim']:g} %"
        cells = [row["title"], aim]
        for name in ("plain", "public"):
            part = row[name]
            judged = not row["public_only"] or name == "public"
            mark = "" if part["ok"] is None or not judged else "ok" if part["ok"] else "MISS"
            value = "-" if part["value"] is None else f"{100 * part['value']:.2f} %"
            basis = f"of {part['of']:,}" if part["hits"] is None else f"{part['hits']:,}/{part['of']:,}"
            cells += [value, basis, mark]
        out.append(cells)
    head = ["figure", "aim", "plain", "cases", "", "with --public", "cases", ""]
    print_table("Aims (plain: no public code given; with --public: the negative repositories given)", head, out)


def alarm_table(plain: Figures, public: Figures) -> None:
    rows = []
    kinds = sorted({c.kind for c in plain.negatives})
    for kind in [*kinds, "all"]:
        row = [kind]
        for figures in (plain, public):
            for few in (True, False):
                row.append(count(figures.alarms(lambda c: (c.kind == kind or kind == "all") and (c.shared_lines <= 2) == few)))
        rows.append(row)
    head = ["negatives", "shared <= 2", "shared > 2", "public, shared <= 2", "public, shared > 2"]
    print_table("False alarms by kind of negative and by protected lines in it", head, rows)


def named_table(plain: Figures, public: Figures) -> None:
    rows = []
    for title, figure in (
        ("right repository first", lambda f: f.repositories()),
        ("right file first", lambda f: f.files(1)),
        ("right file among the first 3", lambda f: f.files(3)),
    ):
        rows.append([title, *(f"{percent(figure(f))} % ({count(figure(f))})" for f in (plain, public))])
    for title, test in (
        ("line range, mean overlap (common / all)", None),
        ("line range, overlap >= 0.5", 0.5),
        ("line range, overlap >= 0.8", 0.8),
    ):
        row = [title]
        for figures in (plain, public):
            values = figures.overlaps()
            good = sum(values) if test is None else sum(v >= test for v in values)
            row.append(f"{100 * good / len(values):.1f} %" if values else "-")
        rows.append(row)
    print_table("What was named (a file that holds all the same lines is right too)", ["", "plain", "with --public"], rows)


def score_table(figures: Figures) -> None:
    edges = [0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.01]
    groups = {
        "leaks, 10 lines +": [c for c in figures.positives if c.lines >= 10],
        "leaks, 3 to 8": [c for c in figures.positives if c.lines < 10],
        "negatives, shared <= 2": [c for c in figures.negatives if c.shared_lines <= 2],
        "negatives, shared > 2": [c for c in figures.negatives if c.shared_lines > 2],
    }
    rows = []
    for name, cases in groups.items():
        scores = [figures.told[c.id].score for c in cases]
        rows.append([name, *(str(sum(low <= s < high for s in scores)) for low, high in zip(edges, edges[1:]))])
    head = ["score", *(f"{low:g}+" for low in edges[:-1])]
    print_table("Scores, plain (how many cases in each range; below the least told score is 0)", head, rows)


def sweep_table(make, title: str) -> None:
    rows = []
    for threshold in SWEEP:
        f = make(threshold)
        rows.append(
            [
                f"{threshold:g}",
                *(percent(f.recall(lambda c: c.lines == n and c.transform != RENAMED)) for n in (3, 5)),
                percent(f.recall(long_enough)),
                percent(f.recall(lambda c: c.lines >= 20 and c.transform == RENAMED)),
                count(f.alarms(lambda c: c.kind in QUIET_KINDS)),
                count(f.alarms(lambda c: c.kind not in QUIET_KINDS and c.shared_lines <= 2)),
                count(f.alarms(lambda c: c.shared_lines > 2)),
            ]
        )
    head = ["score >=", "3 lines", "5 lines", "10+", "renamed 20+", "quiet kinds", "other, shared <= 2", "shared > 2"]
    print_table(title, head, rows)


def describe(case: Case, found: Found) -> str:
    text = f"{case.id} {case.repository}/{case.path}:{case.first_line}+{case.lines}"
    text += f" {case.kind or case.transform}{' ' + case.detail if case.detail else ''}"
    text += f" | {case.envelope} {case.coding} {case.language}"
    text += f" | unique {case.unique_lines}" if case.label == "positive" else f" | shared {case.shared_lines}"
    if found.spans:
        s = found.spans[0]
        text += f" -> {s.score:.2f} {s.repository}/{s.path}:{s.first_line}-{s.last_line} {s.rule}"
    return text


def print_cases(title: str, cases: list[Case], told, most: int, note=lambda c: "") -> None:
    if not cases or most == 0:
        return
    print(f"\n{title} ({len(cases)})")
    for case in cases[:most]:
        print("  " + describe(case, told[case.id]) + note(case))


def loss_table(missed: list[Case], bare: dict[str, Found]) -> None:
    """Which transforms cost most, and how many would be found without their envelope."""
    groups = Counter(c.transform for c in missed)
    rows = []
    for name, total in groups.most_common():
        of = [c for c in missed if c.transform == name]
        sizes = [sum(c.bucket == b for c in of) for b in BUCKETS]
        rows.append([name, str(total), *map(str, sizes), str(sum(bare[c.id].leak for c in of))])
    head = ["missed", "cases", *(str(b) for b in BUCKETS[:-1]), "50+", "found bare"]
    print_table("Misses by transform and lines (found bare: without envelope and coding)", head, rows)


def speed(scan: Timed, cases: list[Case], builds: dict[str, dict]) -> dict:
    total = sum(c.plain_bytes for c in cases)
    out = {"scan_bytes": total, "scan_mb_per_cpu_s": total / 1e6 / max(scan.cpu, 1e-3), "scan_wall_s": scan.wall}
    for name, report in builds.items():
        out[f"build_{name}"] = report
        out[f"build_{name}_mb_per_cpu_s"] = report["bytes"] / 1e6 / max(report["cpu"], 1e-3)
    return out


def print_speed(figures: dict, builds: dict[str, dict]) -> None:
    rows = []
    for name, report in builds.items():
        rows.append(
            [
                f"index, {name}",
                f"{report['bytes'] / 1e6:.1f} MB",
                f"{report['cpu']:.2f} s",
                f"{figures[f'build_{name}_mb_per_cpu_s']:.1f} MB/s",
                f"{report['fingerprints']:,} fingerprints, {report['index_bytes'] / 1e6:.1f} MB",
            ]
        )
    rows.append(
        [
            "scan, bodies after codings",
            f"{figures['scan_bytes'] / 1e6:.1f} MB",
            f"{figures['scan_bytes'] / 1e6 / figures['scan_mb_per_cpu_s']:.2f} s",
            f"{figures['scan_mb_per_cpu_s']:.1f} MB/s",
            "start-up, files and JSON output included",
        ]
    )
    print_table("Speed (by time of one core)", ["", "input", "core time", "", ""], rows)


def show(case: Case, found: Found, code: CodeFolder) -> None:
    print(describe(case, found))
    for span in found.spans:
        print(f"    {span}")
    print("--- excerpt, without white space")
    print("\n".join(case.normalised))
    print("--- transformed")
    print(case.text.read_text(errors="replace"))


def fetch(name: str, build: Path) -> Path | None:
    command = [sys.executable, str(HERE / "fetch_code.py"), "--set", name]
    command += ["--out", str(build / "code"), "--work", str(build / "apt")]
    return build / "code" / name if subprocess.run(command).returncode == 0 else None


def evaluate(name: str, code_root: Path, args: argparse.Namespace, generator: Path, build: Path) -> dict:
    code = CodeFolder(code_root)
    folder = generate(generator, code, build / "cases", args.cases, args.seed)
    cases = load(folder, code)
    weir = Weir(args.weir, build / "work" / name)
    given = [code_root / "negative" / n for n in code.names("negative")]
    given += [code_root / "text" / n for n in code.names("text")]
    builds = {}
    plain_index, builds["plain"] = weir.build_index(code, "plain", [])
    public_index, builds["public"] = weir.build_index(code, "public", given)
    told, timed = weir.scan(cases, plain_index)
    told_public, _ = weir.scan(cases, public_index)
    plain, public = Figures(cases, told, code), Figures(cases, told_public, code)

    if args.show:
        for case in cases:
            if case.id in args.show:
                show(case, told[case.id], code)
        return {}

    labels = Counter(c.label for c in cases)
    print(f"\n=== {name}: {labels['positive']:,} leaks ({len(plain.positives):,} count), {labels['negative']:,} negatives, {labels['ambiguous']:,} ambiguous (not scored)")
    print(f"    {len(code.names('protected'))} protected repositories, {len(code.names('negative'))} others; {args.cases} cases, seed {args.seed}")
    rows = aims(plain, public)
    aim_table(rows)
    recall_table("Recall by transform and lines, plain (%)", plain, lambda c: c.transform)
    recall_table("Recall by transform and lines, with --public (%)", public, lambda c: c.transform)
    not_renamed = lambda c: c.transform != RENAMED
    recall_table("Recall by envelope, plain, full renaming left out (%)", plain, lambda c: c.envelope, not_renamed)
    recall_table("Recall by content coding, plain, full renaming left out (%)", plain, lambda c: c.coding, not_renamed)
    recall_table("Recall by language, plain, full renaming left out (%)", plain, lambda c: c.language, not_renamed)
    alarm_table(plain, public)
    named_table(plain, public)
    score_table(plain)
    if weir.has_min_score:
        low, _ = weir.scan(cases, plain_index, min_score=min(SWEEP))
        low_public, _ = weir.scan(cases, public_index, min_score=min(SWEEP))
    else:
        low, low_public = told, told_public
    sweep_table(lambda t: Figures(cases, low, code, t), "Thresholds, plain (recall %; alarms)")
    sweep_table(lambda t: Figures(cases, low_public, code, t), "Thresholds, with --public (recall %; alarms)")
    missed = plain.misses()
    bare, _ = weir.scan(missed, plain_index, bare=True) if missed else ({}, None)
    loss_table(missed, bare)
    figures = speed(timed, cases, builds)
    print_speed(figures, builds)
    print_cases("Worst misses, plain", missed, told, args.misses, lambda c: " (found bare)" if bare[c.id].leak else "")
    lost = [c for c in public.misses() if plain.found(c)]
    print_cases("Lost by --public", lost, told_public, args.misses)
    print_cases("False alarms, plain", plain.false_alarms(), told, args.misses)
    print_cases("False alarms, with --public", public.false_alarms(), told_public, args.misses)
    print_cases("Wrong file named first, plain", plain.wrong_files(), told, args.misses)
    print_cases("Line range overlaps by less than half, plain", plain.poor_ranges(), told, args.misses)

    def grid(f: Figures, key) -> dict:
        return {k: {str(b): list(r) for b, r in v.items()} for k, v in f.recall_by(key).items()}

    return {
        "aims": rows,
        "recall_by_transform": {"plain": grid(plain, lambda c: c.transform), "public": grid(public, lambda c: c.transform)},
        "recall_by_envelope": grid(plain, lambda c: c.envelope),
        "recall_by_coding": grid(plain, lambda c: c.coding),
        "recall_by_language": grid(plain, lambda c: c.language),
        "missed": [c.id for c in missed],
        "false_alarms": {"plain": [c.id for c in plain.false_alarms()], "public": [c.id for c in public.false_alarms()]},
        "speed": figures,
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="./run eval", description="How well weir scan finds leaked code")
    parser.add_argument("--set", choices=("tune", "more", "holdout", "both"), default="tune", help="which of the fetched repositories")
    parser.add_argument("--code", type=Path, help="repositories of your own instead: protected/, negative/ and so on")
    parser.add_argument("--cases", type=int, default=12000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--misses", type=int, default=10, help="how many cases of each kind of error are listed")
    parser.add_argument("--show", nargs="+", default=[], metavar="ID", help="print these cases instead of tables")
    parser.add_argument("--weir", type=Path, default=ROOT / "build/release/weir")
    parser.add_argument("--build", type=Path, default=ROOT / "build/eval", help="folder for all that is made")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write the figures here too")
    args = parser.parse_args()
    generator = Path(os.environ.get("WEIR_SHARED", ROOT.parent / "shared")) / "leaks/make_leaks.py"
    if not generator.is_file():
        print(f"skipped: {generator} is not there (WEIR_SHARED names the folder shared/)")
        return 0
    if not os.access(args.weir, os.X_OK):
        print(f"{args.weir} is missing: ./run build release", file=sys.stderr)
        return 1
    sets = {}
    if args.code:
        if not (args.code / "protected").is_dir() or not (args.code / "negative").is_dir():
            print(f"{args.code}: expected the folders protected/ and negative/", file=sys.stderr)
            return 1
        sets["own"] = args.code
    else:
        for name in ("tune", "holdout") if args.set == "both" else (args.set,):
            folder = fetch(name, args.build)
            if folder is None:
                return 1
            sets[name] = folder
    results = {name: evaluate(name, folder, args, generator, args.build) for name, folder in sets.items()}
    if args.json:
        args.json.write_text(json.dumps(results, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
