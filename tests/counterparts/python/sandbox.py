"""A sandbox that serves TLS, and the ids of the tenant that ships with it."""

import os
import pathlib
import re
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
FLOWBIND = os.environ.get("FLOWBIND", str(ROOT / "target" / "debug" / "flowbind"))

TENANT = "7c3f1c52-9d0e-4b7a-8a35-5e2f6d1b9c40"
DOMAIN = "contoso.example"
CLIENT = "00000000-0000-4000-8000-00000000f10b"
ENVIRONMENT = "3d5b2f84-17ce-4e09-9b6a-c80d4f7e21a6"
ADDRESS_HOST = "3d5b2f8417ce4e099b6ac80d4f7e21.a6.environment.api.powerplatform.com"
AUTHORITY_HOST = "login.microsoftonline.com"
OTHER_AUTHORITY_HOST = "login.microsoft.com"
ORGANIZATION_HOST = "contoso.crm4.dynamics.com"
FLOW_HOST = "api.flow.microsoft.com"
REAL_HOSTS = (AUTHORITY_HOST, OTHER_AUTHORITY_HOST, ORGANIZATION_HOST, FLOW_HOST)
FLOW_SCOPE = "https://service.flow.microsoft.com//.default"

ORDER_INTAKE = "a09e4a0d-3a1c-f011-998a-7c1e5275cfe9"
SHIPMENT_TRACKING = "d3e9b2f4-7d40-f011-998a-7c1e5275cfe9"
PARTNER_WEBHOOK = "f50bd416-9f62-f011-998a-7c1e5275cfe9"

START_SECONDS = 30

# What tells a program that it runs in a pipeline, or where somebody could see a browser.
SURROUNDINGS = ("CI", "TF_BUILD", "GITHUB_ACTIONS", "BROWSER", "DISPLAY", "WAYLAND_DISPLAY")


class Sandbox:
    """One served sandbox with a state of its own; `stop` ends exactly this process. Without TLS it is plain http."""

    def __init__(self, folder, *arguments, approve_after=0, tenant=None, hosts=(), tls=True):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.ca = self.folder / "tls" / "ca.pem"
        self.log = self.folder / "sandbox.log"
        command = [FLOWBIND, "sandbox", "--listen", "127.0.0.1:0"]
        if tls:
            command += ["--tls-dir", str(self.folder / "tls")]
        command += ["--sandbox-state", str(self.folder / "state.json")]
        if approve_after is not None:
            command += ["--approve-after", str(approve_after)]
        if tenant is not None:
            command += ["--tenant", str(tenant)]
        for host in hosts:
            command += ["--host", host]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [*command, *arguments], stdout=log, stderr=log, env=environment(), cwd=ROOT
            )
        self.port = self._port(tls)
        self.url = f"https://localhost:{self.port}" if tls else f"http://127.0.0.1:{self.port}"
        self.authority = f"{self.url}/{TENANT}"

    def _port(self, tls):
        """Waits for the line that names the address."""
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            text = self.log.read_text()
            found = re.search(r"(?:127\.0\.0\.1|localhost):(\d+)", text)
            if found and (self.ca.exists() or not tls):
                return int(found.group(1))
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        self.stop()
        raise RuntimeError(f"the sandbox did not start: {self.log.read_text()}")

    def stop(self):
        """Ends the process, by its id."""
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(10)


def environment():
    """The environment of a program of ours: without settings of whoever runs the tests."""
    ours = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("FLOWBIND") and name not in SURROUNDINGS
    }
    return {**ours, "NO_COLOR": "1"}


def flowbind(*arguments, ca=None, variables=None, text=""):
    """Runs the program to its end, with more in its environment and a text on its standard input."""
    bundle = {"FLOWBIND_CA_BUNDLE": str(ca)} if ca else {}
    return subprocess.run(
        [FLOWBIND, *arguments],
        capture_output=True,
        text=True,
        input=text,
        timeout=120,
        cwd=ROOT,
        env={**environment(), **bundle, **(variables or {})},
    )


def tenant_file(folder, *replacements):
    """Writes the shipped tenant with some of its text replaced, or with text added at its end."""
    text = (ROOT / "config" / "sandbox.toml").read_text()
    for old, new in replacements:
        if old is not None and old not in text:
            raise AssertionError(f"the tenant has no {old!r}")
        text = f"{text}\n{new}\n" if old is None else text.replace(old, new, 1)
    path = pathlib.Path(folder) / "tenant.toml"
    path.write_text(text)
    return path
