"""Takes recipes out of docs/pipelines.md and docs/five-minutes.md, and runs their steps as the runners do."""

import io
import os
import pathlib
import platform
import re
import shutil
import subprocess
import tarfile
from collections import namedtuple

import yaml
from sandbox import CLIENT, FLOWBIND, ROOT, environment

PAGE = ROOT / "docs" / "pipelines.md"
FIVE_MINUTES = ROOT / "docs" / "five-minutes.md"
INSTALL = ROOT / "config" / "install"

KEY = "made-up store key of the recipes"

Block = namedtuple("Block", "heading language text")

# The program as an archive holds it: a script that runs the one that is tested.
PROGRAM = """#!/bin/sh
exec '{program}' "$@"
"""


def blocks(page=PAGE):
    """The fenced blocks of a page in their order, each with the heading that it stands under."""
    found, heading, fence = [], "", None
    for line in page.read_text().splitlines():
        if fence is not None:
            if line.strip() == "```":
                found.append(Block(heading, fence[0], "".join(fence[2])))
                fence = None
            else:
                fence[2].append(line[fence[1] :] + "\n")
        elif match := re.match(r"( *)```(\w+)$", line):
            fence = (match[2], len(match[1]), [])
        elif match := re.match(r"#+ (.+)", line):
            heading = match[1]
    return found


def under(heading, language):
    """The texts of the blocks of a language under a heading."""
    return [block.text for block in blocks() if block[:2] == (heading, language)]


# Programs of others, which only keep what they are called with; `az` answers with the id of an application.
STANDS_IN = """#!/bin/sh
printf '%s\\n' "{name} $*" >> "{log}"
case "$*" in *"--query appId"*) echo "{client}" ;; esac
"""


def workflow(text):
    """A workflow as plain values; YAML 1.1 reads `on` as true."""
    return yaml.load(text, Loader=yaml.BaseLoader)


class Machine:
    """A machine of a runner, with a checkout that has a manifest."""

    def __init__(self, folder, sandbox):
        self.sandbox_url = f"http://127.0.0.1:{sandbox.port}"
        self.home, self.work, self.temp = (folder / name for name in ("home", "work", "temp"))
        for path in (self.home, self.work, self.temp, folder / "artifacts"):
            path.mkdir(parents=True)
        self.artifacts = folder / "artifacts"
        self.path = []
        self.manifest()
        shutil.copytree(INSTALL, self.work / ".flowbind")
        release = folder / "release"
        release.mkdir()
        self.archive = self._archive(release)
        self.calls = folder / "calls"
        self.settings = {"FLOWBIND_ENVIRONMENT": self.sandbox_url, "FLOWBIND_RELEASE": release.as_uri()}

    def manifest(self):
        """The example's flows for the sandbox at its address."""
        flows = (ROOT / "config" / "example.toml").read_text()
        flows = flows[flows.index("[[flow]]") :]
        head = f'version = 1\n[environments.prod]\nurl = "{self.sandbox_url}"\nclient-id = "{CLIENT}"\n'
        (self.work / "flowbind.toml").write_text(head + '[policy]\nsigned-urls = "allow"\n' + flows)

    @staticmethod
    def _archive(release):
        """A release with the program for this machine, and its checksums."""
        program = PROGRAM.format(program=pathlib.Path(FLOWBIND).resolve()).encode()
        name = f"flowbind-0.1.0-{platform.machine()}-unknown-linux-musl"
        path = release / f"{name}.tar.gz"
        with tarfile.open(path, "w:gz") as archive:
            entry = tarfile.TarInfo(f"{name}/flowbind")
            entry.size, entry.mode = len(program), 0o755
            archive.addfile(entry, io.BytesIO(program))
        (release / "SHA256SUMS").write_text(f"{_sha256(path)}  {path.name}\n")
        return path

    def stands_in(self, *names):
        """Puts stand-ins for programs of others on the path."""
        folder = self.home / "others"
        folder.mkdir(exist_ok=True)
        for name in names:
            (folder / name).write_text(STANDS_IN.format(name=name, log=self.calls, client=CLIENT))
            (folder / name).chmod(0o755)
        self.path.append(folder)

    def installed(self):
        """A folder with the program, as if somebody had put it on the path."""
        folder = self.home / ".local" / "bin"
        folder.mkdir(parents=True, exist_ok=True)
        with tarfile.open(self.archive) as archive:
            entry = archive.getmembers()[0]
            (folder / "flowbind").write_bytes(archive.extractfile(entry).read())
        (folder / "flowbind").chmod(0o755)
        return folder

    def secrets(self):
        """A sign-in as a person hands it over, and its key."""
        login = ["auth", "login", "--export", "--environment", self.sandbox_url]
        line = self.flowbind(*login, FLOWBIND_STORE_KEY=KEY)
        assert line.returncode == 0, line.stderr
        return {"FLOWBIND_REFRESH_TOKEN": line.stdout.strip(), "FLOWBIND_STORE_KEY": KEY}

    def flowbind(self, *arguments, **variables):
        """Runs the program itself, in the checkout."""
        return subprocess.run(
            [FLOWBIND, *arguments], capture_output=True, text=True, timeout=120, cwd=self.work,
            stdin=subprocess.DEVNULL, env=self.variables(CI="true", **variables),
        )

    def variables(self, **more):
        """What a process of this machine finds in its environment."""
        base = {**environment(), "HOME": str(self.home), "XDG_STATE_HOME": str(self.home / "state")}
        path = os.pathsep.join([*map(str, reversed(self.path)), base["PATH"]])
        return {**base, "PATH": path, **more}

    def shell(self, script, *options, shell="bash", cwd=None, **variables):
        """Runs a script to its end."""
        return subprocess.run(
            [shell, *options, "-c", script], capture_output=True, text=True, timeout=180,
            cwd=cwd or self.work, stdin=subprocess.DEVNULL, env=self.variables(**variables),
        )

    def agrees(self, **variables):
        """Whether everything is as the manifest wants it, as a run of its own finds."""
        ended = self.flowbind("plan", "--detailed-exitcode", "-e", self.sandbox_url, **variables)
        assert ended.returncode in (0, 2), ended.stderr
        return ended.returncode == 0


class GitHub(Machine):
    """GitHub Actions, as far as the recipes use it."""

    def run(self, text, secrets, inputs=None, job=None):
        """Runs the steps of a workflow's job, and gives the exit code of the first that failed."""
        flow = workflow(text)
        self.known = {"github.token": "made-up token"}
        for kind, values in (("vars", self.settings), ("secrets", secrets), ("inputs", inputs or {})):
            self.known |= {f"{kind}.{name}": value for name, value in values.items()}
        steps = flow["jobs"][job or next(iter(flow["jobs"]))]
        shared = {**flow.get("env", {}), **steps.get("env", {})}
        code = 0
        for step in steps["steps"]:
            if code == 0 or step.get("if") == "always()":
                code = self._step(step, shared) or code
        return code

    def _step(self, step, shared):
        if step.get("uses", "").startswith("./"):
            return self._local_action(self.work / step["uses"], step.get("with", {}))
        if "uses" in step:
            return self._action(step["uses"].partition("@")[0], step.get("with", {}))
        files = {name: self.temp / name.lower() for name in ("GITHUB_OUTPUT", "GITHUB_PATH", "GITHUB_STEP_SUMMARY")}
        for path in files.values():
            path.write_text("")
        given = {name: self.resolved(value) for name, value in {**shared, **step.get("env", {})}.items()}
        ours = {name: str(path) for name, path in files.items()}
        ended = self.shell(step["run"], "-e", CI="true", GITHUB_ACTIONS="true", RUNNER_TEMP=str(self.temp), **ours, **given)
        self.log = ended.stdout + ended.stderr
        self.path += files["GITHUB_PATH"].read_text().split()
        for line in files["GITHUB_OUTPUT"].read_text().splitlines():
            name, _, value = line.partition("=")
            self.known[f"steps.{step.get('id')}.outputs.{name}"] = value
        return ended.returncode

    def _local_action(self, folder, given):
        """Runs the steps of a composite action in the checkout."""
        action = workflow((folder / "action.yml").read_text())
        assert set(given) <= set(action["inputs"]), given
        for name, about in action["inputs"].items():
            assert name in given or about.get("required") != "true", name
            self.known[f"inputs.{name}"] = self.resolved(given.get(name, about.get("default", "")))
        shared = {"GITHUB_ACTION_PATH": str(folder)}
        return next(filter(None, (self._step(step, shared) for step in action["runs"]["steps"])), 0)

    def _action(self, name, given):
        if name == "actions/checkout":
            return 0
        if name == "github/codeql-action/upload-sarif":
            assert '"$schema"' in (self.work / given["sarif_file"]).read_text()
            return 0
        folder = self.artifacts / given["name"]
        if name == "actions/upload-artifact":
            folder.mkdir(exist_ok=True)
            there = [self.work / path for path in given["path"].split() if (self.work / path).exists()]
            for path in there:
                shutil.move(path, folder / path.name)
            return 0 if there else 1
        assert name == "actions/download-artifact", name
        if "run-id" in given:
            assert self.resolved(given["run-id"]) and self.resolved(given["github-token"])
        shutil.copytree(folder, self.work, dirs_exist_ok=True)
        return 0

    def resolved(self, text):
        """The text with expressions replaced; an unknown variable is empty, as on GitHub."""

        def value(match):
            name = match[1]
            assert name in self.known or name.startswith("vars."), f"nobody says what {name} is"
            return self.known.get(name, "")

        return re.sub(r"\$\{\{\s*(.+?)\s*\}\}", value, text)


class Azure(Machine):
    """Azure Pipelines, as far as the recipes use it."""

    def run(self, steps, secrets, variables=()):
        """Runs steps, and gives the exit code of the first that failed."""
        self.outputs = {}
        steps = [step for given in steps for step in self._included(given)]
        plain = {**self.settings, **dict(variables)}
        code = 0
        for step in steps:
            if code == 0 or step.get("condition") == "always()":
                code = self._step(step, plain, secrets) or code
        return code

    def _step(self, step, plain, secrets):
        if "bash" in step:
            return self._bash(step, plain, secrets)
        if "publish" in step:
            source = step["publish"].replace("$(Agent.TempDirectory)", str(self.temp))
            return self._publish(self.work / source, self.artifacts / step["artifact"])
        if "download" in step:
            kept = self.artifacts / step["artifact"]
            assert kept.exists()
            if step["download"] != "current":
                shutil.copytree(kept, self.artifacts / step["download"] / step["artifact"])
            return 0
        if "task" in step:
            if step["task"].startswith("PowerPlatform"):
                return 0
            assert step["task"] == "PublishTestResults@2"
            return 0 if (self.work / step["inputs"]["testResultsFiles"]).exists() else 1
        assert step == {"checkout": "self"}, step
        return 0

    def _included(self, step):
        """The steps of a template in the checkout, or the step itself."""
        if "template" not in step:
            return [step]
        text = (self.work / step["template"].removeprefix("/")).read_text()
        return workflow(text)["steps"]

    @staticmethod
    def _publish(source, target):
        if not source.exists():
            return 1
        if source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True)
        else:
            target.mkdir()
            shutil.copy(source, target)
        return 0

    def _bash(self, step, plain, secrets):
        given = {}
        for name, value in step.get("env", {}).items():
            given[name] = re.sub(r"\$\((\w+)\)", lambda match: secrets[match[1]], value)
        ours = {"AGENT_TEMPDIRECTORY": str(self.temp), "PIPELINE_WORKSPACE": str(self.artifacts)}
        ended = self.shell(step["bash"], TF_BUILD="True", **ours, **{**plain, **given})
        self.log = ended.stdout + ended.stderr
        for line in self.log.splitlines():
            if match := re.match(r"##vso\[task\.prependpath\](.+)", line):
                self.path.append(match[1])
            elif match := re.match(r"##vso\[task\.setvariable variable=(\w+);isOutput=true\](.*)", line):
                self.outputs[f"{step.get('name')}.{match[1]}"] = match[2]
        return ended.returncode


def _sha256(path):
    return subprocess.run(["sha256sum", path], capture_output=True, text=True, check=True).stdout.split()[0]
