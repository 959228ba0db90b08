#!/usr/bin/env python3
"""The live sensor on a mirror port: `weir run` at one end of a cable, packets sent into the other.

Usage: live_test.py WEIR SOURCE_FOLDER [CASE...]. Exit code 77: cannot be run here (not root).
What is compared with a replay leaves out times: they are those of the sending.
"""
import collections
import json
import os
import struct
import sys
import tempfile
import time
import unittest

import netns

WEIR = SOURCE = None
CONFIG = """
capture: {{interfaces: [out], workers: {workers}, ring: 32MiB}}
protect: {{indexes: [{index}], key: {key}}}
"""


def flow_facts(flow):
    """Of a flow, all that does not hang on when it was seen."""
    client, server = flow["client"], flow["server"]
    return (client["ip"], client["port"], server["ip"], server["port"], flow["protocol"], flow["service"],
            flow["host"], flow["visibility"], flow["packets"]["up"], flow["packets"]["down"],
            flow["bytes"]["up"], flow["bytes"]["down"], flow["requests"])


def evidence_facts(alerts):
    """What was found at whom, however the findings were put together into incidents."""
    out = set()
    for alert in alerts:
        who = (alert["client"]["ip"], alert["service"], alert["host"], alert["rule"], alert["action"])
        for piece in alert["evidence"]:
            out.add(who + (piece["kind"], piece["repository"], piece["path"], piece["rule"]))
        if not alert["evidence"]:
            out.add(who)
    return out


def in_vxlan(frame, i):
    """The frame as a cloud mirrors it: from one of a few hosts, in VXLAN 77."""
    udp = struct.pack(">HHHH", 49152 + i % 1000, 4789, 16 + len(frame), 0)
    total = 20 + len(udp) + 8 + len(frame)
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, total, 0, 0, 64, 17, 0, bytes([192, 0, 2, 1 + i % 5]),
                     bytes([192, 0, 2, 99]))
    return bytes(12) + b"\x08\x00" + ip + udp + struct.pack(">II", 0x08000000, 77 << 8) + frame


class Mirror(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="weir-live-")
        path = cls.folder.name
        cls.index, cls.key = path + "/orchard.wfi", path + "/site.key"
        cls.capture = path + "/lab.pcap"
        code = os.path.join(SOURCE, "samples/orchard")
        netns.run(WEIR, "index", "build", "--repo", "orchard=" + code, "--out", cls.index, "--key", cls.key,
                  "--make-key")
        netns.run(WEIR, "lab", "generate", "--code", code, "--out", cls.capture, "--labels", path + "/labels",
                  "--sessions", "16", "--background", "8")
        cls.packets = len(netns.read_pcap(cls.capture))

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def setUp(self):
        self.case = tempfile.TemporaryDirectory(prefix="case-", dir=self.folder.name)
        self.addCleanup(self.case.cleanup)

    def replay(self, capture):
        alerts, flows = self.case.name + "/alerts", self.case.name + "/flows"
        netns.run(WEIR, "replay", capture, "-q", "--index", self.index, "--key", self.key, "--alerts", alerts,
                  "--flows", flows)
        return netns.json_lines(alerts), netns.json_lines(flows)

    def sensor(self, namespace, workers=2, more=""):
        config = CONFIG.format(workers=workers, index=self.index, key=self.key) + more
        sensor = netns.Sensor(WEIR, namespace, self.case.name, config)
        self.addCleanup(sensor.kill)
        return sensor

    def check_as_replay(self, sensor, capture, packets):
        with open(sensor.totals, encoding="utf-8") as file:
            totals = json.load(file)
        self.assertEqual(totals["counters"]["live.kernel_dropped"], 0)
        self.assertEqual(totals["packets"], packets)
        alerts, flows = self.replay(capture)
        live = netns.json_lines(sensor.flows)
        self.assertEqual(collections.Counter(map(flow_facts, live)), collections.Counter(map(flow_facts, flows)))
        found = evidence_facts(alerts)
        self.assertGreater(len(found), 5)
        self.assertEqual(evidence_facts(netns.json_lines(sensor.alerts)), found)

    def test_sees_what_a_replay_sees(self):
        with netns.veth(f"weir-{os.getpid()}") as namespace:
            sensor = self.sensor(namespace)
            netns.Sender(namespace, self.capture).wait()
            sensor.wait_for_packets(self.packets)
            each = [worker["packets"] for worker in sensor.stats()["workers"]]
            self.assertTrue(all(count > 0 for count in each), each)
            # Ends soon also on a busy machine, and has delivered everything by then.
            self.assertLess(sensor.stop(), 10)
        self.check_as_replay(sensor, self.capture, self.packets)

    def test_spreads_by_what_vxlan_wraps(self):
        wrapped = self.case.name + "/vxlan.pcap"
        frames = [frame for frame in netns.read_pcap(self.capture) if len(frame) < 60_000]
        netns.write_pcap(wrapped, [in_vxlan(frame, i) for i, frame in enumerate(frames)])
        with netns.veth(f"weir-{os.getpid()}") as namespace:
            sensor = self.sensor(namespace, workers=3)
            netns.Sender(namespace, wrapped).wait()
            sensor.wait_for_packets(len(frames))
            sensor.stop()
        self.check_as_replay(sensor, wrapped, len(frames))

    def test_a_reload_under_load_loses_nothing(self):
        with netns.veth(f"weir-{os.getpid()}") as namespace:
            sensor = self.sensor(namespace)
            sensor.ask("reload")
            sender = netns.Sender(namespace, self.capture, rate=5000)
            reloads = 1
            while sender.process.poll() is None:
                self.assertIn("is in force", sensor.ask("reload").stdout)
                reloads += 1
            sender.wait()
            self.assertGreater(reloads, 1)
            sensor.wait_for_packets(self.packets)
            stats = sensor.stats()
            self.assertEqual(stats["generation"], reloads + 1)
            sensor.stop()
        self.check_as_replay(sensor, self.capture, self.packets)
        generations = {alert["generation"] for alert in netns.json_lines(sensor.alerts)}
        self.assertTrue(generations <= set(range(2, reloads + 2)), generations)

    def test_a_bad_configuration_keeps_the_old_one(self):
        with netns.veth(f"weir-{os.getpid()}") as namespace:
            sensor = self.sensor(namespace, workers=1)
            with open(sensor.config, encoding="utf-8") as file:
                good = file.read()
            with open(sensor.config, "w", encoding="utf-8") as file:
                file.write(good + "polcy: []\n")
            refused = sensor.ask("reload", check=False)
            self.assertEqual(refused.returncode, 2)
            self.assertIn('unknown key "polcy"', refused.stderr)
            self.assertIn("generation 1 stays in force", refused.stderr)
            stats = sensor.stats()
            self.assertEqual(stats["generation"], 1)
            self.assertFalse(stats["last_reload"]["good"])
            # So do rules that do not load, and a mapping of addresses to users that cannot be read.
            for key, name, text, told in (
                    ("signatures", "rules.yaml", "rules:\n  - {id: broken, title: t, kind: secret, score: 0.9, "
                     "pattern: '([', examples: [x], counter_examples: [y]}\n", "rules.yaml:2"),
                    ("users", "users.txt", "10.0.0.1 ana\n10.0.0.0/99 bo\n", "users.txt:2")):
                path = os.path.join(self.case.name, name)
                with open(path, "w", encoding="utf-8") as file:
                    file.write(text)
                value = f"{{rules: [{path}]}}" if key == "signatures" else path
                with open(sensor.config, "w", encoding="utf-8") as file:
                    file.write(good + f"{key}: {value}\n")
                refused = sensor.ask("reload", check=False)
                self.assertEqual(refused.returncode, 2)
                self.assertIn(told, refused.stderr)
                self.assertIn("generation 1 stays in force", refused.stderr)
            # What only a restart changes is named, the rest holds.
            with open(sensor.config, "w", encoding="utf-8") as file:
                file.write(good.replace("workers: 1", "workers: 2") + "policy: []\n")
            self.assertIn("only a restart changes capture.workers", sensor.ask("reload").stdout)
            netns.Sender(namespace, self.capture).wait()
            sensor.wait_for_packets(self.packets)
            self.assertEqual(len(sensor.stats()["workers"]), 1)
            sensor.stop()
        self.assertEqual(netns.json_lines(sensor.alerts), [], "the policy that was loaded is empty")

    def test_a_full_disk_stops_no_alert_and_loses_nothing(self):
        disk = self.case.name + "/disk"
        os.mkdir(disk)
        if netns.run("mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk, check=False).returncode != 0:
            netns.skip("nothing can be mounted here")
        self.addCleanup(netns.run, "umount", disk, check=False)
        sink = self.case.name + "/sink.jsonl"
        with netns.veth(f"weir-{os.getpid()}") as namespace:
            sensor = self.sensor(namespace, workers=1, more=f"""
alerts: {{store: {disk}/weir.db, sinks: [{{type: jsonl, path: {sink}}}]}}
""")
            filler = disk + "/filler"
            with open(filler, "wb", buffering=0) as file, self.assertRaises(OSError):
                while True:
                    file.write(bytes(4096))
            netns.Sender(namespace, self.capture).wait()
            sensor.wait_for_packets(self.packets)
            end = time.monotonic() + 30
            while "alerts go on without it" not in sensor.log() or len(netns.json_lines(sink)) < 10:
                self.assertLess(time.monotonic(), end, sensor.log())
                time.sleep(0.1)
            os.remove(filler)
            end = time.monotonic() + 60
            while "incidents are stored again" not in sensor.log():
                self.assertLess(time.monotonic(), end, sensor.log())
                time.sleep(0.1)
            sensor.stop()
        stored = netns.run(WEIR, "incidents", "--store", disk + "/weir.db", "--json", "--limit", "0").stdout
        told = {alert["id"] for alert in netns.json_lines(sink)}
        self.assertGreater(len(told), 5)
        self.assertEqual({json.loads(line)["id"] for line in stored.splitlines()}, told)

    def test_only_its_owner_can_ask_and_one_sensor_answers(self):
        with netns.veth(f"weir-{os.getpid()}") as namespace:
            sensor = self.sensor(namespace, workers=1)
            self.assertEqual(os.stat(sensor.socket).st_mode & 0o777, 0o600)
            second = netns.run("ip", "netns", "exec", namespace, WEIR, "run", "-c", sensor.config, check=False)
            self.assertEqual(second.returncode, 1)
            self.assertIn("another process answers there already", second.stderr)
            sensor.stop()
            self.assertFalse(os.path.exists(sensor.socket))

    def test_an_interface_that_goes_down_comes_back(self):
        with netns.veth(f"weir-{os.getpid()}") as namespace:
            sensor = self.sensor(namespace, workers=1)
            netns.run("ip", "-n", namespace, "link", "set", "out", "down")
            self.assertIsNone(sensor.process.poll())
            netns.run("ip", "-n", namespace, "link", "set", "out", "up")
            netns.Sender(namespace, self.capture).wait()
            sensor.wait_for_packets(self.packets)
            sensor.stop()

    def test_an_interface_that_is_made_anew_at_once_is_heard(self):
        with netns.veth(f"weir-{os.getpid()}") as namespace:
            sensor = self.sensor(namespace)
            before = sensor.stats()["counters"]["live.reopened"]
            # In one process, so that no worker reads while there is no such interface.
            netns.run("ip", "netns", "exec", namespace, "sh", "-c",
                      "printf 'link del in\nlink add in mtu 65535 type veth peer name out mtu 65535\n"
                      "link set in up\nlink set out up\n' | ip -batch -")
            end = time.monotonic() + 30
            while sensor.stats()["counters"]["live.reopened"] < before + 2:
                self.assertLess(time.monotonic(), end, sensor.log())
                time.sleep(0.05)
            netns.Sender(namespace, self.capture).wait()
            sensor.wait_for_packets(self.packets)
            sensor.stop()


if __name__ == "__main__":
    netns.require_namespaces()
    WEIR, SOURCE = sys.argv[1:3]
    unittest.main(argv=[sys.argv[0]] + sys.argv[3:], verbosity=2)
