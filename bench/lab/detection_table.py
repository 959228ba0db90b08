#!/usr/bin/env python3
"""What is found of data about machine and person, covert marks and undocumented hosts, as tables.

Usage: detection_table.py WEIR SOURCE [--clients FOLDER] [--check]

Generated sessions with their labels (`weir lab generate --data`), and captures of real clients where a
folder with pcap/, keys/ and index.jsonl is given, are replayed with a policy that tells everything. Prints
the tables of docs/detection.md. With --check: exit 1 when anything that was planted is missed, anything
else is told, or docs/detection.md has another table of generated sessions.
"""
import argparse
import collections
import json
import os
import subprocess
import sys
import tempfile

CLASSES = ["time_zone", "locale", "location", "user", "account", "host", "machine", "path", "repository",
           "gateway", "file_digest", "opaque"]
POLICY = """
policy:
  - {name: told, when: {evidence: [environment, anomaly]}, then: alert, severity: low}
"""
ROUNDS = 2


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit("%s: %s" % (" ".join(command), done.stderr))
    return done.stdout


def json_lines(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def ways(path):
    """How a value stood, out of the content path of its evidence."""
    out = set()
    for where in path.split(" "):
        if where.startswith("http/header"):
            out.add("header")
        elif "protobuf" in where:
            out.add("protobuf")
        elif "base64" in where:
            out.add("base64")
        elif any(part in where for part in ("messages", "system", "contents", "input", "prompt", "instructions")):
            out.add("prompt")
        else:
            out.add("body")
    return out


class Generated:
    """Sessions of the lab, each by a client of its own, and what was told of each client."""

    def __init__(self, weir, source, folder):
        capture, labels, alerts = (os.path.join(folder, name) for name in ("lab.pcap", "labels", "alerts"))
        config = os.path.join(folder, "weir.yaml")
        with open(config, "w", encoding="utf-8") as file:
            file.write(POLICY)
        run(weir, "lab", "generate", "--code", os.path.join(source, "samples/orchard"), "--out", capture,
            "--labels", labels, "--sessions", "0", "--background", "0", "--data", str(ROUNDS))
        run(weir, "replay", "-q", "-c", config, capture, "--alerts", alerts)
        self.labels = json_lines(labels)
        self.found = collections.defaultdict(list)
        for alert in json_lines(alerts):
            for piece in alert["evidence"]:
                self.found[alert["client"]["ip"]].append((piece, alert["host"]))
        self.problems = []

    def table(self):
        """Tool and class to how it stood; marks to rules; both only where it was found."""
        data = collections.defaultdict(lambda: collections.defaultdict(set))
        marks = collections.defaultdict(set)
        counts = collections.Counter()
        silent = 0
        for label in self.labels:
            found = self.found[label["client"]["ip"]]
            kind = label["kind"]
            if kind == "data":
                for planted in label["planted"]:
                    hits = [piece for piece, _ in found
                            if piece.get("class") == planted["class"] and piece.get("field") == planted["field"]]
                    counts["planted"] += 1
                    if not hits:
                        self.problems.append("missed: %s %s of %s" % (planted["class"], planted["field"], label["tool"]))
                    for piece in hits:
                        data[planted["class"]][label["tool"]] |= ways(piece["where"])
                for piece, _ in found:
                    if piece["kind"] == "anomaly" and piece["rule"] != "telemetry_host":
                        self.problems.append("false alarm: %s at %s" % (piece["rule"], label["tool"]))
            elif kind == "mark":
                hits = [piece for piece, _ in found if piece["kind"] == "anomaly"
                        and piece.get("class") in ("mark", "drift")]
                counts["marks"] += 1
                if not hits:
                    self.problems.append("missed: mark " + label["mark"])
                marks[label["mark"]] |= {piece["rule"] for piece in hits}
            elif kind == "contact":
                counts["contacts"] += 1
                # One incident for each version of a tool and host, whichever client was the first.
                if not any(piece["rule"] == "undocumented_host" and host == label["host"]
                           for of in self.found.values() for piece, host in of):
                    self.problems.append("missed: contact with " + label["host"])
            elif kind == "innocent":
                silent += 1
                for piece, host in found:
                    if host == label["host"] and piece["rule"] != "telemetry_host":
                        self.problems.append("false alarm: %s %s at %s" % (piece["rule"], piece.get("field", ""), host))
        return data, marks, counts, silent


def generated_text(generated):
    data, marks, counts, silent = generated.table()
    tools = sorted({tool for of in data.values() for tool in of})
    out = ["| class | " + " | ".join(tools) + " |", "|---" * (len(tools) + 1) + "|"]
    for name in CLASSES:
        cells = [", ".join(sorted(data[name][tool])) for tool in tools]
        out.append("| %s | %s |" % (name, " | ".join(cells)))
    out += ["", "| mark | rules |", "|---|---|"]
    out += ["| %s | %s |" % (mark, ", ".join(sorted(marks[mark]))) for mark in sorted(marks)]
    out += ["", "%d planted values, %d marked sessions and %d undocumented contacts; %d innocent sessions."
            % (counts["planted"], counts["marks"], counts["contacts"], silent)]
    return out


def clients_text(weir, folder):
    """Captures of real clients: class and field, by client."""
    found = collections.defaultdict(lambda: collections.defaultdict(set))
    captures = 0
    with tempfile.TemporaryDirectory() as out:
        config, alerts = os.path.join(out, "weir.yaml"), os.path.join(out, "alerts")
        with open(config, "w", encoding="utf-8") as file:
            file.write(POLICY)
        for row in json_lines(os.path.join(folder, "index.jsonl")):
            captures += 1
            command = [weir, "replay", "-q", "-c", config, os.path.join(folder, row["pcap"]), "--alerts", alerts]
            if row["keylog"]:
                command += ["--keylog", os.path.join(folder, row["keylog"])]
            run(*command)
            for alert in json_lines(alerts):
                for piece in alert["evidence"]:
                    field = piece.get("field", "") + (" (documented)" if piece.get("documented") else "")
                    found[piece.get("class", piece["rule"])][row["client"]].add(field)
    out = ["| class | found in %d captures of real clients |" % captures, "|---|---|"]
    for name in CLASSES + ["mark", "drift"]:
        fields = collections.defaultdict(set)
        for client, of in found[name].items():
            for field in of:
                fields[field].add(client)
        out.append("| %s | %s |" % (name, "; ".join("`%s`: %s" % (field, ", ".join(sorted(clients)))
                                                     for field, clients in sorted(fields.items())) or "nothing"))
    others = set(found) - set(CLASSES) - {"mark", "drift"}
    out += ["", "Other findings: " + (", ".join(sorted(others)) or "none") + "."]
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weir")
    parser.add_argument("source")
    parser.add_argument("--clients", help="folder of captures of real clients")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        generated = Generated(options.weir, options.source, folder)
        lines = generated_text(generated)
    print("\n".join(lines))
    if options.clients:
        print("\n" + "\n".join(clients_text(options.weir, options.clients)))
    if not options.check:
        return 0
    with open(os.path.join(options.source, "docs/detection.md"), encoding="utf-8") as file:
        known = file.read().split("\n")
    for line in lines:
        if line and line not in known:
            generated.problems.append("docs/detection.md lacks: " + line)
    for problem in sorted(set(generated.problems)):
        print(problem)
    return 1 if generated.problems else 0


if __name__ == "__main__":
    sys.exit(main())
