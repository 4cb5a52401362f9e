"""Encrypted sign-ins, opened and made by other implementations of age: pyrage, and Go's own."""

import base64
import contextlib
import json
import os
import pty
import stat
import subprocess

import pyrage
import pytest
from kept import Runs, assert_planned, assert_refused

PASSPHRASE = "made up, with a space and an ä"


@pytest.fixture
def file(tmp_path):
    return tmp_path / "sign-ins.age"


@pytest.fixture
def runs(sandbox, file):
    """Runs that keep sign-ins in a file that is encrypted with the key that the test gives."""

    def with_key(key):
        return Runs(sandbox, "--token-store", f"file:{file}", FLOWBIND_STORE_KEY=key)

    return with_key


def age(*arguments, content=b""):
    """Runs Debian's `age`."""
    command = ["age", *arguments]
    ended = subprocess.run(command, input=content, capture_output=True, timeout=30, check=True)
    return ended.stdout


def at_a_terminal(answer, *command):
    """Runs a program that asks for a passphrase, twice, where somebody would type it."""
    child, terminal = pty.fork()
    if child == 0:
        os.execvp(command[0], command)
    said = b""
    try:
        for times in (1, 2):
            while said.count(b":") < times:
                said += os.read(terminal, 1024)
            os.write(terminal, answer.encode() + b"\n")
        with contextlib.suppress(OSError):  # So ends a terminal that nobody uses any more.
            while os.read(terminal, 1024):
                pass
    finally:
        os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, said


@pytest.fixture
def generated(tmp_path):
    """A key file as `age-keygen` writes it: comments, and the identity."""
    path = tmp_path / "key.txt"
    subprocess.run(["age-keygen", "-o", str(path)], capture_output=True, timeout=30, check=True)
    return path


def document(opened):
    """The one sign-in that was kept."""
    [entry] = json.loads(opened)["sign-ins"]
    assert entry["sign-in"]["user"] == "sandy@contoso.example"
    return entry["sign-in"]["refresh-token"]


def kept(runs, file):
    """Signs in, and returns what is in the file."""
    ended = runs.login()
    assert ended.returncode == 0, ended.stderr
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    sealed = file.read_bytes()
    assert b"refresh-token" not in sealed and b"sandy" not in sealed
    return sealed


def test_pyrage_opens_a_file_by_its_passphrase(runs, file):
    sealed = kept(runs(PASSPHRASE), file)
    assert document(pyrage.passphrase.decrypt(sealed, PASSPHRASE))
    with pytest.raises(pyrage.DecryptError):
        pyrage.passphrase.decrypt(sealed, PASSPHRASE[:-1])


def test_pyrage_opens_a_file_by_its_identity(runs, file):
    identity = pyrage.x25519.Identity.generate()
    sealed = kept(runs(str(identity)), file)
    assert document(pyrage.decrypt(sealed, [identity]))
    with pytest.raises(pyrage.DecryptError):
        pyrage.decrypt(sealed, [pyrage.x25519.Identity.generate()])


def test_age_opens_a_file_by_the_key_that_age_keygen_made(runs, file, generated):
    kept(runs(generated.read_text()), file)
    assert document(age("--decrypt", "--identity", str(generated), str(file)))


def test_a_file_that_age_made_is_taken_and_kept_up(runs, file, generated):
    """As somebody does who changes the key: opened with one, made with another."""
    other = pyrage.x25519.Identity.generate()
    sealed = kept(runs(generated.read_text()), file)
    opened = age("--decrypt", "--identity", str(generated), content=sealed)
    file.write_bytes(age("--recipient", str(other.to_public()), content=opened))
    assert_refused(runs(generated.read_text()).silent(), 3, "it was made with another key")
    assert_planned(runs(str(other)).silent())
    # The sandbox gave another refresh token, so the file was written anew, for the same key.
    assert document(pyrage.decrypt(file.read_bytes(), [other])) != document(opened)


@pytest.mark.parametrize("armored", [False, True], ids=["binary", "armored"])
def test_a_file_that_pyrage_made_is_taken(runs, file, armored):
    identity = pyrage.x25519.Identity.generate()
    opened = pyrage.decrypt(kept(runs(str(identity)), file), [identity])
    file.write_bytes(pyrage.encrypt(opened, [identity.to_public()], armored=armored))
    ended = runs(str(identity)).silent()
    if armored:
        assert_refused(ended, 4, "it is no file of age")
    else:
        assert_planned(ended)


def test_a_file_that_age_made_with_a_passphrase_is_taken(runs, file, tmp_path):
    opened = pyrage.passphrase.decrypt(kept(runs(PASSPHRASE), file), PASSPHRASE)
    (tmp_path / "opened").write_bytes(opened)
    file.unlink()
    at_a_terminal(PASSPHRASE, "age", "--passphrase", "--output", str(file), str(tmp_path / "opened"))
    assert b" 18\n" in file.read_bytes()[:80]
    # Each try is eight times as costly as with what flowbind makes, so one look has to do.
    ended = runs(PASSPHRASE).status()
    assert ended.returncode == 0 and "sandy@contoso.example" in ended.stdout, ended.stderr


def test_age_opens_the_line_for_a_secret_variable(sandbox, generated):
    key = generated.read_text()
    runs = Runs(sandbox, FLOWBIND_STORE_KEY=key)
    ended = runs.login("--export")
    assert ended.returncode == 0, ended.stderr
    [line] = ended.stdout.splitlines()
    opened = age("--decrypt", "--identity", str(generated), content=base64.b64decode(line))
    assert document(opened)
    given = {"FLOWBIND_REFRESH_TOKEN": line}
    assert_planned(runs.silent("--token-store", "none", variables=given))
