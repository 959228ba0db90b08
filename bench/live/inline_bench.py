#!/usr/bin/env python3
"""What a gate costs those who pass it: latency of requests, rate of downloads, bytes unchanged.

Usage: inline_bench.py [WEIR] (default build/release/weir). Needs root, iproute2, iptables, nginx, curl.

    client -- gate (forwards; with or without NFQUEUE and weir) -- server (nginx)

With and without take turns, so that other load on the machine meets both. Latency: a connection, a
POST of 2 KB of JSON and its answer. Rate: a download of 1 GB over TLS without keys, which the kernel
passes by itself once weir has marked its connection; and over cleartext HTTP, which stays under
inspection, as another request may follow. Last, 1 GB each way through the gate: what arrives must be
what was sent.
"""
import hashlib
import http.client
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import threading
import time

SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent
WEIR = sys.argv[1] if len(sys.argv) > 1 else str(SOURCE / "build/release/weir")
sys.path.insert(0, str(SOURCE / "tests/system/gate"))
sys.argv = [sys.argv[0], os.path.abspath(WEIR), str(SOURCE)]
import gate_test as gate  # noqa: E402

ROUNDS = 7
REQUESTS = 1000
BYTES = 10 ** 9
POLICY = ("policy:\n"
          "  - {name: code leaves, when: {evidence: code, lines: '>=8'}, then: drop, severity: critical}\n")
NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile on; client_body_temp_path {folder}/body; proxy_temp_path {folder}/p;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{ listen {ip}:8080; listen {ip}:8443 ssl;
           ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem;
           location / {{ root {folder}/www; }}
           location /v1/ {{ client_max_body_size 1m; return 200 "ok"; }} }}
}}
"""


def latency(count):
    """Milliseconds of each of `count` requests, one after another."""
    body = gate.request_body("How do plums ripen? " * 95)
    out = []
    for _ in range(count):
        began = time.perf_counter()
        connection = http.client.HTTPConnection(gate.SERVER_IP, 8080, timeout=10)
        connection.request("POST", "/v1/messages", body,
                           {"Host": "api.anthropic.com", "Content-Type": "application/json"})
        assert connection.getresponse().read() == b"ok"
        connection.close()
        out.append(1e3 * (time.perf_counter() - began))
    return out


def download_rate(url):
    """Gbit/s of one download, by curl."""
    told = gate.run("ip", "netns", "exec", gate.CLIENT, "curl", "-sk", "-o", "/dev/null", "-w",
                    "%{speed_download} %{size_download}", url)
    speed, size = told.stdout.split()
    assert int(size) == BYTES, told.stdout
    return 8e-9 * float(speed)


def upload(size):
    """A POST of bytes that nobody can guess; what the server says their digest is."""
    block = os.urandom(1 << 20)
    digest, left = hashlib.sha256(), size
    connection = http.client.HTTPConnection(gate.SERVER_IP, 80, timeout=120)
    connection.putrequest("POST", "/upload", skip_host=True)
    for name, value in (("Host", "files.example.net"), ("Content-Length", str(size))):
        connection.putheader(name, value)
    connection.endheaders()
    while left > 0:
        piece = block[:left]
        connection.send(piece)
        digest.update(piece)
        left -= len(piece)
    told = connection.getresponse().read().decode()
    return told == digest.hexdigest()


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def main():
    if os.geteuid() != 0:
        gate.skip("needs root")
    with tempfile.TemporaryDirectory(prefix="weir-bench-") as name:
        folder = pathlib.Path(name)
        os.chmod(folder, 0o755)
        (folder / "www").mkdir()
        with open(folder / "www/big", "wb") as big:
            big.truncate(BYTES)
        (folder / "nginx.conf").write_text(NGINX.format(folder=folder, ip=gate.SERVER_IP))
        nginx = sensor = None
        try:
            gate.make_network()
            gate.run(gate.WEIR, "index", "build", "--repo", f"orchard={SOURCE}/samples/orchard", "--out",
                     str(folder / "orchard.wfi"), "--key", str(folder / "site.key"), "--make-key")
            gate.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                     "-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem"), "-subj",
                     "/CN=files.example.net", "-days", "1")
            urls = {"TLS": f"https://{gate.SERVER_IP}:8443/big", "cleartext": f"http://{gate.SERVER_IP}:8080/big"}
            nginx = subprocess.Popen(["ip", "netns", "exec", gate.SERVER, "nginx", "-c",
                                      folder / "nginx.conf"], stderr=subprocess.DEVNULL)
            time.sleep(1)
            times = {True: [], False: []}
            rates = {(what, gated): [] for what in urls for gated in (True, False)}
            for _ in range(ROUNDS):
                for gated in (False, True):
                    gate.clear_rules()
                    if gated:
                        gate.load_rules()
                        sensor = gate.Sensor(folder, POLICY)
                    gate.client(latency, 50)
                    times[gated].append(gate.client(latency, REQUESTS))
                    for what, url in urls.items():
                        rates[what, gated].append(download_rate(url))
                    if gated:
                        counters = sensor.stop()
                        assert counters["engine.requests"] >= REQUESTS, "the gate saw no requests"
                        assert counters["live.verdicts_shunted"] >= 1, "nothing was shunted"
                        # Of the two downloads one comes to the gate.
                        assert counters["live.bytes"] < 1.5 * BYTES, "the connection mark is not kept"
            for gated, title in ((False, "no gate"), (True, "weir in the path")):
                for share, which in ((0.5, "p50"), (0.99, "p99")):
                    rounds = [percentile(each, share) for each in times[gated]]
                    print(f"request, {title}: {which} {statistics.median(rounds):.2f} ms "
                          f"(rounds: {', '.join(f'{r:.2f}' for r in rounds)})")
            for what in urls:
                medians = {}
                for gated, title in ((False, "no gate"), (True, "weir in the path")):
                    rounds = rates[what, gated]
                    medians[gated] = statistics.median(rounds)
                    print(f"download of 1 GB in {what}, {title}: {medians[gated]:.1f} Gbit/s "
                          f"(rounds: {', '.join(f'{r:.1f}' for r in rounds)})")
                print(f"weir / no gate, download in {what}: {medians[True] / medians[False]:.2f}")

            sensor = gate.Sensor(folder, POLICY)
            server = gate.in_namespace(gate.SERVER, lambda: gate.Server((gate.SERVER_IP, 80), gate.Api))
            threading.Thread(target=server.serve_forever, daemon=True).start()
            sent = hashlib.sha256()
            block = bytes(range(256)) * 256
            for start in range(0, BYTES, len(block)):
                sent.update(block[:BYTES - start])
            assert gate.in_namespace(gate.CLIENT, gate.download, BYTES, timeout=300) == sent.hexdigest()
            assert gate.in_namespace(gate.CLIENT, upload, BYTES, timeout=300)
            print("1 GB down and 1 GB up arrived as they were sent")
            sensor.stop()
        finally:
            if sensor:
                sensor.kill()
            if nginx:
                nginx.terminate()
                nginx.wait()
            for namespace in (gate.CLIENT, gate.GATE, gate.SERVER):
                gate.run("ip", "netns", "del", namespace, check=False)


if __name__ == "__main__":
    main()
