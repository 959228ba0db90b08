#!/usr/bin/env python3
"""Every decoder of network bytes has a fuzz target with a corpus, and a test that cuts its input."""
import pathlib
import re
import sys

ROOT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
# Decoders that are no StreamDecoder, and parts that are reached through another class.
ALSO = ["QuicConnection", "QuicInitialDecoder", "Http3Decoder", "TcpStream", "KeyLogParser",
        "PacketDecoder", "Defragmenter", "ContentInspector", "Unwrapper"]
REACHED_BY = {"ContentInspector": "Engine"}
# Whole datagrams, packets or segments: there is nothing to cut at every byte.
UNCUT = {"QuicConnection", "QuicInitialDecoder", "PacketDecoder", "Defragmenter", "TcpStream"}
CUTS = re.compile(r"split_check|check_play2|check2?\(|byte by byte|EverySplit|EveryCut")


def with_helpers(path: pathlib.Path) -> str:
    """The text of a test, and of the helpers from tests/ that it includes."""
    text = path.read_text()
    for helper in re.findall(r'#include "(tests/inspect/[^"]+)"', text):
        text += (ROOT / helper).read_text()
    return text


def main() -> int:
    names = list(ALSO)
    for header in (ROOT / "inspect").rglob("*.h"):
        names += re.findall(r"class (\w+) final : public StreamDecoder", header.read_text())
    fuzz = {path: with_helpers(path) for path in (ROOT / "tests").rglob("*_fuzz.cc")}
    tests = {path: with_helpers(path) for path in (ROOT / "tests").rglob("*_test.cc")}
    registered = set()
    for path in (ROOT / "tests").rglob("CMakeLists.txt"):
        registered |= set(re.findall(r"weir_fuzz\((\w+)", path.read_text()))
    wrong = []
    for name in sorted(set(names)):
        word = re.compile(r"\b" + REACHED_BY.get(name, name) + r"\b")
        targets = sorted(path.stem for path, text in fuzz.items() if word.search(text))
        cut = sorted(path.stem for path, text in tests.items()
                     if word.search(text) and CUTS.search(text))
        print(f"{name}: {', '.join(targets) or '-'}; "
              f"{'whole units' if name in UNCUT else ', '.join(cut) or '-'}")
        if not targets:
            wrong.append(f"{name} has no fuzz target")
        for target in targets:
            corpus = ROOT / "tests" / "fuzz" / "corpus" / target
            if target not in registered:
                wrong.append(f"{target} is not built")
            if not corpus.is_dir() or not any(corpus.iterdir()):
                wrong.append(f"{target} has no corpus")
        if name not in UNCUT and not cut:
            wrong.append(f"{name} has no test that cuts its input")
    for line in wrong:
        print("WRONG:", line)
    return 1 if wrong else 0


sys.exit(main())
