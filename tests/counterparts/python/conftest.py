"""What all tests share: a sandbox with a throw-away authority, trusted by this process alone."""

import socket

import pytest
from sandbox import REAL_HOSTS, Sandbox

COUNTS = {"passed": 0, "failed": 0}


LOOPBACK = ("localhost", "127.0.0.1", "::1")


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch):
    """Keeps this process on this machine: no other name is looked up, and no proxy is used."""
    look_up = socket.getaddrinfo

    def look_up_here(host, *rest, **named):
        if host not in LOOPBACK:
            raise OSError(f"{host} is not on this machine")
        return look_up(host, *rest, **named)

    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr(socket, "getaddrinfo", look_up_here)


@pytest.fixture
def start(tmp_path, monkeypatch):
    """Starts sandboxes that end with the test; the last one is trusted by `requests`."""
    started = []

    def start_one(*arguments, **options):
        sandbox = Sandbox(tmp_path / f"sandbox-{len(started)}", *arguments, **options)
        started.append(sandbox)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(sandbox.ca))
        return sandbox

    yield start_one
    for sandbox in started:
        sandbox.stop()


@pytest.fixture
def wired(start, monkeypatch):
    """A sandbox that this process finds behind the real names and port 443."""
    sandbox = start(hosts=REAL_HOSTS)
    here = socket.getaddrinfo

    def look_up(host, port, *rest, **named):
        return here("127.0.0.1", sandbox.port if port == 443 else port, *rest, **named)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return sandbox


@pytest.fixture
def sandbox(start):
    """A sandbox with the tenant that ships, whose person approves at once."""
    return start()


def pytest_runtest_logreport(report):
    """Counts: a test that did not run is a failed one."""
    if report.failed or report.skipped:
        COUNTS["failed"] += 1
    elif report.when == "call":
        COUNTS["passed"] += 1


def pytest_sessionfinish(session, exitstatus):
    """Fails the run where a test was skipped."""
    if exitstatus == 0 and COUNTS["failed"]:
        session.exitstatus = 1


def pytest_unconfigure(config):
    """Ends with the line that the runner adds up."""
    print(f"{COUNTS['passed']} passed, {COUNTS['failed']} failed")
