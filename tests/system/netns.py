"""Network namespaces for tests: a veth pair in a namespace of its own, a sender, a running sensor.

Everything made here is removed by the context managers, and all traffic stays inside.
"""
import contextlib
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time

SKIP = 77


def skip(why):
    print("SKIPPED: " + why)
    sys.exit(SKIP)


def run(*command, check=True):
    return subprocess.run(command, check=check, capture_output=True, text=True)


def require_namespaces():
    if os.geteuid() != 0:
        skip("needs root")
    if shutil.which("ip") is None:
        skip("needs iproute2")
    name = f"weir-probe-{os.getpid()}"
    if run("ip", "netns", "add", name, check=False).returncode != 0:
        skip("no network namespaces here")
    run("ip", "netns", "del", name)


@contextlib.contextmanager
def veth(name):
    """A namespace with the two ends `in` and `out` of a cable: what is sent into one is seen at the other."""
    run("ip", "netns", "add", name)
    try:
        inside = ("ip", "netns", "exec", name)
        # No neighbour discovery of the namespace's own among the packets.
        run(*inside, "sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6;"
                                 "echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6")
        run("ip", "-n", name, "link", "add", "in", "mtu", "65535", "type", "veth", "peer", "name", "out",
            "mtu", "65535")
        for end in ("in", "out"):
            run("ip", "-n", name, "link", "set", end, "up")
        yield name
    finally:
        run("ip", "netns", "del", name, check=False)


def read_pcap(path):
    """Frames of a little-endian pcap file."""
    with open(path, "rb") as file:
        data = file.read()
    order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    at, out = 24, []
    while at < len(data):
        captured = struct.unpack_from(order + "I", data, at + 8)[0]
        out.append(data[at + 16:at + 16 + captured])
        at += 16 + captured
    return out


def write_pcap(path, frames):
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
        for i, frame in enumerate(frames):
            # As fast as they are sent: a thousandth of a second each.
            file.write(struct.pack("<IIII", 1_700_000_000 + i // 1000, i % 1000 * 1000, len(frame),
                                   len(frame)))
            file.write(frame)


def send_frames(interface, path, rate, loops):
    """Sends a capture at `rate` packets a second. To be run inside the namespace."""
    frames = read_pcap(path)
    out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    out.bind((interface, 0))
    began, sent = time.monotonic(), 0
    for _ in range(loops):
        for frame in frames:
            out.send(frame)
            sent += 1
            if sent % 64 == 0:
                ahead = sent / rate - (time.monotonic() - began)
                if ahead > 0:
                    time.sleep(ahead)


class Sender:
    def __init__(self, namespace, path, rate=15_000, loops=1):
        self.process = subprocess.Popen(["ip", "netns", "exec", namespace, sys.executable, __file__, "in",
                                         path, str(rate), str(loops)])

    def wait(self):
        if self.process.wait(timeout=120) != 0:
            raise AssertionError("the sender failed")


class Sensor:
    """`weir run` inside a namespace, ready when this returns."""

    def __init__(self, weir, namespace, folder, config, *options):
        self.weir, self.folder = weir, folder
        self.config = os.path.join(folder, "weir.yaml")
        self.socket = os.path.join(folder, "control.sock")
        self.alerts = os.path.join(folder, "live-alerts.jsonl")
        self.flows = os.path.join(folder, "live-flows.jsonl")
        self.totals = os.path.join(folder, "live-stats.json")
        self.write_config(config)
        self.errors = open(os.path.join(folder, "sensor.log"), "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", namespace, weir, "run", "-c", self.config, "--alerts", self.alerts,
             "--flows", self.flows, "--stats", self.totals, *options],
            stderr=self.errors)
        end = time.monotonic() + 60
        while self.ask("stats", "--json", check=False).returncode != 0:
            if self.process.poll() is not None or time.monotonic() > end:
                self.process.kill()
                raise AssertionError("the sensor did not begin: " + self.log())
            time.sleep(0.05)

    def write_config(self, text):
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(text + f"\ncontrol: {{socket: {self.socket}}}\n")

    def ask(self, command, *options, check=True):
        return run(self.weir, command, "--socket", self.socket, *options, check=check)

    def stats(self):
        return json.loads(self.ask("stats", "--json").stdout)

    def wait_for_packets(self, count):
        """Until the workers have read `count` packets."""
        end = time.monotonic() + 30
        while self.stats()["traffic"]["packets"] < count:
            if time.monotonic() > end:
                raise AssertionError(f"read {self.stats()['traffic']}, not {count} packets")
            time.sleep(0.05)

    def stop(self):
        """How many seconds it took to end by itself."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        if self.process.wait(timeout=60) != 0:
            raise AssertionError("the sensor failed: " + self.log())
        return time.monotonic() - began

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.errors.close()

    def log(self):
        self.errors.flush()
        with open(self.errors.name, encoding="utf-8") as file:
            return file.read()


def json_lines(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


if __name__ == "__main__":
    send_frames(sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4]))
