#!/usr/bin/env python3
"""How fast a mirror port can be read without loss: weir, against tcpdump on the same cable.

Usage: mirror_bench.py [WEIR] (default build/release/weir). Needs root, iproute2, tcpreplay, tcpdump.
A capture of the lab is sent over a veth pair, with other addresses in each round, at rising rates
until the listener loses packets;
tcpdump -w /dev/null and weir take turns, so that other load on the machine meets both. Also: weir
with a filter that lets nothing through, which bounds what it could gain by letting the kernel drop
flows that are of no interest.
"""
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(SOURCE, "tests/system"))
import netns  # noqa: E402

RATES = [int(40_000 * 1.35 ** i) for i in range(12)]  # packets a second
RING_MIB = 16
SECONDS = 4  # of each try: far more than the ring holds
ROUNDS = 3


def send(namespace, capture, rate, packets):
    """Packets a second that were really sent."""
    loops = max(2, int(rate * SECONDS / packets))
    out = subprocess.run(["ip", "netns", "exec", namespace, "tcpreplay", "-q", "-K", "-i", "in",
                          f"--pps={rate}", f"--loop={loops}", "--unique-ip", capture], capture_output=True, text=True)
    told = out.stdout + out.stderr
    return (float(re.search(r"([\d.]+) pps", told).group(1)),
            int(re.search(r"Successful packets:\s+(\d+)", told).group(1)))


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Tcpdump:
    name = "tcpdump -w /dev/null"

    def __init__(self, namespace, folder):
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", namespace, "tcpdump", "-i", "out", "-w", "/dev/null", "-B",
             str(RING_MIB * 1024), "-s", "262144"], stderr=subprocess.PIPE, text=True)
        time.sleep(1)

    def lost(self):
        self.cpu = cpu_seconds(self.process.pid)
        self.process.send_signal(signal.SIGINT)
        told = self.process.communicate(timeout=60)[1]
        return int(re.search(r"(\d+) packets dropped by kernel", told).group(1))


class Weir:
    name = "weir run, one worker"
    more = ""

    def __init__(self, namespace, folder):
        config = (f"capture: {{interfaces: [out], workers: 1, ring: {RING_MIB}MiB{self.more}}}\n"
                  f"protect: {{indexes: [{folder}/orchard.wfi], key: {folder}/site.key}}")
        self.sensor = netns.Sensor(WEIR, namespace, folder, config)
        self.process = self.sensor.process
        self.before = cpu_seconds(self.process.pid)

    def lost(self):
        time.sleep(0.5)
        self.cpu = cpu_seconds(self.process.pid) - self.before
        traffic = self.sensor.stats()["traffic"]
        self.sensor.stop()
        self.sensor.kill()
        return traffic["kernel_dropped"]


class WeirFiltered(Weir):
    name = "weir run, filter that lets nothing through"
    more = ", filter: \"ether proto 0x9999\""


def best_rate(listener, namespace, folder, capture, packets):
    """The highest rate of the ladder that was read without loss, and CPU time a packet there."""
    best = (0.0, 0.0)
    for rate in RATES:
        one = listener(namespace, folder)
        sent, count = send(namespace, capture, rate, packets)
        if one.lost() > 0:
            break
        best = max(best, (sent, 1e6 * one.cpu / count))
        if sent < 0.9 * rate:  # the sender is at its end
            break
    return best


def main():
    with tempfile.TemporaryDirectory(prefix="weir-bench-") as folder, \
            netns.veth(f"weir-bench-{os.getpid()}") as namespace:
        code = os.path.join(SOURCE, "samples/orchard")
        netns.run(WEIR, "index", "build", "--repo", code, "--out", folder + "/orchard.wfi", "--key",
                  folder + "/site.key", "--make-key")
        capture = folder + "/lab.pcap"
        netns.run(WEIR, "lab", "generate", "--code", code, "--out", capture, "--labels", folder + "/labels")
        packets = len(netns.read_pcap(capture))
        results = {}
        for _ in range(ROUNDS):
            for listener in (Tcpdump, Weir, WeirFiltered):
                results.setdefault(listener.name, []).append(
                    best_rate(listener, namespace, folder, capture, packets))
        for name, rates in results.items():
            median = sorted(rates)[len(rates) // 2]
            print(f"{name}: {median[0]:,.0f} packets/s without loss, {median[1]:.2f} us of CPU a packet "
                  f"(rounds: {', '.join(f'{rate:,.0f}' for rate, _ in rates)})")
        tcpdump, weir = (sorted(results[c.name])[ROUNDS // 2][0] for c in (Tcpdump, Weir))
        print(f"weir / tcpdump: {weir / tcpdump:.2f}")


if __name__ == "__main__":
    netns.require_namespaces()
    WEIR = sys.argv[1] if len(sys.argv) > 1 else os.path.join(SOURCE, "build/release/weir")
    main()
