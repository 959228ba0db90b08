#!/usr/bin/env python3
"""Weir in the path of real connections, in network namespaces that this test makes and removes.

    client 10.77.1.2 -- gate (forwards, NFQUEUE, weir) -- 10.77.2.2 server

Usage: gate_test.py WEIR SOURCE_DIR.  WEIR_GATE_BYTES: of bulk traffic each way (default 200 MB).  Exit 77 (skipped) without root, ip or iptables.
Everything that is sent stays inside the namespaces; counts and times are bounded.
"""
import hashlib
import http.client
import http.server
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

WEIR, SOURCE = sys.argv[1], pathlib.Path(sys.argv[2])
SERVER_IP = "10.77.2.2"
TAG = f"weir{os.getpid()}"
CLIENT, GATE, SERVER = (f"{TAG}{end}" for end in "cgs")
CLONE_NEWNET = 0x40000000


def skip(why):
    print("SKIPPED:", why)
    sys.exit(77)


def run(*command, check=True, **more):
    return subprocess.run(command, check=check, capture_output=True, text=True, **more)


def enter(namespace):
    """Moves the calling thread into a namespace."""
    import ctypes
    with open(f"/run/netns/{namespace}") as handle:
        if ctypes.CDLL(None, use_errno=True).setns(handle.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")


def in_namespace(namespace, function, *arguments, timeout=60):
    """The function's result, from a thread that lives in the namespace."""
    result = {}

    def body():
        enter(namespace)
        try:
            result["value"] = function(*arguments)
        except Exception as error:  # handed to the caller
            result["error"] = error

    thread = threading.Thread(target=body, daemon=True)
    thread.start()
    thread.join(timeout)
    if thread.is_alive():
        raise TimeoutError(function.__name__)
    if "error" in result:
        raise result["error"]
    return result["value"]


def make_network():
    for namespace in (CLIENT, GATE, SERVER):
        run("ip", "netns", "add", namespace)
        run("ip", "-n", namespace, "link", "set", "lo", "up")
    for namespace, number in ((CLIENT, 1), (SERVER, 2)):
        run("ip", "-n", GATE, "link", "add", f"to{number}", "type", "veth", "peer", "name", "up0",
            "netns", namespace)
        run("ip", "-n", GATE, "addr", "add", f"10.77.{number}.1/24", "dev", f"to{number}")
        run("ip", "-n", GATE, "link", "set", f"to{number}", "up")
        run("ip", "-n", namespace, "addr", "add", f"10.77.{number}.2/24", "dev", "up0")
        run("ip", "-n", namespace, "link", "set", "up0", "up")
        run("ip", "-n", namespace, "route", "add", "default", "via", f"10.77.{number}.1")
    run("ip", "netns", "exec", GATE, "sysctl", "-qw", "net.ipv4.ip_forward=1")


def load_rules(bypass=True):
    rules = (SOURCE / "config/examples/inline-iptables.sh").read_text()
    assert "--queue-bypass" in rules
    if not bypass:
        rules = rules.replace("--queue-bypass", "")
    for tables in ("iptables", "ip6tables"):
        run("ip", "netns", "exec", GATE, tables, "-t", "mangle", "-F")
        run("ip", "netns", "exec", GATE, tables, "-t", "mangle", "-X")
    run("ip", "netns", "exec", GATE, "sh", "-s", input=rules)


class Api(http.server.BaseHTTPRequestHandler):
    """Counts requests that arrived whole; answers large downloads."""
    protocol_version = "HTTP/1.1"
    whole = []

    def do_POST(self):
        length = int(self.headers["Content-Length"])
        digest, left, body = hashlib.sha256(), length, b""
        while left > 0:
            piece = self.rfile.read(min(left, 1 << 16))
            if not piece:
                return
            digest.update(piece)
            body = (body + piece)[:1 << 16]
            left -= len(piece)
        Api.whole.append(body)
        self.answer(digest.hexdigest().encode())

    def do_GET(self):
        size = int(self.path.rsplit("/", 1)[1])
        self.send_response(200)
        self.send_header("Content-Length", str(size))
        self.end_headers()
        block = bytes(range(256)) * 256
        for start in range(0, size, len(block)):
            self.wfile.write(block[:size - start])

    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass  # connections are cut here on purpose


class Sensor:
    def __init__(self, folder, extra="", queue_length=8192):
        self.folder = folder
        (folder / "weir.yaml").write_text(
            f"capture: {{mode: inline, workers: 2, queue: 0, queue_length: {queue_length}}}\n"
            f"control: {{socket: {folder}/control.sock}}\n"
            "protect: {indexes: [orchard.wfi], key: site.key}\n" + extra)
        self.log = open(folder / "weir.log", "w")
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", GATE, WEIR, "run", "-c", folder / "weir.yaml", "--alerts",
             folder / "alerts.jsonl", "--stats", folder / "stats.json"],
            stderr=self.log, stdout=self.log)
        wait_for(lambda: "netfilter queues" in (folder / "weir.log").read_text(), "weir to start")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(20)
        assert code == 0, (code, (self.folder / "weir.log").read_text())
        return json.loads((self.folder / "stats.json").read_text())["counters"]

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def wait_for(condition, what, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.02)


def request_body(text):
    return json.dumps({"model": "claude-sonnet-4-5", "max_tokens": 1024,
                       "messages": [{"role": "user", "content": text}]}).encode()


def post(body, host="api.anthropic.com", timeout=8, pieces=1):
    """What the server answered; None when the connection was cut."""
    connection = http.client.HTTPConnection(SERVER_IP, 80, timeout=timeout)
    try:
        connection.putrequest("POST", "/v1/messages", skip_host=True)
        for name, value in (("Host", host), ("Content-Type", "application/json"),
                            ("Content-Length", str(len(body)))):
            connection.putheader(name, value)
        connection.endheaders()
        step = -(-len(body) // pieces)
        for start in range(0, len(body), step):
            connection.send(body[start:start + step])
            if pieces > 1:
                time.sleep(0.02)
        return connection.getresponse().read().decode()
    except (ConnectionError, http.client.HTTPException, TimeoutError, socket.timeout) as error:
        print("   cut:", type(error).__name__)
        return None
    finally:
        connection.close()


def client(function, *arguments, **more):
    return in_namespace(CLIENT, lambda: function(*arguments, **more))


def knock(count):
    """Begins connections that nobody waits for. TCP, as the kernel spreads by protocol too."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.setblocking(False)
        one.connect_ex((SERVER_IP, 80))
    for one in sockets:
        one.close()


def download(size):
    connection = http.client.HTTPConnection(SERVER_IP, 80, timeout=30)
    connection.request("GET", f"/files/{size}", headers={"Host": "files.example.net"})
    response = connection.getresponse()
    digest = hashlib.sha256()
    while piece := response.read(1 << 20):
        digest.update(piece)
    connection.close()
    return digest.hexdigest()


def upload(size):
    """What the server says it got, and what was sent."""
    connection = http.client.HTTPConnection(SERVER_IP, 80, timeout=60)
    connection.putrequest("POST", "/files", skip_host=True)
    connection.putheader("Host", "files.example.net")
    connection.putheader("Content-Type", "application/octet-stream")
    connection.putheader("Content-Length", str(size))
    connection.endheaders()
    block, digest = os.urandom(1 << 20), hashlib.sha256()
    for start in range(0, size, len(block)):
        piece = block[:size - start]
        digest.update(piece)
        connection.send(piece)
    answer = connection.getresponse().read().decode()
    connection.close()
    return answer, digest.hexdigest()


def reload_in_the_middle(sensor, folder, policy):
    """Requests without a pause while the configuration changes again and again: none is lost, and
    those that begin after a reload are judged by what it loaded."""
    good, lost, stop = [], [], threading.Event()

    def load():
        enter(CLIENT)
        body = request_body("How do plums ripen? " * 2000)
        while not stop.is_set():
            answer = post(body, pieces=3)
            (good if answer == hashlib.sha256(body).hexdigest() else lost).append(answer)

    threads = [threading.Thread(target=load, daemon=True) for _ in range(3)]
    for thread in threads:
        thread.start()
    config = (folder / "weir.yaml").read_text()
    leak = request_body(leak_of("gateway/coldstore.go", 41, 20))
    try:
        for rules in ("policy: []\n", policy, "policy: []\n", policy):
            (folder / "weir.yaml").write_text(config.replace(policy, rules))
            print("  ", run(WEIR, "reload", "--socket", str(folder / "control.sock")).stdout.strip())
            assert (client(post, leak) is None) == (rules == policy), rules
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)
    print("  ", len(good), "requests passed,", len(lost), "were lost")
    assert len(good) > 20 and not lost, lost


def check_nft_rules():
    """Whether the kernel would take the rules of the example (it need not know the modules)."""
    if shutil.which("nft") is None:
        print("SKIPPED: the nftables example: needs nft")
        return
    rules = str(SOURCE / "config/examples/inline.nft")
    done = run("ip", "netns", "exec", GATE, "nft", "-c", "-f", rules, check=False)
    if done.returncode != 0 and "syntax error" not in done.stderr:
        print("SKIPPED: the nftables example: this kernel cannot check it:", done.stderr.strip()[:200])
        return
    assert done.returncode == 0, done.stderr


def tls_hello(host):
    """Whether the server saw the ClientHello: it answers with an alert or a close."""
    import ssl
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with socket.create_connection((SERVER_IP, 443), timeout=5) as raw:
        try:
            context.wrap_socket(raw, server_hostname=host)
        except (ssl.SSLError, OSError) as error:
            return type(error).__name__
    return "connected"


def tls_listener(seen):
    with socket.create_server((SERVER_IP, 443)) as listener:
        listener.settimeout(60)
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            peer.settimeout(3)
            try:
                seen.append(len(peer.recv(4096)))
            except OSError:
                seen.append(-1)
            peer.close()


def leak_of(name, first, lines):
    text = (SOURCE / "samples/orchard" / name).read_text().splitlines()
    return "Please review:\n```\n" + "\n".join(text[first - 1:first - 1 + lines]) + "\n```\n"


def main():
    if os.geteuid() != 0:
        skip("needs root")
    for tool in ("ip", "iptables", "sysctl"):
        if shutil.which(tool) is None:
            skip(f"needs {tool}")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="weir-gate-"))
    sensor = None
    try:
        try:
            make_network()
            run("ip", "netns", "exec", GATE, "iptables", "-A", "FORWARD", "-p", "tcp", "--dport", "9",
                "-j", "NFQUEUE", "--queue-bypass")
        except subprocess.CalledProcessError as error:
            skip(f"no namespaces or queues here: {error.stderr}")
        load_rules()
        run(WEIR, "index", "build", "--repo", f"orchard={SOURCE}/samples/orchard", "--out",
            str(folder / "orchard.wfi"), "--key", str(folder / "site.key"), "--make-key")
        server = in_namespace(SERVER, lambda: Server((SERVER_IP, 80), Api))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        hellos = []
        threading.Thread(target=lambda: (enter(SERVER), tls_listener(hellos)), daemon=True).start()

        def whole():
            time.sleep(0.3)
            return len(Api.whole)

        allow = ("services: {status: {default: tolerated, chatgpt: unsanctioned}}\n"
                 "policy:\n"
                 "  - {name: banned, when: {status: unsanctioned}, then: drop, severity: high}\n"
                 "  - {name: code leaves, when: {evidence: code, lines: '>=8'}, then: drop,"
                 " severity: critical}\n")
        sensor = Sensor(folder, allow)

        print("clean requests pass unchanged")
        prose = request_body("How do plums ripen? " * 400)
        assert client(post, prose) == hashlib.sha256(prose).hexdigest()
        assert whole() == 1 and Api.whole[-1] == prose

        print("no request with a leak of 8 lines or more arrives whole")
        leaks = [(8, 1), (12, 1), (40, 1), (40, 9)]
        for lines, pieces in leaks:
            before = whole()
            body = request_body("What is wrong here? " + leak_of("planner/ripeness_model.py", 30,
                                                                 lines))
            assert client(post, body, pieces=pieces) is None, f"{lines} lines were answered"
            assert whole() == before, f"{lines} lines arrived whole"

        print("a leak behind a megabyte of prose does not arrive whole either")
        body = request_body("About plums. " * 80_000 + leak_of("gateway/coldstore.go", 41, 20))
        before = whole()
        assert client(post, body) is None and whole() == before

        print("a client that ignores resets does not get it through either")
        ignore = ("ip", "netns", "exec", CLIENT, "iptables", "-A", "INPUT", "-p", "tcp",
                  "--tcp-flags", "RST", "RST", "-j", "DROP")
        run(*ignore)
        run(*(word.replace(CLIENT, SERVER) for word in ignore))
        before = whole()
        body = request_body(leak_of("gateway/coldstore.go", 41, 20))
        assert client(post, body, timeout=4) is None and whole() == before
        for end in (CLIENT, SERVER):
            run("ip", "netns", "exec", end, "iptables", "-F", "INPUT")

        print("fewer lines than the policy names pass")
        body = request_body(leak_of("gateway/coldstore.go", 41, 5))
        assert client(post, body) is not None

        print("a sanctioned name passes, a banned one is cut at its ClientHello")
        client(tls_hello, "claude.ai")
        assert hellos[-1:] and hellos[-1] > 0, hellos
        count = len(hellos)
        outcome = client(tls_hello, "chatgpt.com")
        wait_for(lambda: len(hellos) > count, "the server to notice")
        assert outcome != "connected" and hellos[-1] <= 0, (outcome, hellos)

        print("bulk traffic of no interest is the same on both sides")
        size = int(os.environ.get("WEIR_GATE_BYTES", "200000000"))
        block = bytes(range(256)) * 256
        digest = hashlib.sha256()
        for start in range(0, size, len(block)):
            digest.update(block[:size - start])
        assert client(download, size) == digest.hexdigest()
        answer, sent = client(upload, size)
        assert answer == sent

        print("reloads in the middle of traffic lose nothing, and new flows get the new policy")
        reload_in_the_middle(sensor, folder, allow[allow.index("policy:"):])
        check_nft_rules()

        counters = sensor.stop()
        live = {k: v for k, v in counters.items() if k.startswith("live.")}
        print("  ", live)
        assert live["live.verdicts_dropped"] >= len(leaks) + 1
        assert live["live.resets_sent"] >= 2 * (len(leaks) + 1)
        assert live["live.verdicts_failed"] == 0
        alerts = [json.loads(line) for line in (folder / "alerts.jsonl").read_text().splitlines()]
        code = [a for a in alerts if a["rule"] == "code leaves"]
        assert code and all(a["action"] == "drop" for a in code), alerts
        paths = {e["path"] for a in code for e in a["evidence"]}
        for alert in code:
            print("   cut after", alert["passed"])
        # Each leak came in one piece, of which nothing passed, or line by line.
        assert all(a["passed"]["lines"] < 8 for a in code), code
        assert all(0 < a["passed"]["bytes"] < a["upload_bytes"] for a in code), code
        assert {"planner/ripeness_model.py", "gateway/coldstore.go"} <= paths, paths

        print("without the process, traffic passes (bypass)")
        body = request_body(leak_of("planner/ripeness_model.py", 30, 20))
        assert client(post, body) is not None

        print("without the process and without bypass, nothing passes")
        load_rules(bypass=False)
        assert client(post, prose, timeout=2) is None

        print("frozen, it fails open: what does not fit the queue passes")
        sensor = Sensor(folder, allow + "fail: open\n", queue_length=16)
        sensor.process.send_signal(signal.SIGSTOP)
        # These wait in the queue; once it is full, what follows passes.
        client(knock, 60)
        passed = None
        for _ in range(10):
            passed = client(post, prose, timeout=1)
            if passed:
                break
        assert passed, "still closed with a full queue"
        sensor.process.send_signal(signal.SIGCONT)
        wait_for(lambda: client(post, prose, timeout=2) is not None, "the gate to open again")
        sensor.stop()

        print("frozen, it fails closed: nothing passes")
        sensor = Sensor(folder, allow + "fail: closed\n", queue_length=16)
        sensor.process.send_signal(signal.SIGSTOP)
        client(knock, 60)
        for _ in range(6):
            assert client(post, prose, timeout=0.3) is None
        sensor.process.send_signal(signal.SIGCONT)
        wait_for(lambda: client(post, prose, timeout=2) is not None, "the gate to open again")
        body = request_body(leak_of("planner/ripeness_model.py", 30, 20))
        before = whole()
        assert client(post, body) is None and whole() == before
        assert sensor.stop()["live.kernel_dropped"] >= 60 - 16
        print("1 passed, 0 failed")
    finally:
        if sensor is not None:
            sensor.kill()
        for namespace in (CLIENT, GATE, SERVER):
            run("ip", "netns", "del", namespace, check=False)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
