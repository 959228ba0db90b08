"""The clients of the scenarios: which there are, and how each is called."""
import dataclasses
import json
import os
import pathlib

HERE = pathlib.Path(__file__).resolve().parent


@dataclasses.dataclass(frozen=True)
class Client:
    group: str
    program: str
    kind: str
    protocol: str
    host: str
    service: str           # what the sensor should call it
    thorough: bool = False  # every timing over IPv4 and IPv6; else they share the work
    tls: tuple = ("1.2", "1.3")

    @property
    def name(self):
        return f"{self.program} {self.kind}"


ANTHROPIC = ("api.anthropic.com", "anthropic-api")
OPENAI = ("api.openai.com", "openai-api")
GOOGLE = ("generativelanguage.googleapis.com", "gemini-api")
CHATGPT = ("chatgpt.com", "chatgpt")
CLIENTS = [
    Client("curl", "curl", "http1", "http/1.1", *ANTHROPIC, thorough=True),
    Client("curl", "curl", "h2", "h2", *ANTHROPIC, thorough=True),
    Client("curl", "curl", "upload", "h2", *OPENAI),        # 0.3 MB, slowly
    Client("curl", "curl", "resume", "http/1.1", *OPENAI),  # the second connection resumes the session
    Client("curl", "curl", "proxy", "h2", *ANTHROPIC),      # by CONNECT
    Client("curl", "openssl", "early", "http/1.1", *ANTHROPIC, tls=("1.3",)),  # the second as 0-RTT data
    Client("curl", "python3", "urllib", "http/1.1", *OPENAI),
    Client("http3", "gtlsclient", "post", "h3", *ANTHROPIC, thorough=True, tls=("QUIC",)),
    Client("http3", "gtlsclient", "update", "h3", *OPENAI, thorough=True, tls=("QUIC",)),   # changes keys
    Client("node", "node", "anthropic", "http/1.1", *ANTHROPIC),
    Client("node", "node", "openai", "http/1.1", *OPENAI),
    Client("node", "node", "google", "http/1.1", *GOOGLE),
    Client("node", "node", "ws", "websocket", *OPENAI),
    Client("browser", "chromium", "fetch", "h2", *CHATGPT),
    Client("browser", "chromium", "ws", "websocket", *CHATGPT),
    Client("browser-http3", "chromium", "h3", "h3", *CHATGPT, thorough=True, tls=("QUIC",)),
]
SDK_FORMS = {"anthropic": ["ask", "stream", "tool"]}  # calls of sdk_client.mjs
OTHER_FORMS = ["ask", "stream", "file"]
CHAT_PAGE = """<!doctype html><title>Chat</title><script type="module">
const texts = %s, web_socket = %s;
const content = (text) => JSON.stringify({action: 'next', model: 'auto',
  messages: [{author: {role: 'user'}, content: {content_type: 'text', parts: [text]}}]});
await new Promise((done) => setTimeout(done, 150));
if (web_socket) {
  const socket = new WebSocket('wss://chatgpt.com/ws');
  await new Promise((done) => { socket.onopen = done; });
  for (const text of texts) {
    const answer = new Promise((done) => { socket.onmessage = done; });
    socket.send(content(text));
    await answer;
  }
  socket.close();
} else {
  for (const text of texts) {
    const answer = await fetch('/backend-api/conversation', {method: 'POST', body: content(text),
      headers: {'Content-Type': 'application/json'}});
    await answer.text();
  }
}
</script>"""


def page_of(client, texts):
    """What the fake chat serves to a browser."""
    return CHAT_PAGE % (json.dumps(texts).replace("<", "\\u003c"), json.dumps(client.protocol == "websocket"))


@dataclasses.dataclass
class Call:
    """What a command needs to know: where its files may stand and what it sends."""
    folder: pathlib.Path
    number: int
    texts: list
    key_log: pathlib.Path
    address: str
    proxy: str
    packages: str
    public_key: str  # hash of the server's

    def write(self, name, content):
        path = self.folder / f"call-{self.number}-{name}"
        path.write_text(content)
        return str(path)


def message(text):
    return json.dumps({"model": "some-model", "max_tokens": 64, "messages": [{"role": "user", "content": text}]})


def command_of(client, call):
    """(arguments, environment)"""
    environment = {**os.environ, "HOME": str(call.folder), "SSLKEYLOGFILE": str(call.key_log),
                   "NODE_EXTRA_CA_CERTS": f"{call.folder}/ca.pem", "CLIENT_PACKAGES": call.packages}
    command = {"curl": curl, "openssl": openssl, "python3": python3, "gtlsclient": gtlsclient, "node": node,
               "chromium": chromium}[client.program](client, call)
    if client.program == "python3":
        environment["SSL_CERT_FILE"] = f"{call.folder}/ca.pem"
    if client.program == "node":  # knows an option alone
        del environment["SSLKEYLOGFILE"]
        if client.kind == "google":
            environment["NODE_OPTIONS"] = f"--tls-keylog={call.key_log}"
        else:
            command.insert(1, f"--tls-keylog={call.key_log}")
    return command, environment


def curl(client, call):
    path = "/v1/messages" if client.host == "api.anthropic.com" else "/v1/chat/completions"
    more = {"upload": ["--limit-rate", "600k"], "resume": ["-H", "Connection: close"],
            "proxy": ["-x", call.proxy]}.get(client.kind, [])
    command = ["curl"]
    for i, text in enumerate(call.texts):
        command += (["--next"] if i else []) + [
            "--http2" if client.protocol == "h2" else "--http1.1", "--cacert", f"{call.folder}/ca.pem", "-sS",
            "--fail", "-m", "20", "-H", "Content-Type: application/json", "-H", "x-api-key: none",
            "-H", f"X-Scenario: {call.address}", *more,
            "--data-binary", "@" + call.write(f"{i}.json", message(text)), "-o", "/dev/null",
            f"https://{client.host}{path}"]
    return command


def openssl(client, call):
    # The first connection brings the session, the second sends its request with the hello.
    common = (f"openssl s_client -connect {client.host}:443 -servername {client.host} -tls1_3 -quiet -ign_eof "
              f"-CAfile {call.folder}/ca.pem -verify_return_error -keylogfile {call.key_log}")
    files = []
    for i, text in enumerate(call.texts):
        body = message(text)
        files.append(call.write(f"{i}.http", (
            f"POST /v1/messages HTTP/1.1\r\nHost: {client.host}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}")))
    session = f"{call.folder}/session-{call.number}"
    return ["sh", "-ec", f"{common} -sess_out {session} < {files[0]}\n"
                         f"{common} -sess_in {session} -early_data {files[1]} < /dev/null"]


def python3(client, call):
    program = ("import sys, urllib.request as u\n"
               "for path in sys.argv[2:]:\n"
               "    body = open(path, 'rb').read()\n"
               "    u.urlopen(u.Request(sys.argv[1], body, {'Content-Type': 'application/json'})).read()")
    return ["python3", "-c", program, f"https://{client.host}/v1/chat/completions",
            *(call.write(f"{i}.json", message(text)) for i, text in enumerate(call.texts))]


def gtlsclient(client, call):
    """The HTTP/3 client of ngtcp2. It sends one body a run."""
    path = "/v1/messages" if client.host == "api.anthropic.com" else "/v1/chat/completions"
    more = "--key-update=20ms --delay-stream=60ms" if client.kind == "update" else ""
    return ["sh", "-ec", "\n".join(
        f"gtlsclient -q -m POST --exit-on-all-streams-close --timeout=20s {more} "
        f"-d {call.write(f'{i}.json', message(text))} {client.host} 443 https://{client.host}{path}"
        for i, text in enumerate(call.texts))]


def node(client, call):
    forms = SDK_FORMS.get(client.kind, OTHER_FORMS)
    requests = [{"form": forms[(call.number + i) % len(forms)], "text": text} for i, text in enumerate(call.texts)]
    return ["node", str(HERE / "sdk_client.mjs"), client.kind,
            call.write("requests.json", json.dumps(requests))]


def chromium(client, call):
    return ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
            "--ignore-certificate-errors", "--no-first-run", "--disable-sync", "--disable-background-networking",
            "--disable-component-update", "--disable-extensions", *(
                ["--enable-quic", f"--origin-to-force-quic-on={client.host}:443",
                 f"--ignore-certificate-errors-spki-list={call.public_key}"] if client.protocol == "h3" else []),
            f"--user-data-dir={call.folder}/profile-{call.number}", f"https://{client.host}/"]
