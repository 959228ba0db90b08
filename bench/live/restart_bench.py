#!/usr/bin/env python3
"""How long a sensor is blind when it is started again: from its start to the first incident of
traffic that never stops, with an index of 100 million random fingerprints.

Usage: restart_bench.py [BUILD_DIR] (default build/release). Needs root, iproute2, tcpreplay, 3 GB
of disk. The time of the process is that to the incident; traffic brings one every few milliseconds.
"""
import os
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(SOURCE, "tests/system"))
import netns  # noqa: E402

BUILD = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else os.path.join(SOURCE, "build/release")
WEIR = os.path.join(BUILD, "weir")
FINGERPRINTS = 100_000_000
ROUNDS = 5


def make_indexes(folder):
    """One of random fingerprints and one of the sample repository, both with the benches' key."""
    with open(folder + "/site.key", "w", encoding="ascii") as key:
        os.chmod(folder + "/site.key", 0o600)
        key.write(bytes((7 * i + 1) & 0xFF for i in range(32)).hex() + "\n")
    subprocess.run([BUILD + "/bench/index_bench", "--benchmark_filter=SortWriteOpen",
                    "--benchmark_min_time=0"], check=True, stdout=subprocess.DEVNULL,
                   env={**os.environ, "WEIR_BENCH_FINGERPRINTS": str(FINGERPRINTS), "TMPDIR": folder,
                        "WEIR_BENCH_INDEX": folder + "/random.wfi"})
    netns.run(WEIR, "index", "build", "--repo", f"orchard={SOURCE}/samples/orchard", "--out",
              folder + "/orchard.wfi", "--key", folder + "/site.key")


def first_incident(namespace, folder, indexes):
    """Seconds from the start of `weir run` to its first incident."""
    alerts = folder + "/alerts.jsonl"
    if os.path.exists(alerts):
        os.remove(alerts)
    with open(folder + "/weir.yaml", "w", encoding="ascii") as config:
        config.write("capture: {interfaces: [out], workers: 1}\n"
                     f"protect: {{indexes: [{', '.join(indexes)}], key: {folder}/site.key}}\n"
                     f"alerts: {{sinks: [{{type: jsonl, path: {alerts}}}]}}\n"
                     f"control: {{socket: {folder}/control.sock}}\n")
    began = time.monotonic()
    sensor = subprocess.Popen(["ip", "netns", "exec", namespace, WEIR, "run", "-c", folder + "/weir.yaml"],
                              stderr=open(folder + "/log", "w", encoding="utf-8"))
    try:
        while not os.path.exists(alerts) or os.path.getsize(alerts) == 0:
            if sensor.poll() is not None or time.monotonic() - began > 60:
                with open(folder + "/log", encoding="utf-8") as log:
                    raise AssertionError("no incident: " + log.read())
            time.sleep(0.002)
        return time.monotonic() - began
    finally:
        sensor.terminate()
        sensor.wait(60)


def main():
    with tempfile.TemporaryDirectory(prefix="weir-bench-") as folder, \
            netns.veth(f"weir-bench-{os.getpid()}") as namespace:
        make_indexes(folder)
        size = os.path.getsize(folder + "/random.wfi")
        netns.run(WEIR, "lab", "generate", "--code", SOURCE + "/samples/orchard", "--out",
                  folder + "/lab.pcap", "--labels", folder + "/labels", "--background", "0")
        sender = subprocess.Popen(["ip", "netns", "exec", namespace, "tcpreplay", "-q", "-i", "in",
                                   "--pps=5000", "--loop=1000000", folder + "/lab.pcap"],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            small = [folder + "/orchard.wfi"]
            large = [*small, folder + "/random.wfi"]
            times = {"sample index": [], f"and 100 M fingerprints ({size / 1e9:.2f} GB)": []}
            for _ in range(ROUNDS):
                for title, indexes in zip(times, (small, large)):
                    times[title].append(first_incident(namespace, folder, indexes))
            for title, all_times in times.items():
                print(f"start to first incident, {title}: {statistics.median(all_times):.2f} s "
                      f"(rounds: {', '.join(f'{t:.2f}' for t in all_times)})")
        finally:
            sender.terminate()
            sender.wait()


if __name__ == "__main__":
    netns.require_namespaces()
    main()
