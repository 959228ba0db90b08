#!/usr/bin/env python3
"""The live sensor against real clients, in network namespaces: curl, AI SDKs under Node, Chromium, each
over TLS 1.2, 1.3 or QUIC, sends an excerpt of samples/orchard and something harmless to a fake AI
service, while `weir run` watches the bridge between them. TLS keys come before, during or two seconds
after the requests. Every excerpt must be found, with its file and lines, and nothing else.

Needs root and network namespaces; ends with 77 (skipped) and says why where something is missing. By
hand: see README.md beside this file.
"""
import argparse
import concurrent.futures
import dataclasses
import ipaddress
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import net_lab  # noqa: E402
from clients import CLIENTS, Call, Client, command_of, page_of  # noqa: E402
from fake_api import FakeApi  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
SKIPPED = 77
EXCERPT_LINES = 18
LATE_SECONDS = 2.0
MAX_SECONDS = 120  # then no scenario begins any more
# When keys come, and how: "before" is the client's own log, which the sensor watches.
TIMINGS = [("before", "folder"), ("during", "file"), ("after 2 s", "file"), ("after 2 s", "socket")]
NEVER = ("never", "-")


@dataclasses.dataclass
class Scenario:
    number: int
    client: Client
    view: tuple      # IP version, TLS version
    keys: tuple      # when, how
    source: str = ""  # file of the excerpt
    first: int = 0
    text: str = ""
    address: str = ""
    trouble: str = ""
    found: str = ""

    @property
    def last(self):
        return self.first + EXCERPT_LINES - 1

    @property
    def name(self):
        return f"{self.client.name} {'-'.join(self.view)} {self.keys[0]} {self.keys[1]}".replace(" ", "_")


def missing_tools(group, packages):
    """Why the clients of a group cannot run here, or empty."""
    if os.geteuid() != 0:
        return "needs root"
    servers = ["nginx", "caddy"] if group.endswith("http3") else ["nginx"]
    for tool in ["ip", "openssl", *servers, *{client.program for client in CLIENTS if client.group == group}]:
        if not shutil.which(tool):
            return f"no {tool}"
    if not os.path.exists("/proc/net/if_inet6"):
        return "no IPv6"
    if subprocess.run(["unshare", "--net", "true"], capture_output=True).returncode:
        return "no network namespaces"
    if group == "curl" and "HTTP2" not in subprocess.run(["curl", "-V"], capture_output=True, text=True).stdout:
        return "curl without HTTP/2"
    return install_packages(packages) if group == "node" else ""


def install_packages(folder):
    """The packages of package-lock.json, once for each state of it."""
    folder = pathlib.Path(folder)
    lock = (HERE / "package-lock.json").read_text()
    stamp = folder / "installed.json"
    if stamp.exists() and stamp.read_text() == lock:
        return ""
    if not shutil.which("npm"):
        return "no npm"
    folder.mkdir(parents=True, exist_ok=True)
    stamp.unlink(missing_ok=True)
    for name in ["package.json", "package-lock.json"]:
        shutil.copy(HERE / name, folder)
    try:
        done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
                              cwd=folder, capture_output=True, text=True, timeout=120)
    except subprocess.TimeoutExpired:
        return "npm did not end in 120 s"
    if done.returncode:
        return "npm cannot install: " + (done.stderr.strip().splitlines() or ["?"])[-1]
    stamp.write_text(lock)
    return ""


def excerpt_of(number):
    """Other lines for each scenario: (file, first line, text)."""
    files = sorted(path for path in (ROOT / "samples/orchard").rglob("*") if path.is_file())
    path = files[number % len(files)]
    lines = path.read_text().splitlines()
    first = 5 + number * 7 % (len(lines) - EXCERPT_LINES - 5)
    return (str(path.relative_to(ROOT / "samples/orchard")), first,
            "\n".join(lines[first - 1:first - 1 + EXCERPT_LINES]))


def innocent_text(number):
    return f"""Please look over the notes of meeting {number}, and mend this script.
def shopping_list(path, wanted={number}):
    with open(path) as notes:
        entries = [line.strip() for line in notes if line.strip()]
    totals = {{}}
    for entry in entries:
        name, _, amount = entry.partition(':')
        totals[name] = totals.get(name, 0) + int(amount or wanted)
    return sorted(totals.items(), key=lambda pair: pair[1])
We meet again on Tuesday; bring the draft of the letter, and tea."""


class Driver:
    def __init__(self, lab, options):
        self.lab = lab
        self.options = options
        self.folder = pathlib.Path(lab.folder)
        self.deadline = time.monotonic() + MAX_SECONDS
        self.deliveries = []
        self.file_lock = threading.Lock()

    # --- the sensor

    def prepare(self):
        self.public_key = net_lab.make_certificates(str(self.folder))
        for name in ["keys", "private"]:
            (self.folder / name).mkdir()
        net_lab.run(self.options.weir, "index", "build", "--repo", f"orchard={ROOT}/samples/orchard", "--out",
                    f"{self.folder}/orchard.wfi", "--key", f"{self.folder}/site.key", "--make-key")
        (self.folder / "weir.yaml").write_text(f"""
capture: {{mode: mirror, interfaces: [br0], workers: 2, ring: 32MiB}}
protect: {{indexes: [orchard.wfi], key: site.key}}
see_inside: {{key_logs: [keys, late.log, "unix:{self.folder}/keys.sock"]}}
policy:
  - {{name: content, when: {{evidence: [code, hash, secret, marker, name]}}, then: alert}}
alerts: {{sinks: [{{type: jsonl, path: steps.jsonl}}]}}
""")
        self.api = FakeApi(self.lab.listen("127.0.0.1"))
        self.proxies = {view: net_lab.ForwardProxy(self.lab, address) for view, address in net_lab.SERVER.items()}
        net_lab.start_nginx(self.lab, self.api.server_address[1])
        if self.options.group.endswith("http3"):
            net_lab.start_caddy(self.lab, self.api.server_address[1])
            self.wait_for(lambda: "serving initial" in self.caddy_log(), 15, "Caddy does not start")
        self.sensor = self.lab.start(
            self.lab.server,
            [self.options.weir, "run", "-c", f"{self.folder}/weir.yaml", "--alerts", f"{self.folder}/alerts.jsonl",
             "--flows", f"{self.folder}/flows.jsonl", "--stats", f"{self.folder}/stats.json"],
            f"{self.folder}/weir.log")
        self.wait_for(lambda: "watching" in (self.folder / "weir.log").read_text(), 30, "the sensor does not start")
        self.wait_for(lambda: (self.folder / "nginx.pid").exists(), 10, "nginx does not start")

    def caddy_log(self):
        return (self.folder / "caddy.log").read_text()

    def server_logs(self):
        paths = [self.folder / name for name in ["weir.log", "nginx.out", "nginx.log", "caddy.log"]]
        return "\n".join(path.read_text()[-1000:] for path in paths if path.exists())

    def wait_for(self, condition, seconds, otherwise):
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end or (otherwise.startswith("the sensor") and self.sensor.poll() is not None):
                raise RuntimeError(otherwise)
            time.sleep(0.02)

    def json_lines(self, name):
        path = self.folder / name
        text = path.read_text() if path.exists() else ""
        return [json.loads(line) for line in text[:text.rfind("\n") + 1].splitlines()]

    # --- keys

    def deliver(self, scenario, log, done):
        """Hands on the lines of a private key log that came since `done`; returns where it is now."""
        lines = log.read_bytes() if log.exists() else b""
        lines = lines[:lines.rfind(b"\n") + 1]
        new = lines[done:]
        if new and scenario.keys[1] == "socket":
            with socket.socket(socket.AF_UNIX) as out:
                out.connect(f"{self.folder}/keys.sock")
                out.sendall(new)
        elif new:
            with self.file_lock, open(self.folder / "late.log", "ab") as out:
                out.write(new)
        return len(lines)

    # --- a scenario

    def play(self, scenario):
        try:
            if time.monotonic() > self.deadline:
                raise TimeoutError("no time left")
            self._play(scenario)
        except Exception as problem:  # one scenario must not take the others with it
            scenario.trouble = f"{type(problem).__name__}: {problem}"

    def _play(self, scenario):
        when = scenario.keys[0]
        prompt = when not in ("before", "during")  # the answers
        scenario.source, scenario.first, scenario.text = excerpt_of(scenario.number)
        texts = [innocent_text(scenario.number), scenario.text]
        if when != "before" and (scenario.number % 2 or scenario.client.kind == "upload"):
            texts.reverse()
        if scenario.client.kind == "upload":  # deep in much text; keys come while it is sent
            filler = "\n".join(f"Line {i} of the log: train {i * 7919 % 1000} was on time." for i in range(7000))
            texts[texts.index(scenario.text)] = f"{filler[:200_000]}\n{scenario.text}\n{filler[200_000:]}"
        scenario.address = self.lab.use_address(scenario.view, scenario.number)
        visits = self.api.expect(scenario.address, page_of(scenario.client, texts))
        if prompt:
            visits.may_answer.set()
        log = self.folder / ("keys" if when == "before" else "private") / f"{scenario.number}.log"

        command, environment = command_of(scenario.client, Call(
            self.folder, scenario.number, texts, log, scenario.address, self.proxies[scenario.view].url,
            str(pathlib.Path(self.options.packages).resolve()), self.public_key))
        process = self.lab.start(self.lab.clients[scenario.view], command, self.log_of(scenario), env=environment)
        done = 0
        if when == "during":
            self.wait_for(visits.arrived.is_set, 20, "no request came")
            # The log may be written a moment after the handshake; the client waits for its answer.
            self.wait_for(lambda: b"\n" in (log.read_bytes() if log.exists() else b""), 10, "no keys came")
            done = self.deliver(scenario, log, 0)
        if not prompt:  # the other request comes when its keys are known
            self.wait_for(visits.arrived.is_set, 20, "no request came")
            time.sleep(0.2)
            visits.may_answer.set()
        end = time.monotonic() + 25
        browser = scenario.client.program == "chromium"  # does not end by itself
        while len(visits.bodies) < 2 if browser else process.poll() is None:
            if time.monotonic() > end:
                raise RuntimeError("the client does not end")
            if when == "during":
                done = self.deliver(scenario, log, done)
            time.sleep(0.02)
        if browser:
            time.sleep(0.3)
            self.lab.end(process)
        elif process.returncode:
            scenario.trouble = "client: " + self.log_of(scenario).read_text().strip()[-200:]
        if len(visits.bodies) != 2 and not scenario.trouble:
            scenario.trouble = f"{len(visits.bodies)} of 2 requests came"
        if when not in ("before", "never"):
            def hand_on_rest():
                time.sleep(LATE_SECONDS if when != "during" else 0)
                self.deliver(scenario, log, done)
            self.deliveries.append(thread := threading.Thread(target=hand_on_rest))
            thread.start()

    def log_of(self, scenario):
        return self.folder / f"client-{scenario.number}.log"

    # --- the answers

    def finish(self, scenarios):
        """Waits for what is to be found, ends the sensor, judges."""
        for thread in self.deliveries:
            thread.join()
        expected = {s.address for s in scenarios if not s.trouble and s.keys != NEVER}
        end = time.monotonic() + 20
        while expected - (told := {alert["client"]["ip"] for alert in self.json_lines("steps.jsonl")}):
            if time.monotonic() > end:
                break
            time.sleep(0.1)
        time.sleep(0.5)  # for what should not be found
        code = self.lab.end(self.sensor)
        if code != 0:
            print(f"The sensor ended with {code}: {self.server_logs()}")
        alerts, flows = self.json_lines("alerts.jsonl"), self.json_lines("flows.jsonl")
        for scenario in scenarios:
            if not scenario.trouble:
                scenario.trouble = self.judge(scenario, alerts, flows)
            if not scenario.trouble and scenario.address in expected - told:
                scenario.trouble = "told only when the sensor ended"
        return code == 0

    def judge(self, scenario, alerts, flows):
        of = lambda lines: [line for line in lines
                            if ipaddress.ip_address(line["client"]["ip"]) == ipaddress.ip_address(scenario.address)]
        flows = of(flows)
        sights = sorted({f"{flow['visibility']} ({flow['sight']})" for flow in flows})
        alerts = of(alerts)
        if scenario.keys == NEVER:
            return self.judge_unseen(scenario, alerts, flows)
        if not alerts:
            return f"missed; flows: {', '.join(sights) or 'none'}"
        pieces = [piece for alert in alerts for piece in alert["evidence"]]
        right = [piece for piece in pieces if piece["kind"] == "code" and piece["repository"] == "orchard" and
                 piece["path"] == scenario.source and piece["first_line"] <= scenario.last and
                 piece["last_line"] >= scenario.first]
        if not right:
            return f"missed; told instead: {pieces}"
        scenario.found = f"{right[0]['path']}:{right[0]['first_line']}-{right[0]['last_line']}"
        if extra := [piece for piece in pieces if piece not in right]:
            return f"told too: {extra}"
        if sum(alert["count"] for alert in alerts) != 1:
            return f"told of {sum(alert['count'] for alert in alerts)} requests, expected 1"
        if wrong := [alert["visibility"] for alert in alerts if alert["visibility"] != "decrypted"]:
            return f"visibility {wrong}"
        # The harmless request was read, not just overlooked.
        if scenario.client.protocol != "websocket" and sum(flow["requests"] for flow in flows) < 2:
            return f"{sum(flow['requests'] for flow in flows)} requests read"
        read = sum(flow["inspected_bytes"] for flow in flows)
        if read < len(innocent_text(scenario.number)) + len(scenario.text):
            return f"only {read} bytes of text read"
        # Browsers also make connections that they then don't use. QUIC pads its handshake.
        handshake = 8000 if scenario.view[1] == "QUIC" else 3000
        if any(flow["visibility"] != "decrypted" and (
                flow["sight"] not in ("decrypted", "pending") or flow["requests"] or
                flow["bytes"]["up"] > handshake) for flow in flows):
            return f"flows not seen into: {', '.join(sights)}"
        return ""

    def judge_unseen(self, scenario, alerts, flows):
        """Without keys: who, where and how much is known, and no more."""
        if alerts:
            return f"told without keys: {alerts[0]['evidence']}"
        flow = max(flows, key=lambda flow: flow["bytes"]["up"], default=None)
        if not flow:
            return "no flow"
        if (flow["visibility"], flow["service"]) != ("metadata", scenario.client.service):
            return f"{flow['visibility']} flow to {flow['service']}, expected {scenario.client.service}"
        if flow["host"] != scenario.client.host or flow["ja4"][:2] not in ("t1", "q1") or flow["bytes"]["up"] < len(
                scenario.text):
            return f"flow of {flow['bytes']['up']} bytes to {flow['host']}, JA4 {flow['ja4']}"
        scenario.found = flow["service"]
        return ""


def table(scenarios):
    rows = [("CLIENT", "PROTOCOL", "IP", "TLS", "KEYS", "BY", "SENT", "FOUND", "")]
    for s in scenarios:
        rows.append((s.client.name, s.client.protocol, *s.view, *s.keys, f"{s.source}:{s.first}-{s.last}",
                     s.found or "-", "ok" if not s.trouble else s.trouble))
    widths = [max(len(row[i]) for row in rows) for i in range(8)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)) + "  " + row[8])


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--weir", default=str(ROOT / "build/dev/weir"), help="the program")
    arguments.add_argument("--packages", default=str(ROOT / "build/client-packages"),
                           help="folder for the npm packages")
    arguments.add_argument("--keep", metavar="FOLDER", help="leave key logs, alerts, flows and logs in this new folder")
    arguments.add_argument("--only", help="scenarios whose name holds this, such as curl_h2_IPv4-1.3")
    arguments.add_argument("--list", action="store_true", help="print the names of the scenarios")
    arguments.add_argument("group", choices=sorted({client.group for client in CLIENTS}), help="clients to run")
    options = arguments.parse_args()

    scenarios = []
    for client in CLIENTS:
        if client.group != options.group:
            continue
        views = [view for view in net_lab.VIEWS if view[1] in client.tls]
        for view in views:
            for i, keys in enumerate(TIMINGS):
                # IPv4 and IPv6 share the work, so that each TLS version has all timings.
                if client.thorough or (i % 2 == 1) == (view in (("IPv4", "1.2"), ("IPv6", "1.3"))):
                    scenarios.append(Scenario(len(scenarios), client, view, keys))
        scenarios.append(Scenario(len(scenarios), client, views[len(scenarios) % len(views)], NEVER))
    scenarios = [scenario for scenario in scenarios if not options.only or options.only in scenario.name]
    if options.list:
        print("\n".join(scenario.name for scenario in scenarios))
        return 0
    if why := missing_tools(options.group, options.packages):
        print(f"SKIPPED: {options.group}: {why}")
        return SKIPPED

    os.umask(0o077)  # key logs are secrets
    began = time.monotonic()
    folder = options.keep or tempfile.mkdtemp(prefix="weir-clients-")
    os.makedirs(folder, exist_ok=True)
    if os.listdir(folder):
        arguments.error(f"--keep: {folder} is not empty")
    try:
        with net_lab.NetLab(os.path.abspath(folder)) as lab:
            driver = Driver(lab, options)
            try:
                driver.prepare()
            except RuntimeError as problem:
                print(f"{problem}: {driver.server_logs()}")
                return 1
            ready = time.monotonic() - began
            # One after the other in each namespace: they change its source address.
            with concurrent.futures.ThreadPoolExecutor(len(net_lab.VIEWS)) as pool:
                for view in net_lab.VIEWS:
                    mine = [scenario for scenario in scenarios if scenario.view == view]
                    pool.submit(lambda mine=mine: [driver.play(scenario) for scenario in mine])
            well = driver.finish(scenarios)
    finally:
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)
    table(scenarios)
    good = sum(not scenario.trouble for scenario in scenarios)
    print(f"{good} of {len(scenarios)} scenarios as they should be; {time.monotonic() - began:.0f} s, "
          f"{ready:.0f} of them until the sensor watched")
    return 0 if well and scenarios and good == len(scenarios) else 1


if __name__ == "__main__":
    # Ended from outside (a time limit of the test): take the namespaces down all the same.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    code = main()
    if code == 1 and any(group.startswith("browser") for group in sys.argv[1:]):
        # A browser now and then does not end, or opens a connection whose keys it never logs. What is
        # wrong with the sensor is wrong twice.
        print("once more, as browsers do what they like:")
        code = main()
    sys.exit(code)
