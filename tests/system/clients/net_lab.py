"""Network namespaces with a server side and several client sides, nginx and Caddy as the front of every
AI service, and the certificates for them.

    client IPv4 1.2  ---+
    client IPv4 1.3  ---+
    client IPv4 QUIC ---+-- br0 (server namespace: nginx, Caddy, the sensor)
    client IPv6 1.2  ---+
         ...            |

A client namespace stands for an IP version and a TLS version or QUIC: its own hosts file resolves all
names to the server address that speaks just that, by nginx or, for QUIC, by Caddy. A scenario has a
source address of its own, so that incidents, which are merged by client, stay apart. Nothing outside of
the namespaces is changed but /etc/netns/NAME, which is removed again.
"""
import base64
import ctypes
import hashlib
import os
import shutil
import signal
import socket
import socketserver
import subprocess
import threading

HOSTS = ["api.anthropic.com", "api.openai.com", "chatgpt.com", "generativelanguage.googleapis.com"]
SERVER = {("IPv4", "1.2"): "10.77.0.12", ("IPv4", "1.3"): "10.77.0.13", ("IPv6", "1.2"): "fd77::12",
          ("IPv6", "1.3"): "fd77::13", ("IPv4", "QUIC"): "10.77.0.14", ("IPv6", "QUIC"): "fd77::14"}
VIEWS = [*SERVER]
CLONE_NEWNET = 0x40000000


def run(*command, **more):
    return subprocess.run(command, check=True, capture_output=True, text=True, **more)


def client_address(view, number):
    """Of the scenario `number`, 0 to 999, in the namespace of `view`."""
    if view[0] == "IPv6":
        return f"fd77::{VIEWS.index(view) + 1}:{number + 1}"
    return f"10.77.{(VIEWS.index(view) + 1) * 8 + (number + 1) // 256}.{(number + 1) % 256}"


class NetLab:
    def __init__(self, folder):
        self.folder = folder
        self.prefix = f"weirc{os.getpid()}"
        self.server = self.prefix + "s"
        self.clients = {view: f"{self.prefix}c{i}" for i, view in enumerate(VIEWS)}
        self.made = []
        self.processes = []

    def __enter__(self):
        try:
            self._make()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def _make(self):
        self._namespace(self.server)
        inside = ["ip", "-n", self.server]
        run(*inside, "link", "add", "br0", "type", "bridge")
        for address in SERVER.values():
            run(*inside, "addr", "add", address + ("/64" if ":" in address else "/16"), "dev", "br0",
                *(["nodad"] if ":" in address else []))
        run(*inside, "link", "set", "br0", "up")
        for i, (view, name) in enumerate(self.clients.items()):
            hosts = "127.0.0.1 localhost\n" + "".join(f"{SERVER[view]} {host}\n" for host in HOSTS)
            self._namespace(name, hosts)
            run(*inside, "link", "add", f"c{i}", "type", "veth", "peer", "name", "eth0", "netns", name)
            run(*inside, "link", "set", f"c{i}", "master", "br0", "up")
            # IPv4 in super-packets of up to 64 KB, as cards put them together; IPv6 in small ones.
            small = ["mtu", "1280", "gso_max_segs", "1"] if view[0] == "IPv6" else []
            run("ip", "-n", name, "link", "set", "eth0", *small, "up")

    def _namespace(self, name, hosts=None):
        run("ip", "netns", "add", name)
        self.made.append(name)
        run("ip", "-n", name, "link", "set", "lo", "up")
        if hosts:
            folder = "/etc/netns/" + name
            os.makedirs(folder)
            for file, text in {"hosts": hosts, "resolv.conf": ""}.items():
                with open(f"{folder}/{file}", "w") as out:
                    out.write(text)

    def use_address(self, view, number):
        """From now on, connections from the namespace of `view` come from this address."""
        address = client_address(view, number)
        six = ":" in address
        inside = ["ip", "-n", self.clients[view]]
        run(*inside, "addr", "add", address + ("/64" if six else "/16"), "dev", "eth0",
            *(["nodad"] if six else []))
        run(*inside, "route", "replace", "fd77::/64" if six else "10.77.0.0/16", "dev", "eth0",
            "src", address)
        return address

    def start(self, namespace, command, log, **more):
        """In a process group of its own, which ends with the lab."""
        with open(log, "ab") as out:
            process = subprocess.Popen(["ip", "netns", "exec", namespace, *command], stdout=out, stderr=out,
                                       stdin=subprocess.DEVNULL, start_new_session=True, **more)
        self.processes.append(process)
        return process

    def end(self, process, sign=signal.SIGTERM, seconds=10):
        """Returns the exit code; kills the whole group when it does not end."""
        try:
            os.killpg(process.pid, sign)
            process.wait(seconds)
        except ProcessLookupError:
            pass
        except subprocess.TimeoutExpired:
            pass
        try:  # also what it has left behind
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        if process in self.processes:
            self.processes.remove(process)
        return process.wait()

    def enter(self):
        """Moves the calling thread into the server namespace (setns(2))."""
        libc = ctypes.CDLL(None, use_errno=True)
        with open("/run/netns/" + self.server) as namespace:
            if libc.setns(namespace.fileno(), CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")

    def listen(self, address):
        """A TCP socket that listens in the server namespace, used by this process."""
        made = []

        def inside():
            self.enter()
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            made.append(socket.create_server((address, 0), family=family, backlog=128))

        thread = threading.Thread(target=inside)
        thread.start()
        thread.join()
        return made[0]

    def close(self):
        for process in list(self.processes):
            self.end(process, seconds=3)
        for name in self.made:
            subprocess.run(["ip", "netns", "del", name], capture_output=True)
            shutil.rmtree("/etc/netns/" + name, ignore_errors=True)


class ForwardProxy(socketserver.ThreadingTCPServer):
    """An HTTP proxy that knows CONNECT and takes every name for its own address."""
    daemon_threads = True

    def __init__(self, lab, address):
        self.lab = lab
        listener = lab.listen(address)
        super().__init__(listener.getsockname()[:2], ProxyHandler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.url = f"http://{f'[{address}]' if ':' in address else address}:{listener.getsockname()[1]}"
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def handle_error(self, request, client_address):
        pass


class ProxyHandler(socketserver.StreamRequestHandler):
    def handle(self):
        while self.rfile.readline() not in (b"\r\n", b""):
            pass
        self.server.lab.enter()
        with socket.create_connection((self.server.server_address[0], 443), 10) as inner:
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            # The client waits for this line: nothing of the tunnel is in rfile yet.
            back = threading.Thread(target=self._copy, args=(inner, self.connection))
            back.start()
            self._copy(self.connection, inner)
            back.join()

    @staticmethod
    def _copy(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def make_certificates(folder):
    """ca.pem, server.pem and server.key for all HOSTS. Returns the hash of the public key (RFC 7469)."""
    names = ",".join("DNS:" + host for host in HOSTS)
    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc"]
    path = lambda name: os.path.join(folder, name)
    run("openssl", "req", "-x509", *new_key, "-keyout", path("ca.key"), "-out", path("ca.pem"), "-days", "2",
        "-subj", "/CN=Weir client tests", "-addext", "basicConstraints=critical,CA:TRUE",
        "-addext", "keyUsage=critical,keyCertSign")
    run("openssl", "req", *new_key, "-keyout", path("server.key"), "-out", path("server.csr"), "-subj", "/CN=server")
    with open(path("extensions"), "w") as out:
        out.write(f"subjectAltName={names}\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n")
    run("openssl", "x509", "-req", "-in", path("server.csr"), "-CA", path("ca.pem"), "-CAkey", path("ca.key"),
        "-CAcreateserial", "-days", "2", "-extfile", path("extensions"), "-out", path("server.pem"))
    public = subprocess.run(["openssl", "pkey", "-in", path("server.key"), "-pubout", "-outform", "DER"],
                            check=True, capture_output=True).stdout
    return base64.b64encode(hashlib.sha256(public).digest()).decode()


NGINX = """
daemon off; user root; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{ worker_connections 512; }}
http {{
  access_log off; client_max_body_size 64m; client_body_temp_path {folder}/nginx-body;
  proxy_temp_path {folder}/nginx-proxy; fastcgi_temp_path {folder}/nginx-f; uwsgi_temp_path {folder}/nginx-u;
  scgi_temp_path {folder}/nginx-s;
  ssl_certificate {folder}/server.pem; ssl_certificate_key {folder}/server.key;
  map $http_upgrade $connection_upgrade {{ default upgrade; "" ""; }}
  {servers}
}}
"""
SERVER_BLOCK = """
  server {{
    listen {address}:443 ssl http2; ssl_protocols TLSv{version}; ssl_early_data on; {ciphers}
    location / {{
      proxy_pass http://127.0.0.1:{api}; proxy_http_version 1.1; proxy_buffering off;
      proxy_request_buffering off; proxy_set_header Host $host; proxy_set_header X-Client $remote_addr;
      proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;
    }}
  }}
"""
# IPv4 speaks AES-GCM, IPv6 ChaCha20 (TLS 1.3) and AES-CBC (1.2; browsers without it get AES-GCM).
CIPHERS = {
    ("IPv4", "1.2"): "ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256;",
    ("IPv4", "1.3"): "ssl_conf_command Ciphersuites TLS_AES_256_GCM_SHA384;",
    ("IPv6", "1.2"): "ssl_prefer_server_ciphers on; "
                     "ssl_ciphers ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305;",
    ("IPv6", "1.3"): "ssl_conf_command Ciphersuites TLS_CHACHA20_POLY1305_SHA256;",
}


def start_nginx(lab, api_port):
    servers = "".join(SERVER_BLOCK.format(
        address=f"[{address}]" if ":" in address else address, version=view[1],
        ciphers=CIPHERS[view], api=api_port) for view, address in SERVER.items() if view in CIPHERS)
    path = os.path.join(lab.folder, "nginx.conf")
    with open(path, "w") as out:
        out.write(NGINX.format(folder=lab.folder, servers=servers))
    return lab.start(lab.server, ["nginx", "-c", path, "-e", lab.folder + "/nginx.log"], lab.folder + "/nginx.out")


CADDY = """
{{
  admin off
  auto_https off
  servers {{
    protocols h1 h2 h3
  }}
}}
{hosts} {{
  bind {addresses}
  tls {folder}/server.pem {folder}/server.key
  reverse_proxy 127.0.0.1:{api} {{
    header_up X-Client {{remote_host}}
    flush_interval -1
  }}
}}
"""


def start_caddy(lab, api_port):
    """HTTP/3 on the QUIC views."""
    path = os.path.join(lab.folder, "Caddyfile")
    with open(path, "w") as out:
        out.write(CADDY.format(
            hosts=", ".join(f"https://{host}:443" for host in HOSTS), folder=lab.folder, api=api_port,
            addresses=" ".join(address for view, address in SERVER.items() if view[1] == "QUIC")))
    return lab.start(lab.server, ["caddy", "run", "--config", path, "--adapter", "caddyfile"],
                     lab.folder + "/caddy.log", env={**os.environ, "HOME": lab.folder})
