#!/usr/bin/env python3
"""Writes the seed corpus of engine_fuzz: scripts of packets as engine_fuzz.cc describes them.

Usage: make_engine_corpus.py [FOLDER]; by default tests/fuzz/corpus/engine_fuzz of the checkout.
"""
import pathlib
import struct
import sys
import zlib

SYN, FIN, RST, ACK, PSH = 16, 8, 32, 64, 128


def frame(data, link=0):
    return bytes([0, link]) + struct.pack(">H", len(data)) + data


def segment(flow, data=b"", flags=ACK | PSH, offset=0, to_server=True):
    which = flow | (0 if to_server else 4) | flags
    return bytes([1, which, offset & 255]) + struct.pack(">H", len(data)) + data


def datagram(flow, data, to_server=True):
    return bytes([2, flow | (0 if to_server else 4)]) + struct.pack(">H", len(data)) + data


def pause(tenths, told=False):
    return bytes([11 if told else 3]) + struct.pack(">H", tenths)


def request(flow, which):
    return bytes([4, flow, which])


def handshake(flow):
    return segment(flow, b"", SYN) + segment(flow, b"", SYN | ACK, to_server=False) + segment(flow, b"", ACK)


def goodbye(flow):
    return segment(flow, b"", FIN | ACK) + segment(flow, b"", FIN | ACK, to_server=False)


def client_hello(name):
    sni = struct.pack(">HBH", len(name) + 3, 0, len(name)) + name
    extensions = struct.pack(">HH", 0, len(sni)) + sni + bytes.fromhex("002b0003020304")
    body = b"\x03\x03" + b"r" * 32 + b"\0" + bytes.fromhex("00021301") + b"\1\0"
    body += struct.pack(">H", len(extensions)) + extensions
    hello = b"\1" + struct.pack(">I", len(body))[1:] + body
    return b"\x16\x03\x01" + struct.pack(">H", len(hello)) + hello


def dns_answer(name, address):
    labels = b"".join(bytes([len(part)]) + part for part in name.split(b".")) + b"\0"
    head = bytes.fromhex("123481800001000100000000")
    return head + labels + bytes.fromhex("00010001c00c000100010000012c0004") + address


def ipv4(protocol, payload, source=b"\x0a\0\0\x09", destination=b"\xc6\x12\0\1"):
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), 1, 0, 64, protocol, 0)
    return head + source + destination + payload


def ethernet(payload, tags=b"", kind=0x0800):
    return b"\2\0\0\0\0\1" + b"\2\0\0\0\0\2" + tags + struct.pack(">H", kind) + payload


def tcp(payload, seq, flags=0x18):
    return struct.pack(">HHIIBBHHH", 40009, 80, seq, 1, 0x50, flags, 65535, 0, 0) + payload


def udp(payload, source=40009, destination=443):
    return struct.pack(">HHHH", source, destination, 8 + len(payload), 0) + payload


def gzip(data):
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return packer.compress(data) + packer.flush()


def post(body, more=b""):
    return (b"POST /v1/chat/completions HTTP/1.1\r\nHost: api.openai.com\r\nContent-Length: "
            + str(len(body)).encode() + b"\r\n" + more + b"\r\n" + body)


def seeds():
    hello = client_hello(b"api.anthropic.com")
    web = post(b'{"prompt":"FALCON-1234"}', b"Content-Type: application/json\r\n")
    yield "leak", 0, handshake(1) + request(1, 0) + goodbye(1)
    yield "leak_chunked_twice", 0, handshake(0) + request(0, 1) + pause(5) + request(0, 1) + goodbye(0)
    yield "leak_raw_no_handshake", 0, request(3, 2) + request(3, 3) + pause(4000, True)
    yield "limits_all", 127, b"".join(handshake(f) + request(f, f) for f in range(4)) + request(1, 0)
    yield "tunnel", 0, (handshake(3) + request(3, 4)
                        + segment(3, b"HTTP/1.1 200 OK\r\n\r\n", to_server=False)
                        + request(3, 0) + goodbye(3))
    yield "tls", 0, (handshake(0) + segment(0, hello[:70]) + segment(0, hello[70:])
                     + segment(0, b"\x17\x03\x03\0\x20" + b"e" * 32) + goodbye(0))
    yield "tls_out_of_order", 0, (handshake(0) + segment(0, hello[70:], offset=70)
                                  + segment(0, hello[:70], offset=-len(hello))
                                  + segment(0, b"", RST))
    yield "reorder_and_gap", 0, (handshake(1) + segment(1, web[60:], offset=60)
                                 + segment(1, web[:60], offset=-len(web))
                                 + segment(1, web, offset=100) + pause(3100, True))
    yield "gzip", 0, handshake(1) + segment(1, post(gzip(b"key FALCON-1234"),
                                                    b"Content-Encoding: gzip\r\n")) + goodbye(1)
    yield "dns_then_flow", 0, (datagram(2, dns_answer(b"api.openai.com", b"\xc6\x12\0\1"), False)
                               + handshake(2) + segment(2, b"\0\1\2\3 what is this") + goodbye(2))
    yield "udp_unknown", 8, datagram(0, b"abc" * 20) * 5 + datagram(0, b"\xc3\0\0\0\1\x08" + b"q" * 60)
    yield "frames", 0, (frame(ethernet(ipv4(6, tcp(web, 5)))) + frame(ipv4(17, udp(b"hi")), 1)
                        + frame(ethernet(ipv4(6, tcp(b"", 4, 2)), b"\x81\0\0\x0a"))
                        + frame(ethernet(ipv4(1, b"ping")))
                        + frame(ethernet(ipv4(47, b"\0\0\x08\0" + ipv4(6, tcp(web, 9))))))
    yield "reuse_and_flip", 1, (handshake(1) + request(1, 5) + goodbye(1) + handshake(1)
                                + segment(1, web, to_server=False) + pause(200)
                                + segment(0, web, ACK, to_server=False) + segment(2, web)
                                + segment(3, web) + segment(1, b"", RST))


def main():
    default = pathlib.Path(__file__).resolve().parents[2] / "fuzz" / "corpus" / "engine_fuzz"
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default
    folder.mkdir(parents=True, exist_ok=True)
    for name, limits, script in seeds():
        (folder / name).write_bytes(bytes([limits]) + script)


if __name__ == "__main__":
    main()
