"""Figures of an evaluation run: recall, false positives, files, line ranges, thresholds.

All are worked out from cases and from what a scan told of each. A rate is a pair (hits, of).
"""

from collections import defaultdict
from typing import Callable, Iterable

from cases import Case, CodeFolder
from weir_runs import Found

BUCKETS = (3, 5, 8, 10, 20, 50)
RENAMED = "rename100"
QUIET_KINDS = ("prose", "logs", "config")
Rate = tuple[int, int]
Told = dict[str, Found]


def rate(cases: Iterable[Case], hit: Callable[[Case], bool]) -> Rate:
    results = [hit(case) for case in cases]
    return sum(results), len(results)


class Figures:
    """threshold: cases of a lower score count as not found."""

    def __init__(self, cases: list[Case], told: Told, code: CodeFolder, threshold: float = 0.0):
        self.positives = [c for c in cases if c.label == "positive" and c.fair]
        self.negatives = [c for c in cases if c.label == "negative"]
        self.told = told
        self.code = code
        self.threshold = threshold

    def found(self, case: Case) -> bool:
        found = self.told[case.id]
        return found.leak and found.score >= self.threshold

    # --- recall

    def recall(self, wanted: Callable[[Case], bool]) -> Rate:
        return rate((c for c in self.positives if wanted(c)), self.found)

    def recall_by(self, key: Callable[[Case], str], wanted=lambda c: True) -> dict[str, dict]:
        """key of case -> bucket of lines -> rate."""
        groups = defaultdict(lambda: defaultdict(list))
        for case in self.positives:
            if wanted(case):
                groups[key(case)][case.bucket].append(case)
        return {
            name: {b: rate(found, self.found) for b, found in buckets.items()}
            for name, buckets in groups.items()
        }

    def misses(self) -> list[Case]:
        """The longest first: they ought to be the easiest."""
        missed = [c for c in self.positives if not self.found(c)]
        return sorted(missed, key=lambda c: (-c.lines, c.transform, c.id))

    # --- false positives

    def alarms(self, wanted: Callable[[Case], bool]) -> Rate:
        return rate((c for c in self.negatives if wanted(c)), self.found)

    def false_alarms(self) -> list[Case]:
        wrong = [c for c in self.negatives if self.found(c)]
        return sorted(wrong, key=lambda c: (c.shared_lines > 2, -self.told[c.id].score, c.id))

    # --- what was named

    def _held(self, case: Case, repository: str, path: str) -> int:
        """Distinct lines of the excerpt that a protected file holds too."""
        wanted = {line for line in case.normalised if len(line) >= 6}
        return len(wanted & set(self.code.lines("protected", repository, path)))

    def right_file(self, case: Case, first: int = 1) -> bool:
        """Whether the file, or one that holds all the same lines, is among the first so many files named."""
        named = list(dict.fromkeys((s.repository, s.path) for s in self.told[case.id].spans))[:first]
        if (case.repository, case.path) in named:
            return True
        most = self._held(case, case.repository, case.path)
        return any(self._held(case, *file) >= most > 0 for file in named)

    def files(self, first: int) -> Rate:
        hits = (c for c in self.positives if not c.older and self.found(c))
        return rate(hits, lambda c: self.right_file(c, first))

    def repositories(self) -> Rate:
        hits = (c for c in self.positives if self.found(c))
        return rate(hits, lambda c: any(s.repository == c.repository for s in self.told[c.id].spans[:1]))

    def wrong_files(self) -> list[Case]:
        hits = (c for c in self.positives if not c.older and self.found(c))
        return [c for c in hits if not self.right_file(c)]

    def range_overlap(self, case: Case) -> float | None:
        """Lines common to excerpt and spans of its file, by lines of either; None for another file."""
        told: set[int] = set()
        for span in self.told[case.id].spans:
            if (span.repository, span.path) == (case.repository, case.path):
                told.update(range(span.first_line, span.last_line + 1))
        if not told:
            return None
        meant = set(range(case.first_line, case.last_line + 1))
        return len(told & meant) / len(told | meant)

    def overlaps(self) -> list[float]:
        hits = (c for c in self.positives if not c.older and self.found(c))
        return sorted(o for o in map(self.range_overlap, hits) if o is not None)

    def poor_ranges(self) -> list[Case]:
        hits = [c for c in self.positives if not c.older and self.found(c)]
        poor = [(self.range_overlap(c), c) for c in hits]
        poor = [(o, c) for o, c in poor if o is not None and o < 0.5]
        return [c for _, c in sorted(poor, key=lambda p: (p[0], p[1].id))]


# --- the figures that the project aims at: name, aim, which index, at least or at most, figure

def long_enough(case: Case) -> bool:
    return case.lines >= 10 and case.transform != RENAMED



AIMS = (
    # title, aim, at least (recall) or at most (alarms), with public code only, figure
    ("recall, 10 lines and more, all but full renaming", 0.995, True, False, lambda f: f.recall(long_enough)),
    ("recall, 5 lines, all but full renaming", 0.97, True, False, lambda f: f.recall(lambda c: c.lines == 5 and c.transform != RENAMED)),
    ("recall, 3 lines, all but full renaming", 0.85, True, False, lambda f: f.recall(lambda c: c.lines == 3 and c.transform != RENAMED)),
    ("recall, 20 lines and more, all renamed", 0.95, True, False, lambda f: f.recall(lambda c: c.lines >= 20 and c.transform == RENAMED)),
    ("alarms: prose, logs, configuration", 0.0001, False, False, lambda f: f.alarms(lambda c: c.kind in QUIET_KINDS and c.shared_lines <= 2)),
    ("alarms: other code, 2 shared lines or fewer", 0.001, False, False, lambda f: f.alarms(lambda c: c.kind not in QUIET_KINDS and c.shared_lines <= 2)),
    ("alarms: more than 2 shared lines", 0.001, False, True, lambda f: f.alarms(lambda c: c.shared_lines > 2)),
    ("right file named first", 0.99, True, False, lambda f: f.files(1)),
)
RANGE_AIM = 0.8


def aims(plain: Figures, public: Figures) -> list[dict]:
    rows = []
    for title, aim, at_least, public_only, figure in AIMS:
        row = {"title": title, "aim": aim, "at_least": at_least, "public_only": public_only}
        for name, figures in (("plain", plain), ("public", public)):
            hits, of = figure(figures)
            value = hits / of if of else None
            ok = None if value is None else value >= aim if at_least else value <= aim
            row[name] = {"hits": hits, "of": of, "value": value, "ok": ok}
        rows.append(row)
    row = {"title": "line range, mean overlap", "aim": RANGE_AIM, "at_least": True, "public_only": False}
    for name, figures in (("plain", plain), ("public", public)):
        values = figures.overlaps()
        mean = sum(values) / len(values) if values else None
        row[name] = {"hits": None, "of": len(values), "value": mean, "ok": mean is not None and mean >= RANGE_AIM}
    return rows + [row]
