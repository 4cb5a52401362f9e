"""The key of kept sign-ins in a real Secret Service, GNOME's, and in one that never answers."""

import os
import pathlib
import re
import socket
import subprocess
import threading
import time

import pyrage
import pytest
from kept import Runs, assert_planned, assert_refused

ENTRY = ("service", "flowbind")
REMEDY = ("the keyring of the operating system is unavailable", "--token-store file")


class Desktop:
    """A session of its own: a bus, a keyring that is unlocked, and folders for the two."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        for name in ("home", "run"):
            (self.folder / name).mkdir(mode=0o700, parents=True)
        home = self.folder / "home"
        self.variables = {
            "HOME": str(home),
            "XDG_CACHE_HOME": str(home / "cache"),
            "XDG_CONFIG_HOME": str(home / "config"),
            "XDG_DATA_HOME": str(home / "data"),
            "XDG_STATE_HOME": str(home / "state"),
            "XDG_RUNTIME_DIR": str(self.folder / "run"),
            "DBUS_SESSION_BUS_ADDRESS": f"unix:path={self.folder / 'run' / 'bus'}",
        }
        self.processes = []

    def begin(self):
        """Starts the bus, then the keyring, whose password comes on its standard input."""
        bus = self.variables["DBUS_SESSION_BUS_ADDRESS"]
        options = ["--session", "--nofork", "--nopidfile", "--nosyslog"]
        self._start("dbus-daemon", *options, f"--address={bus}")
        self._wait("the bus", (self.folder / "run" / "bus").exists)
        keyring = self._start(
            "gnome-keyring-daemon", "--unlock", "--foreground", "--components=secrets"
        )
        keyring.stdin.write(b"made-up-for-the-test")
        keyring.stdin.close()
        self._wait("the keyring", self._has_keyring)

    def end(self):
        """Ends the processes, by their ids."""
        for process in reversed(self.processes):
            if process.poll() is None:
                process.terminate()
            process.wait(10)

    def found(self):
        """What another program finds in the keyring of ours: attributes, and secrets."""
        ended = self._secret_tool("search", "--all", "--unlock", *ENTRY)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout + ended.stderr

    def secret(self):
        """The one secret that another program looks up."""
        return self._secret_tool("lookup", *ENTRY).stdout

    def replace(self, text):
        """Puts something else in the place of our secret, by another program."""
        ended = self._secret_tool("clear", *ENTRY)
        assert ended.returncode == 0, ended.stderr
        entry = [*ENTRY, "username", "store-key"]
        ended = self._secret_tool("store", "--label=made up", *entry, input=text)
        assert ended.returncode == 0, ended.stderr

    @property
    def file(self):
        """The file that is encrypted with the key."""
        return self.folder / "home" / "state" / "flowbind" / "sign-ins.keyring.age"

    def _start(self, *command):
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=self._environment(),
        )
        self.processes.append(process)
        return process

    def _has_keyring(self):
        names = ["--dest=org.freedesktop.DBus", "/", "org.freedesktop.DBus.NameHasOwner"]
        ask = ["dbus-send", "--session", "--print-reply", *names, "string:org.freedesktop.secrets"]
        options = {"capture_output": True, "text": True, "timeout": 10}
        ended = subprocess.run(ask, env=self._environment(), **options)
        return "boolean true" in ended.stdout

    def _secret_tool(self, *arguments, **options):
        return subprocess.run(
            ["secret-tool", *arguments],
            capture_output=True,
            text=True,
            timeout=10,
            env=self._environment(),
            **options,
        )

    def _environment(self):
        kept = {name: value for name, value in os.environ.items() if name != "DISPLAY"}
        return {**kept, **self.variables}

    def _wait(self, what, is_there):
        end = time.monotonic() + 10
        while not is_there():
            if time.monotonic() > end or any(one.poll() is not None for one in self.processes):
                self.end()
                raise RuntimeError(f"{what} did not start")
            time.sleep(0.02)


@pytest.fixture
def desktop(tmp_path):
    desktop = Desktop(tmp_path / "desktop")
    desktop.begin()
    yield desktop
    desktop.end()


@pytest.fixture
def silence(tmp_path):
    """The address of a bus that takes connections and never says anything."""
    path = tmp_path / "silent"
    taken = []
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()

        def take():
            while True:
                try:
                    taken.append(listening.accept()[0])
                except OSError:
                    return

        threading.Thread(target=take, daemon=True).start()
        yield {"DBUS_SESSION_BUS_ADDRESS": f"unix:path={path}"}, taken
        listening.shutdown(socket.SHUT_RDWR)
    for connection in taken:
        connection.close()


def test_the_keyring_holds_a_key_and_the_file_the_sign_in(sandbox, desktop):
    runs = Runs(sandbox, "--token-store", "keyring", **desktop.variables)
    assert desktop.secret() == ""
    ended = runs.login()
    assert ended.returncode == 0, ended.stderr
    assert f"Stored the sign-in in {desktop.file}." in ended.stderr
    assert re.fullmatch(r"AGE-SECRET-KEY-1[A-Z0-9]{58}", desktop.secret())
    assert desktop.found().count("attribute.service = flowbind") == 1
    sealed = desktop.file.read_bytes()
    assert desktop.file.stat().st_mode & 0o777 == 0o600
    assert sealed.startswith(b"age-encryption.org/v1\n")
    key = pyrage.x25519.Identity.from_str(desktop.secret())
    opened = pyrage.decrypt(sealed, [key]).decode()
    assert '"refresh-token"' in opened and "sandy@contoso.example" in opened
    assert "access" not in opened


def test_a_sign_in_in_the_keyring_serves_silent_runs_until_the_logout(sandbox, desktop):
    runs = Runs(sandbox, "--token-store", "keyring", **desktop.variables)
    assert runs.login().returncode == 0
    assert "sandy@contoso.example" in runs.status().stdout
    key = desktop.secret()
    assert_planned(runs.silent())
    # It is the usual store, so nobody has to name it.
    assert_planned(Runs(sandbox, **desktop.variables).silent())
    assert desktop.secret() == key
    ended = runs.logout()
    assert ended.returncode == 0 and "Removed" in ended.stdout
    assert (desktop.secret(), desktop.found()) == ("", "")
    assert not desktop.file.exists()
    assert runs.status().returncode == 4
    assert_refused(runs.silent(), 4, "a person has to sign in", "flowbind auth login")


def test_something_else_in_the_place_of_the_key_is_told_and_not_repeated(sandbox, desktop):
    runs = Runs(sandbox, "--token-store", "keyring", **desktop.variables)
    assert runs.login().returncode == 0
    desktop.replace("hush-hush-hush")
    ended = runs.silent()
    assert_refused(ended, 4, "holds no key of flowbind")
    assert "hush" not in ended.stdout + ended.stderr
    desktop.replace(str(pyrage.x25519.Identity.generate()))
    assert_refused(runs.silent(), 4, "was made with another key", "flowbind auth logout")
    assert runs.logout().returncode == 0 and desktop.secret() == ""


def test_a_keyring_that_never_answers_is_given_up_before_anybody_is_asked(sandbox, silence, tmp_path):
    variables, taken = silence
    runs = Runs(sandbox, "--token-store", "keyring", **variables, XDG_STATE_HOME=str(tmp_path))
    began = time.monotonic()
    ended = runs.login()
    assert time.monotonic() - began < 6
    assert_refused(ended, 4, "it did not answer within 3 seconds", *REMEDY)
    assert taken and "To sign in" not in ended.stderr


def test_a_keyring_that_stops_answering_stops_only_who_asked_for_it(sandbox, desktop, silence):
    variables, taken = silence
    runs = Runs(sandbox, "--token-store", "keyring", **desktop.variables)
    assert runs.login().returncode == 0
    silent = desktop.variables | variables
    began = time.monotonic()
    ended = Runs(sandbox, "--token-store", "keyring", **silent).silent()
    assert time.monotonic() - began < 6
    assert_refused(ended, 4, "it did not answer within 3 seconds", *REMEDY)
    # Who did not ask for it is told, signs in by a code, and goes on.
    ended = Runs(sandbox, **silent).plan()
    assert_planned(ended)
    assert "no stored sign-in is used: the keyring" in ended.stderr and "To sign in" in ended.stderr
    assert len(taken) >= 2


def test_no_keyring_at_all_stops_nobody_who_did_not_ask_for_it(sandbox, desktop):
    assert Runs(sandbox, **desktop.variables).login().returncode == 0
    nowhere = desktop.variables | {"DBUS_SESSION_BUS_ADDRESS": "unix:path=/made-up/nowhere"}
    assert_refused(Runs(sandbox, "--token-store", "keyring", **nowhere).silent(), 4, *REMEDY)
    assert_planned(Runs(sandbox, **nowhere).plan())
