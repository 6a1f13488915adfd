"""The libraries we are measured against, and which of them are here."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OURS = "whychurn"


@dataclass(frozen=True)
class Peer:
    """A library: how it is called in tables, and how it is found.

    Attributes
    ----------
    label
        Name in tables.
    module, distribution
        Name to import, and name on PyPI. For R: "R", and the R package that must be there.
    contender
        File in `benchmarks/contenders` without its ending.
    """

    label: str
    module: str
    distribution: str
    contender: str


PEERS: dict[str, Peer] = {
    "R": Peer("R", "R", "survival", "survival.R"),
    "lifelines": Peer("lifelines", "lifelines", "lifelines", "lifelines"),
    "statsmodels": Peer("statsmodels", "statsmodels", "statsmodels", "statsmodels"),
    "scikit-learn": Peer("scikit-learn", "sklearn", "scikit-learn", "sklearn"),
    "duckdb": Peer("DuckDB", "duckdb", "duckdb", "duckdb"),
    "survival": Peer("survival (Rust)", "survival", "survival", "survival"),
    "coxdev": Peer("coxdev", "coxdev", "coxdev", "coxdev"),
    "coxstream": Peer("coxstream", "coxstream", "coxstream", "coxstream"),
    "scikit-survival": Peer("scikit-survival", "sksurv", "scikit-survival", "sksurv"),
    "glum": Peer("glum", "glum", "glum", "glum"),
}


@dataclass(frozen=True)
class Presence:
    """Version of a library that is here, or the reason why it is not."""

    version: str | None
    reason: str = ""


_PROBE = """
import importlib, importlib.metadata, json, sys
for key, module, distribution in json.loads(sys.argv[1]):
    try:
        importlib.import_module(module)
        print(json.dumps([key, importlib.metadata.version(distribution), ""]), flush=True)
    except BaseException as problem:
        print(json.dumps([key, None, f"{type(problem).__name__}: {problem}"]), flush=True)
"""


def find_peers(peers: Mapping[str, Peer]) -> dict[str, Presence]:
    """Say of each peer whether it can be used here; each is imported, in another process, not just looked up."""
    python = {key: peer for key, peer in peers.items() if peer.module != "R"}
    found = {key: _find_r(peer.distribution) for key, peer in peers.items() if peer.module == "R"}
    wanted = json.dumps([(key, peer.module, peer.distribution) for key, peer in python.items()])
    done = subprocess.run([sys.executable, "-c", _PROBE, wanted], capture_output=True, text=True, check=False)
    for line in done.stdout.splitlines():
        if line.startswith("["):
            key, version, reason = json.loads(line)
            found[key] = Presence(version, reason.splitlines()[0].replace(str(Path(sys.prefix)), "") if reason else "")
    crashed = Presence(None, "the import ended the process")
    return {key: found.get(key, crashed) for key in peers}


def _find_r(package: str) -> Presence:
    script = shutil.which("Rscript")
    if script is None:
        return Presence(None, "no Rscript on the path")
    ask = f'cat(format(getRversion()), "with {package}", packageDescription("{package}")$Version)'
    done = subprocess.run([script, "-e", ask], capture_output=True, text=True, check=False)
    if done.returncode:
        return Presence(None, f"R is here, its package {package} is not")
    return Presence(done.stdout.strip())


def machine() -> str:
    """Describe this machine: processor, cores, memory, system, load at this moment."""
    model = platform.processor() or platform.machine()
    memory = ""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), model)
        total = Path("/proc/meminfo").read_text(encoding="utf-8").split()[1]
        memory = f", {int(total) / 1024**2:.0f} GiB of memory"
    except OSError:
        pass
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{model}, {cores} cores{memory}, {platform.system()} {platform.machine()}"


def load() -> float:
    """Return how many processes were wanting to run during the last minute, on average; NaN if unknown."""
    try:
        return os.getloadavg()[0]
    except OSError:
        return float("nan")


def own_versions() -> dict[str, str]:
    """Return the versions of Python, whychurn and what it computes with."""
    from importlib.metadata import version

    names = ("whychurn", "numpy", "scipy", "pandas", "numba")
    return {"Python": platform.python_version(), **{name: version(name) for name in names}}
