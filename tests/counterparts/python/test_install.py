"""The ways to install: the archive and its scripts over a loopback server, the wheel by maturin and pip."""

import functools
import hashlib
import http.server
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import threading
import tomllib

import pytest
import yaml
from sandbox import FLOWBIND, ROOT, environment

INSTALL = ROOT / "config" / "install"
VERSION = tomllib.loads((ROOT / "Cargo.toml").read_text())["package"]["version"]
TARGET = "x86_64-unknown-linux-musl"
ARCHIVE = f"flowbind-{VERSION}-{TARGET}.tar.gz"


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    """A folder with the files of a release."""
    folder = tmp_path_factory.mktemp("release")
    pack = [ROOT / ".ci" / "pack", FLOWBIND, VERSION, TARGET, folder]
    packed = subprocess.run(pack, capture_output=True, text=True, env=environment())
    assert packed.returncode == 0, packed.stderr
    (folder / "SHA256SUMS").write_text(sums(folder))
    return folder


def sums(folder):
    return "".join(f"{digest(path)}  {path.name}\n" for path in sorted(folder.glob("*.tar.gz")))


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def served(release, tmp_path):
    """A copy of the release that a test may spoil, and its address on loopback."""
    folder = tmp_path / "served"
    shutil.copytree(release, folder)
    handler = functools.partial(Quiet, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def install(release, home, *arguments, script=INSTALL / "install.sh", **variables):
    ours = {**environment(), "HOME": str(home), "FLOWBIND_TARGET": TARGET, "FLOWBIND_RELEASE": release}
    command = ["sh", script, *arguments]
    return subprocess.run(command, capture_output=True, text=True, env={**ours, **variables}, timeout=120)


def test_the_script_installs_what_the_release_has(served, tmp_path):
    _, address = served
    ended = install(address, tmp_path)
    assert ended.returncode == 0, ended.stderr
    program = tmp_path / ".local" / "bin" / "flowbind"
    assert ended.stdout == f"Installed flowbind {VERSION} to {program}\n"
    elsewhere = tmp_path / "with a blank"
    assert install(address, tmp_path, "--to", str(elsewhere)).returncode == 0
    shown = subprocess.run([elsewhere / "flowbind", "--version"], capture_output=True, text=True)
    assert shown.stdout.startswith(f"flowbind {VERSION} ")


def test_the_script_installs_nothing_that_was_changed_or_is_not_there(served, tmp_path):
    folder, address = served
    pinned = install(address, tmp_path, FLOWBIND_SHA256="0" * 64)
    other = install(address, tmp_path, FLOWBIND_TARGET="aarch64-apple-darwin")
    nowhere = install("", tmp_path)
    assert not (tmp_path / ".local").exists()
    assert install(address, tmp_path / "other", FLOWBIND_SHA256=digest(folder / ARCHIVE)).returncode == 0
    with (folder / ARCHIVE).open("ab") as archive:
        archive.write(b"changed")
    changed = install(address, tmp_path)
    for ended, words in [
        (pinned, f"nothing was installed: {ARCHIVE} has the checksum"),
        (changed, f"nothing was installed: {ARCHIVE} has the checksum"),
        (other, "does not name one archive for aarch64-apple-darwin"),
        (nowhere, "set FLOWBIND_RELEASE"),
    ]:
        assert ended.returncode == 1 and words in ended.stderr, ended.stderr
    assert not (tmp_path / ".local").exists()


def test_a_release_writes_its_address_into_the_scripts(served, tmp_path):
    """By the step of the release's own workflow."""
    _, address = served
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text())["jobs"]
    [step] = (step for step in jobs["publish"]["steps"] if "install.sh >" in step.get("run", ""))
    (tmp_path / "source").symlink_to(ROOT)
    given = {**environment(), "RELEASE": address}
    subprocess.run(["bash", "-e", "-c", step["run"]], check=True, cwd=tmp_path, env=given)
    assert f"$default_release = '{address}'\n" in (tmp_path / "install.ps1").read_text()
    ended = install("", tmp_path, script=tmp_path / "install.sh")
    assert ended.returncode == 0, ended.stderr


def test_the_archive_has_no_dead_link(release, tmp_path):
    """What README links to is in the archive. The pages also link to tests, which the repository alone has."""
    with tarfile.open(release / ARCHIVE) as archive:
        names = set(archive.getnames())
        archive.extractall(tmp_path, filter="data")
    top = tmp_path / ARCHIVE.removesuffix(".tar.gz")
    dead = []
    for page in [top / "README.md", *top.glob("docs/*.md")]:
        for link, part in re.findall(r"\]\(([^)#\s]*)#?([^)\s]*)\)", page.read_text()):
            of_the_tests = page.parent != top and link.startswith("../tests/")
            if "://" in link or of_the_tests:
                continue
            target = (page.parent / link).resolve() if link else page
            is_there = str(target.relative_to(tmp_path)) in names
            if not is_there or (part and part not in anchors(target)):
                dead.append(f"{page.name}: {link}#{part}")
    assert not dead
    wanted = ["flowbind", "LICENSE", "flowbind.schema.json", "man/flowbind-plan.1", "completions/flowbind.bash"]
    assert {f"{top.name}/{name}" for name in wanted} <= names


def anchors(page):
    """The anchors of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_readme_opens_with_the_ways_to_install_and_the_first_command():
    text = (ROOT / "README.md").read_text()
    first = text.split("\n## ")[1]
    assert first.startswith("Install\n")
    for words in ["install.sh", "install.ps1", "pip install", "docker build", "flowbind apply --environment sandbox"]:
        assert words in first, words


def test_shellcheck_has_no_complaint():
    scripts = [INSTALL / "install.sh", ROOT / ".ci" / "pack"]
    checked = subprocess.run([scripts_folder() / "shellcheck", *scripts], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout


def scripts_folder():
    return pathlib.Path(sys.executable).parent


def test_the_wheel_brings_the_program(tmp_path):
    """Built without optimisation, installed from its file alone."""
    maturin = [scripts_folder() / "maturin", "build", "--profile", "dev", "--compatibility", "linux", "--out", tmp_path]
    given = {**os.environ, "CARGO_TARGET_DIR": os.environ.get("CARGO_TARGET_DIR", str(ROOT / "target"))}
    built = subprocess.run(maturin, capture_output=True, text=True, cwd=ROOT / "config" / "python", env=given)
    assert built.returncode == 0, built.stderr
    [wheel] = tmp_path.glob("*.whl")
    assert wheel.name.startswith(f"flowbind-{VERSION}-py3-none-")
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    pip = [tmp_path / "venv/bin/python", "-m", "pip", "--disable-pip-version-check", "install", "--no-index", wheel]
    installed = subprocess.run(pip, capture_output=True, text=True)
    assert installed.returncode == 0, installed.stderr
    program = tmp_path / "venv/bin/flowbind"
    ours = {**environment(), "HOME": str(tmp_path)}
    begun = subprocess.run([program, "init"], capture_output=True, text=True, cwd=tmp_path, env=ours)
    assert begun.returncode == 0, begun.stderr
    applied = [program, "apply", "--environment", "sandbox", "--sandbox-state", "none", "--token-store", "none"]
    ended = subprocess.run(applied, capture_output=True, text=True, cwd=tmp_path, env=ours, timeout=120)
    assert ended.returncode == 0, ended.stderr


def test_the_script_for_windows_checks_before_it_unpacks():
    """By its text alone: no PowerShell runs here."""
    text = (INSTALL / "install.ps1").read_text()
    steps = ["SHA256SUMS", "Get-FileHash", "-ne $expected) { throw", "tar -xzf", "Copy-Item"]
    places = [text.rindex(step) for step in steps]
    assert places == sorted(places)
