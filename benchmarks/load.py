"""Ask for pages as fast as they come, and say how many and how long each took.

``wrk`` does it if it is installed; else a small generator in Python does, in a process of its own.
Numbers of one generator are compared with each other only.
"""

import asyncio
import json
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

CONNECTIONS = 32

_LUA = """
local paths = {{}}
for line in io.lines("{paths}") do paths[#paths + 1] = line end
wrk.headers["Authorization"] = "Bearer {token}"
function init() math.randomseed(os.time()) end
function request() return wrk.format("GET", paths[math.random(#paths)]) end
"""
_UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


@dataclass(frozen=True, slots=True)
class Result:
    """Requests per second, and milliseconds that half and 99 % of them took at most."""

    per_second: float
    p50: float
    p99: float
    refused: int


def generator() -> str:
    return "wrk" if shutil.which("wrk") else "python"


def run(*, port: int, paths: Sequence[str], token: str, seconds: int) -> Result:
    """Ask for random ones of the paths on this machine, on 32 kept-alive connections."""
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder) / "paths"
        listed.write_text("\n".join(paths) + "\n")
        if generator() == "wrk":
            return _wrk(port, listed, token, seconds)
        command = [sys.executable, "-m", "benchmarks.load", str(port), str(listed), str(seconds)]
        done = subprocess.run(command, input=token, capture_output=True, text=True, check=True)
        return Result(**json.loads(done.stdout))


def _wrk(port: int, listed: Path, token: str, seconds: int) -> Result:
    script = listed.with_suffix(".lua")
    script.write_text(_LUA.format(paths=listed, token=token))
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", "-s", str(script)]
    url = f"http://127.0.0.1:{port}"
    told = subprocess.run([*command, url], capture_output=True, text=True, check=True).stdout
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", told)
    return Result(
        per_second=float(re.search(r"Requests/sec:\s+([\d.]+)", told)[1]),
        p50=_milliseconds(told, "50%"),
        p99=_milliseconds(told, "99%"),
        refused=int(refused[1]) if refused else 0,
    )


def _milliseconds(told: str, share: str) -> float:
    amount, unit = re.search(rf"{share}\s+([\d.]+)(us|ms|s)", told).groups()
    return float(amount) * _UNITS[unit]


async def _ask(port: int, paths: Sequence[bytes], token: bytes, until: float) -> list[float]:
    """Ask one question after the other on one connection; return negative times of refusals."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    tail = b" HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer " + token + b"\r\n\r\n"
    took: list[float] = []
    while (began := time.perf_counter()) < until:
        writer.write(b"GET " + random.choice(paths) + tail)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(re.search(rb"(?i)content-length: (\d+)", head)[1])
        await reader.readexactly(length)
        milliseconds = (time.perf_counter() - began) * 1000
        took.append(milliseconds if head.startswith(b"HTTP/1.1 200") else -milliseconds)
    writer.close()
    return took


async def _main(port: int, paths: Sequence[bytes], seconds: int, token: bytes) -> Result:
    until = time.perf_counter() + seconds
    each = await asyncio.gather(*(_ask(port, paths, token, until) for _ in range(CONNECTIONS)))
    took = sorted(abs(one) for many in each for one in many)
    return Result(
        per_second=len(took) / seconds,
        p50=took[len(took) // 2],
        p99=took[len(took) * 99 // 100],
        refused=sum(one < 0 for many in each for one in many),
    )


if __name__ == "__main__":
    lines = Path(sys.argv[2]).read_bytes().split()
    secret = sys.stdin.read().strip().encode()
    found = asyncio.run(_main(int(sys.argv[1]), lines, int(sys.argv[3]), secret))
    print(
        json.dumps({name: getattr(found, name) for name in ("per_second", "p50", "p99", "refused")})
    )
