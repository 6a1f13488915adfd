"""Kernels that begin with their imports done: forked from a process that has them, one for each notebook.

Most of the time of a short notebook goes into importing pandas, SciPy and the rest. A server (Python's own fork server)
imports them once; every kernel is a fresh copy of it, so no notebook sees what another one did. The provisioner below is
how Jupyter is told; it is named in the kernel spec that :mod:`whychurn.reports.execute` writes.
"""

from __future__ import annotations

import multiprocessing
import os
import pkgutil
import sys
import threading
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.metadata import entry_points
from multiprocessing import forkserver
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning import LocalProvisioner

#: As the entry point in pyproject.toml is called.
PROVISIONER = "whychurn-forked"
_GROUP = "jupyter_client.kernel_provisioners"
_IMPORTS = "whychurn.reports.forked_imports"
_LIBRARIES = ("ipykernel.kernelapp", "ipykernel.ipkernel", "pandas", "scipy.stats", "matplotlib.pyplot")
_PACKAGES = ("sources", "panel", "models", "analyses", "findings", "display")


def available() -> bool:
    """Whether kernels can be forked: on Linux, and where this installation told Jupyter of it."""
    # Other systems do not fork safely once numerical libraries are loaded.
    return sys.platform == "linux" and PROVISIONER in entry_points(group=_GROUP).names


class ForkedProvisioner(LocalProvisioner):
    """Launches a kernel as a fork of the server; where there can be no server, as a new interpreter."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Fork a kernel for the connection file in `cmd`, the command a new interpreter would be started with."""
        try:
            kernel = ForkedKernel(cmd[cmd.index("-f") :], kwargs["env"], kwargs.get("cwd"))
        except OSError:  # no server, as where the path of the temporary folder is too long for a socket
            return await super().launch_kernel(cmd, **kwargs)
        self.process = kernel  # type: ignore[assignment]
        self.pid = self.pgid = kernel.pid
        self.cwd = kwargs.get("cwd")
        return self.connection_info


class ForkedKernel:
    """A forked kernel with the methods of `subprocess.Popen` that Jupyter calls.

    Parameters
    ----------
    arguments : sequence of str
        Of the kernel application.
    environment : mapping of str to str
        Replaces that of the server.
    folder : str, optional
        Working directory.
    """

    stdin = stdout = stderr = None

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str], folder: str | None) -> None:
        start_server()
        given = (list(arguments), dict(environment), folder)
        self._process = multiprocessing.get_context("forkserver").Process(target=_be_kernel, args=given, daemon=True)
        self._process.start()

    @property
    def pid(self) -> int | None:
        """Number of the process; its group has the same."""
        return self._process.pid

    def poll(self) -> int | None:
        """Return the exit code, None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait for its end and return the exit code."""
        self._process.join(timeout)
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        """Send a signal."""
        if self.pid is not None and self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()

    def terminate(self) -> None:
        """Ask it to end."""
        self._process.terminate()


def start_server() -> None:
    """Start the server if it does not run yet; it imports while the caller goes on."""
    forkserver.set_forkserver_preload([_IMPORTS])
    forkserver.ensure_running()


def preload() -> None:
    """Import what notebooks need; runs in the server, once. The packages are named, as reports know no analysis."""
    for name in _LIBRARIES:
        import_module(name)
    for package in _PACKAGES:
        module = import_module(f"whychurn.{package}")
        for found in pkgutil.walk_packages(getattr(module, "__path__", ()), f"{module.__name__}."):
            import_module(found.name)


def _be_kernel(arguments: list[str], environment: dict[str, str], folder: str | None) -> None:
    """Be the kernel until it is shut down; runs in the fork."""
    from ipykernel.kernelapp import IPKernelApp

    # A session of its own, as a kernel always has: Ctrl-C in the terminal is not for it.
    os.setsid()
    os.environ.clear()
    os.environ.update(environment)
    if folder:
        os.chdir(folder)
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    IPKernelApp.launch_instance(argv=[*arguments, f"--IPKernelApp.parent_handle={os.getppid()}"])


def _leave_with_parent() -> None:
    """End when the process that asked for this kernel ends: the server lives as long as any of its forks."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
