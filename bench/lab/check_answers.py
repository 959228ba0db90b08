#!/usr/bin/env python3
"""Compares what `weir replay --alerts` found in a lab capture with the labels of the capture.

Usage: check_answers.py LABELS.jsonl ALERTS.jsonl
Exit 1 when a leak is missed, is given the wrong file or lines, or an innocent session has an
incident.
"""
import json
import sys


def read(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def session_of(record):
    return record["client"]["ip"], record["server"]["ip"]


def names_the_leak(alert, label):
    return any(
        piece["kind"] == "code"
        and piece["repository"] == label["repository"]
        and piece["path"] == label["path"]
        and piece["first_line"] <= label["last_line"]
        and piece["last_line"] >= label["first_line"]
        for piece in alert["evidence"]
    )


def main():
    labels = read(sys.argv[1])
    # What a client tells of its machine is found in innocent sessions too, and is no false alarm.
    alerts = [
        alert
        for alert in read(sys.argv[2])
        if not alert["evidence"]
        or any(piece["kind"] != "environment" for piece in alert["evidence"])
    ]
    leaks = [label for label in labels if label["kind"] == "leak"]
    missed = [
        label
        for label in leaks
        if not any(
            session_of(alert) == session_of(label) and names_the_leak(alert, label)
            for alert in alerts
        )
    ]
    leaking = {session_of(label) for label in leaks}
    false_alarms = [alert for alert in alerts if session_of(alert) not in leaking]
    for label in missed:
        print("missed: %s -> %s %s:%d-%d" % (label["client"]["ip"], label["host"], label["path"],
                                             label["first_line"], label["last_line"]))
    for alert in false_alarms:
        print("false alarm: %s -> %s (%s)" % (alert["client"]["ip"], alert["host"], alert["rule"]))
    innocent = sum(1 for label in labels if label["kind"] == "innocent")
    other = sum(1 for label in labels if label["kind"] == "background")
    print("%d of %d leaks found with the right file and lines; %d false alarms in %d innocent AI "
          "sessions and %d other flows" % (len(leaks) - len(missed), len(leaks), len(false_alarms),
                                           innocent, other))
    return 1 if missed or false_alarms else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main())
