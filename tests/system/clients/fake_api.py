"""AI services as far as their clients need them: plausible answers as JSON, as events, over WebSocket.
Tells the driver what came from whom, and answers a client only when the driver lets it.
"""
import base64
import hashlib
import http.server
import json
import socketserver
import threading
import zlib


class Visits:
    """What has come from one client address."""

    def __init__(self):
        self.arrived = threading.Event()   # the beginning of a request with content
        self.may_answer = threading.Event()
        self.bodies = []                   # of requests and WebSocket messages, complete


class FakeApi(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True

    def __init__(self, listener):
        super().__init__(listener.getsockname(), Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.visits = {}
        self.pages = {}  # client address: HTML
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def expect(self, address, page=None):
        self.pages[address] = page
        return self.visits.setdefault(address, Visits())

    def handle_error(self, request, client_address):
        pass  # clients may hang up


MESSAGE = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5",
           "content": [{"type": "text", "text": "It sorts."}], "stop_reason": "end_turn", "stop_sequence": None,
           "usage": {"input_tokens": 9, "output_tokens": 3}}
CANDIDATE = {"candidates": [{"content": {"role": "model", "parts": [{"text": "It sorts."}]}, "finishReason": "STOP"}],
             "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 3}}


def answer_of(path, stream):
    """(content type, body)"""
    def events(*items, named=True):
        return "text/event-stream", "".join(
            (f"event: {item['type']}\n" if named else "") + f"data: {json.dumps(item)}\n\n" for item in items)

    if path.startswith("/v1/messages"):
        if not stream:
            return "application/json", json.dumps(MESSAGE)
        return events({"type": "message_start", "message": {**MESSAGE, "content": [], "stop_reason": None}},
                      {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
                      {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "It sorts."}},
                      {"type": "content_block_stop", "index": 0},
                      {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None},
                       "usage": {"output_tokens": 3}},
                      {"type": "message_stop"})
    if path.startswith("/v1/chat/completions"):
        choice = {"index": 0, "finish_reason": "stop", "delta": {"role": "assistant", "content": "It sorts."}}
        kind, text = events({"id": "c1", "object": "chat.completion.chunk", "choices": [choice]}, named=False)
        return kind, text + "data: [DONE]\n\n"
    if path.startswith("/v1/responses"):
        return "application/json", json.dumps({
            "id": "resp_1", "object": "response", "status": "completed", "model": "gpt-5", "output": [
                {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
                 "content": [{"type": "output_text", "text": "It sorts.", "annotations": []}]}]})
    if path.startswith("/v1/files"):
        return "application/json", json.dumps({"id": "file-1", "object": "file", "filename": "notes.txt"})
    if "treamGenerateContent" in path:
        return events(CANDIDATE, named=False)
    if "generateContent" in path:
        return "application/json", json.dumps(CANDIDATE)
    return "application/json", "{}"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30

    def log_message(self, *_):
        pass

    def _visits(self):
        client = self.headers.get("X-Scenario") or self.headers["X-Client"]  # a proxy hides the address
        return self.server.visits.setdefault(client, Visits())

    def _answer(self, kind, body):
        body = body.encode()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _body(self):
        if self.headers.get("Transfer-Encoding", "") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def do_GET(self):
        if self.headers.get("Upgrade", "").lower() == "websocket":
            self._websocket()
        elif self.path == "/":
            self._answer("text/html", self.server.pages.get(self.headers["X-Client"]) or "")
        else:
            self.send_error(404)

    def do_POST(self):
        visits = self._visits()
        visits.arrived.set()
        body = self._body()
        visits.may_answer.wait(20)
        visits.bodies.append(body)
        self._answer(*answer_of(self.path, b'"stream":true' in body.replace(b" ", b"")))

    def _websocket(self):
        """RFC 6455 with permessage-deflate (RFC 7692), windows kept from message to message. Each
        message is answered with a short one."""
        self.close_connection = True
        deflate = "permessage-deflate" in self.headers.get("Sec-WebSocket-Extensions", "")
        accept = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(hashlib.sha1(accept.encode()).digest()).decode())
        if deflate:
            self.send_header("Sec-WebSocket-Extensions", "permessage-deflate")
        self.end_headers()
        visits = self._visits()
        inflater = zlib.decompressobj(-15)
        message, compressed = b"", False
        while header := self.rfile.read(2):
            opcode, length = header[0] & 15, header[1] & 127
            if length >= 126:
                length = int.from_bytes(self.rfile.read(2 if length == 126 else 8), "big")
            mask = self.rfile.read(4)
            masked = self.rfile.read(length)
            repeated = (mask * (length // 4 + 1))[:length]
            payload = (int.from_bytes(masked, "big") ^ int.from_bytes(repeated, "big")).to_bytes(length, "big")
            if opcode == 8:
                self._frame(8, payload)
                return
            if opcode == 9:
                self._frame(10, payload)
            if opcode > 2:
                continue
            if opcode:
                compressed = bool(header[0] & 0x40)
            message += payload
            visits.arrived.set()
            if header[0] & 0x80:
                visits.may_answer.wait(20)
                visits.bodies.append(inflater.decompress(message + b"\0\0\xff\xff") if compressed else message)
                message = b""
                self._frame(1, json.dumps({"type": "response.done", "count": len(visits.bodies)}).encode())

    def _frame(self, opcode, payload):
        self.wfile.write(bytes([0x80 | opcode, len(payload)]) + payload)
