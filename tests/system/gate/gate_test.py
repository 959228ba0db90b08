#!/usr/bin/env python3
"""Weir in the path of real connections, in network namespaces that this test makes and removes.

    client 10.77.1.2 -- gate (forwards, NFQUEUE, weir) -- 10.77.2.2 server

Usage: gate_test.py WEIR SOURCE_DIR.  WEIR_GATE_BYTES: of bulk traffic each way (default 200 MB).
Exit 77 (skipped) without root, ip or iptables.
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
    clear_rules()
    run("ip", "netns", "exec", GATE, "sh", "-s", input=rules)


def clear_rules():
    for tables in ("iptables", "ip6tables"):
        for table in ("mangle", "filter"):
            run("ip", "netns", "exec", GATE, tables, "-t", table, "-F")
            run("ip", "netns", "exec", GATE, tables, "-t", table, "-X")


def load_nft_rules():
    """The example for nftables. Where this kernel has no `queue` expression, that one statement goes
    through a chain that iptables-nft fills, in the same table, and all else is as it stands; False
    where that cannot be done either."""
    rules = (SOURCE / "config/examples/inline.nft").read_text()
    nft = ("ip", "netns", "exec", GATE, "nft", "-f", "-")
    clear_rules()
    if shutil.which("nft") is None:
        print("SKIPPED: the nftables example: needs nft")
        return False
    done = run(*nft, input=rules, check=False)
    if done.returncode == 0:
        print("   as they are")
        return True
    statement = "queue flags bypass to 0-1"
    assert "syntax error" not in done.stderr and statement in done.stderr, done.stderr
    print("   this kernel has no queue expression of nftables:", done.stderr.splitlines()[0])
    if "nf_tables" not in run("iptables", "--version").stdout:
        print("SKIPPED: the nftables example: needs iptables-nft instead")
        return False
    head = "table inet weir {"
    assert rules.count(head) == 1 and rules.count(statement) == 1
    run(*nft, input=rules.replace(head, "table ip mangle {\n  chain queues { }")
        .replace(statement, "jump queues"))
    run("ip", "netns", "exec", GATE, "iptables", "-t", "mangle", "-A", "queues", "-j", "NFQUEUE",
        "--queue-balance", "0:1", "--queue-bypass")
    print("   all but that statement, which iptables made")
    return True


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
    def __init__(self, folder, extra="", queue_length=8192, environment=None):
        self.folder = folder
        (folder / "weir.yaml").write_text(
            f"capture: {{mode: inline, workers: 2, queue: 0, queue_length: {queue_length}}}\n"
            f"control: {{socket: {folder}/control.sock}}\n"
            "protect: {indexes: [orchard.wfi], key: site.key}\n" + extra)
        self.log = open(folder / "weir.log", "w")
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", GATE, WEIR, "run", "-c", folder / "weir.yaml", "--alerts",
             folder / "alerts.jsonl", "--stats", folder / "stats.json"],
            stderr=self.log, stdout=self.log, env={**os.environ, **(environment or {})})
        wait_for(lambda: "netfilter queues" in (folder / "weir.log").read_text(), "weir to start")

    def live(self, name):
        told = run(WEIR, "stats", "--json", "--socket", str(self.folder / "control.sock"))
        return json.loads(told.stdout)["counters"]["live." + name]

    def alerts(self):
        return [json.loads(line) for line in (self.folder / "alerts.jsonl").read_text().splitlines()]

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


def post(body, host="api.anthropic.com", timeout=8, pieces=1, quiet=False):
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
        if not quiet:
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


def download(size, connection=None):
    connection = connection or http.client.HTTPConnection(SERVER_IP, 80, timeout=30)
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


class Load:
    """Clean requests without a pause, three at a time."""

    def __init__(self):
        self.good = 0
        self.body = request_body("How do plums ripen? " * 500)
        self.digest = hashlib.sha256(self.body).hexdigest()
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self.run, daemon=True) for _ in range(3)]
        for thread in self.threads:
            thread.start()

    def run(self):
        enter(CLIENT)
        while not self.stopping.is_set():
            if post(self.body, timeout=1, pieces=2, quiet=True) == self.digest:
                self.good += 1

    def passes(self, what):
        until = self.good + 20
        wait_for(lambda: self.good >= until, what)

    def is_stopped(self, seconds=1.5):
        time.sleep(0.3)  # what had passed already is answered
        before = self.good
        time.sleep(seconds)
        assert self.good == before, f"{self.good - before} requests passed"

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join(10)


class Manager:
    """What systemd is to a service with a watchdog."""

    def __init__(self, folder, seconds):
        self.seconds = seconds
        path = folder / "notify"
        path.unlink(missing_ok=True)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.environment = {"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": str(int(seconds * 1e6))}

    def sign_of_life(self, seconds):
        """Whether one comes within so long."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                if "WATCHDOG=1" in self.socket.recv(4096).decode():
                    return True
            except (TimeoutError, socket.timeout):
                return False
        return False

    def forget(self):
        self.socket.setblocking(False)
        try:
            while self.socket.recv(4096):
                pass
        except BlockingIOError:
            pass


def dies_and_comes_back(folder, policy, closed):
    """Under load: killed, started again, frozen until the watchdog ends it, started again."""
    load_rules(bypass=not closed)
    manager = Manager(folder, seconds=2)
    leak = request_body(leak_of("gateway/coldstore.go", 41, 20))

    def start():
        return Sensor(folder, policy + f"fail: {'closed' if closed else 'open'}\n", queue_length=16,
                      environment=manager.environment)

    def judges_again():
        load.passes("traffic to pass through the gate")
        before = sum(b"coldstore" in body or len(body) == len(leak) for body in Api.whole)
        assert client(post, leak, timeout=3) is None
        time.sleep(0.3)
        after = sum(b"coldstore" in body or len(body) == len(leak) for body in Api.whole)
        assert before == after, "a leak arrived whole"

    def without():
        if closed:
            load.is_stopped()
            assert client(post, leak, timeout=1) is None
        else:
            load.passes("traffic to pass without the gate")
            assert client(post, leak) is not None

    sensor = start()
    load = Load()
    try:
        judges_again()
        print("   killed")
        sensor.kill()
        without()
        sensor = start()
        judges_again()
        print("   frozen")
        assert manager.sign_of_life(10)
        sensor.process.send_signal(signal.SIGSTOP)
        client(knock, 60)
        if closed:
            load.is_stopped()
        else:
            load.passes("traffic to pass a full queue")
        manager.forget()
        assert not manager.sign_of_life(manager.seconds), "a frozen process gave a sign of life"
        print("   ended by its watchdog")
        sensor.kill()
        without()
        sensor = start()
        judges_again()
        sensor.stop()
    finally:
        load.stop()
        sensor.kill()


def tells_that_its_queue_was_full(sensor):
    assert sensor.live("queue_full") > 0
    wait_for(lambda: any(piece["rule"] == "sensor.queue_full" for alert in sensor.alerts()
                         for piece in alert["evidence"]), "word of the full queue")


def serve_tls(folder):
    """Large answers over TLS, which nobody here has keys for."""
    import ssl
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
        str(folder / "key.pem"), "-out", str(folder / "cert.pem"), "-subj", "/CN=files.example.net", "-days", "1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    server = in_namespace(SERVER, lambda: Server((SERVER_IP, 8443), Api))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def is_shunted(sensor, digest, size):
    """A large download over TLS: the kernel passes all but its beginning by itself."""
    import ssl

    def get():
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return download(size, http.client.HTTPSConnection(SERVER_IP, 8443, timeout=30, context=context))

    before = sensor.live("bytes")
    assert client(get) == digest
    seen = sensor.live("bytes") - before
    print(f"   {seen:,} bytes of {size:,} came to the gate")
    assert 0 < seen < size / 5, "the connection mark is not kept"


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
    for tool in ("ip", "iptables", "sysctl", "openssl"):
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
        serve_tls(folder)

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

        print("its incident is there at once")
        wait_for(lambda: any(a["rule"] == "code leaves" for a in sensor.alerts()), "an incident", 10)

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

        print("what is of no interest passes by itself")
        is_shunted(sensor, digest.hexdigest(), size)

        print("reloads in the middle of traffic lose nothing, and new flows get the new policy")
        reload_in_the_middle(sensor, folder, allow[allow.index("policy:"):])

        print("the rules for nftables do the same")
        if load_nft_rules():
            assert client(post, prose) == hashlib.sha256(prose).hexdigest()
            before = whole()
            body = request_body(leak_of("gateway/coldstore.go", 41, 20))
            assert client(post, body) is None and whole() == before
            is_shunted(sensor, digest.hexdigest(), size)
            run("ip", "netns", "exec", GATE, "nft", "flush", "ruleset")
        load_rules()

        counters = sensor.stop()
        live = {k: v for k, v in counters.items() if k.startswith("live.")}
        print("  ", live)
        assert live["live.verdicts_dropped"] >= len(leaks) + 1
        assert live["live.resets_sent"] >= 2 * (len(leaks) + 1)
        assert live["live.verdicts_failed"] == 0
        alerts = sensor.alerts()
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
        load_rules()
        sensor = Sensor(folder, allow + "fail: open\nhealth: {every: 1s}\n", queue_length=16)
        time.sleep(0.5)  # what was before the first look is no news
        sensor.process.send_signal(signal.SIGSTOP)
        # These wait in the queue; once it is full, what follows passes.
        client(knock, 60)
        passed = None
        for _ in range(10):
            passed = client(post, prose, timeout=1)
            if passed:
                break
        assert passed, "still closed with a full queue"
        time.sleep(0.2)
        sensor.process.send_signal(signal.SIGCONT)
        wait_for(lambda: client(post, prose, timeout=2) is not None, "the gate to open again")
        tells_that_its_queue_was_full(sensor)
        sensor.stop()

        print("frozen, it fails closed: nothing passes")
        load_rules(bypass=False)
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

        for closed in (False, True):
            print("under load, failing", "closed" if closed else "open")
            dies_and_comes_back(folder, allow, closed)
        print("1 passed, 0 failed")
    finally:
        if sensor is not None:
            sensor.kill()
        for namespace in (CLIENT, GATE, SERVER):
            run("ip", "netns", "del", namespace, check=False)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
