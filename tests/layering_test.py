#!/usr/bin/env python3
"""Enforces the direction of includes and "each third-party library in one folder"."""
import pathlib
import re
import sys

ROOT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
FOLDERS = ["core", "config", "signatures", "capture", "inspect", "alert", "bench/lab", "app"]
# What a folder may include besides itself.
ALLOWED = {
    "core": set(),
    "config": {"core"},
    "signatures": {"core", "config"},
    "capture": {"core", "config"},
    "inspect": {"core", "config", "signatures"},
    "alert": {"core", "config"},
    "bench/lab": {"core"},
    "app": {"core", "config", "signatures", "capture", "inspect", "alert", "bench/lab"},
}
# Third-party header -> folders whose files (outside tests and bench) may include it.
LIBRARIES = {
    r"pcap(/.*)?\.h|libnetfilter_queue/.*|xdp/.*": ["capture"],
    r"ndpi.*|libndpi/.*": ["inspect/identify"],
    r"openssl/evp\.h": ["inspect/identify", "inspect/decrypt", "bench/lab", "signatures/fingerprint"],
    r"openssl/(?!evp\.h).*": ["inspect/identify", "inspect/decrypt", "bench/lab"],
    r"nghttp2/.*|nghttp3/.*": ["inspect/http"],
    r"zlib\.h": ["capture", "inspect/unwrap", "bench/lab"],
    r"zstd.*\.h|brotli/.*|libdeflate\.h": ["inspect/unwrap", "bench/lab"],
    r"hs/.*|hs\.h|hs_.*\.h": ["signatures"],
    r"xxhash\.h|xxh3\.h": ["signatures"],
    r"zmq\.h|zmq\.hpp|sqlite3\.h|sodium.*\.h": ["alert"],
    r"yaml-cpp/.*": ["config"],
    r"CLI/.*": ["app"],
    r"nlohmann/.*": ["app", "alert"],
}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)

problems = []
for folder in FOLDERS:
    for path in sorted((ROOT / folder).rglob("*")):
        if path.suffix not in (".h", ".cc"):
            continue
        name = path.relative_to(ROOT).as_posix()
        for quote, header in INCLUDE.findall(path.read_text(encoding="utf-8")):
            top = next((f for f in FOLDERS if header.startswith(f + "/")), header.split("/")[0])
            if quote == '"':
                if not (ROOT / header).is_file():
                    problems.append(f"{name}: \"{header}\" is not a root-relative path")
                elif top != folder and top not in ALLOWED[folder]:
                    problems.append(f"{name}: {folder}/ may not include {top}/ ({header})")
            for pattern, homes in LIBRARIES.items():
                if re.fullmatch(pattern, header) and not any(name.startswith(h + "/") for h in homes):
                    problems.append(f"{name}: <{header}> belongs in {' or '.join(homes)}")

for problem in problems:
    print(problem)
print(f"layering: {len(problems)} problems")
sys.exit(1 if problems else 0)
