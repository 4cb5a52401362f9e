"""The recipes of docs/pipelines.md are run, and their YAML is held to the schemas of those who read it."""

import collections
import json
import os
import pathlib
import shutil
import subprocess
import sys

import kubernetes_validate
import pytest
import yaml
from recipes import KEY, PAGE, Azure, GitHub, Machine, blocks, under, workflow
from sandbox import FLOWBIND, ROOT

HERE = pathlib.Path(__file__).parent

# Every block of shell, YAML and C#, each of which one of the tests below runs.
RUN = {
    ("Install", "sh"): 1,
    ("GitHub Actions", "yaml"): 3,
    ("Azure DevOps", "yaml"): 1,
    ("Azure DevOps", "sh"): 1,
    ("Package Deployer", "csharp"): 1,
    ("Power Platform Pipelines", "yaml"): 1,
    ("ALM Accelerator", "yaml"): 1,
    ("Environment refresh", "sh"): 4,
    ("Kubernetes", "sh"): 1,
    ("Kubernetes", "yaml"): 1,
    ("cron", "sh"): 2,
}


def machine(kind, tmp_path, sandbox):
    """A machine of that kind beside the sandbox."""
    return kind(tmp_path / "machine", sandbox)


def test_every_block_is_run():
    kinds = {"sh", "bash", "yaml", "csharp", "powershell"}
    found = collections.Counter(block[:2] for block in blocks() if block.language in kinds)
    assert dict(found) == RUN


def test_every_command_and_option_is_known():
    """What the recipes type is in the help of the program."""
    known = subprocess.run([FLOWBIND, "--help"], capture_output=True, text=True).stdout
    text = "".join(block.text for block in blocks() if block.language in {"sh", "yaml"})
    words = [line.partition("flowbind ")[2].split() for line in text.splitlines() if "flowbind " in line]
    commands = {line[0] for line in words if line and line[0].isalpha() and line[0].islower()}
    for command in ("plan", "apply", "rollback", "check", "lint", "explain", "auth"):
        assert command in commands, command
        assert f"\n  {command} " in known, command


def test_install(tmp_path, sandbox):
    host = machine(Machine, tmp_path, sandbox)
    [script] = under("Install", "sh")
    ended = host.shell(script, "-e", **host.settings)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("flowbind 0.1.0 (commit ")
    ended = host.shell(script, "-e", **{**host.settings, "FLOWBIND_SHA256": "0" * 64})
    assert ended.returncode != 0, "an archive with another checksum is not unpacked"


def test_github_actions(tmp_path, sandbox):
    host = machine(GitHub, tmp_path, sandbox)
    secrets = host.secrets()
    release, check, rollback = under("GitHub Actions", "yaml")
    assert host.run(check, secrets) == 2, host.log
    assert host.run(release, secrets, job="plan") == 0, host.log
    assert host.known["steps.plan.outputs.changes"] == "true"
    assert host.run(release, secrets, job="apply") == 0, host.log
    assert (host.artifacts / "apply" / "release.journal").exists()
    assert host.agrees(**secrets)
    assert host.run(release, secrets, job="plan") == 0, host.log
    assert host.known["steps.plan.outputs.changes"] == "false"
    assert host.run(check, secrets) == 0, host.log
    assert host.run(rollback, secrets, {"run": "42"}) == 0, host.log
    assert not host.agrees(**secrets)


def test_github_actions_without_the_secret_or_with_a_moved_plan(tmp_path, sandbox):
    host = machine(GitHub, tmp_path, sandbox)
    secrets = host.secrets()
    release = under("GitHub Actions", "yaml")[0]
    nobody = {"FLOWBIND_REFRESH_TOKEN": "", "FLOWBIND_STORE_KEY": ""}
    assert host.run(release, nobody, job="plan") == 4, host.log
    assert host.run(release, secrets, job="plan") == 0, host.log
    with (host.work / "flowbind.toml").open("a") as manifest:
        manifest.write("# changed after the review\n")
    assert host.run(release, secrets, job="apply") == 5, host.log
    assert "plan-manifest-changed" in host.log
    assert not host.agrees(**secrets)


def test_azure_devops(tmp_path, sandbox):
    host = machine(Azure, tmp_path, sandbox)
    secrets = host.secrets()
    [text] = under("Azure DevOps", "yaml")
    pipeline = workflow(text)
    variables = [(one["name"], one["value"]) for one in pipeline["variables"] if "name" in one]
    plan, apply = pipeline["stages"]
    assert host.run(plan["jobs"][0]["steps"], secrets, variables) == 0, host.log
    assert host.outputs == {"plan.changes": "true"}
    assert "['plan.plan.changes']" in apply["condition"] and plan["jobs"][0]["job"] == "plan"
    deploy = apply["jobs"][0]["strategy"]["runOnce"]["deploy"]["steps"]
    assert host.run(deploy, secrets, variables) == 0, host.log
    assert host.agrees(**secrets)
    [rollback] = under("Azure DevOps", "sh")
    ended = host.shell(rollback, "-e", TF_BUILD="True", **{**host.settings, **secrets})
    assert ended.returncode == 0, ended.stderr
    assert not host.agrees(**secrets)


def test_package_deployer(tmp_path, sandbox):
    host = machine(Machine, tmp_path, sandbox)
    secrets = host.secrets()
    [code] = under("Package Deployer", "csharp")
    package = tmp_path / "package"
    (package / "PkgAssets").mkdir(parents=True)
    (package / "PackageImportExtension.cs").write_text(code)
    shutil.copy(host.work / "flowbind.toml", package / "PkgAssets")
    mcs = ["mcs", "-langversion:7", "-warnaserror", "-r:System.ComponentModel.Composition.dll", "-out:deploy.exe"]
    built = subprocess.run(
        [*mcs, "PackageImportExtension.cs", HERE / "package-deployer.cs"],
        capture_output=True, text=True, cwd=package,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    host.path.append(host.installed())
    deploy = f"mono {package}/deploy.exe {host.sandbox_url}/XRMServices/2011/Organization.svc/web"
    failed = host.shell(deploy, FLOWBIND_TOKEN_STORE="none")
    assert failed.returncode == 1, failed.stdout + failed.stderr
    assert "Error: flowbind ended with 4" in failed.stdout
    ended = host.shell(deploy, FLOWBIND_TOKEN_STORE="none", **secrets)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "Applied: " in ended.stdout and "sig=" not in ended.stdout
    assert host.agrees(**secrets)


def test_power_platform_pipelines(tmp_path, sandbox):
    host = machine(GitHub, tmp_path, sandbox)
    secrets = host.secrets()
    [text] = under("Power Platform Pipelines", "yaml")
    [body] = under("Power Platform Pipelines", "json")
    assert list(json.loads(body)) == list(workflow(text)["on"]["workflow_dispatch"]["inputs"])
    address = host.settings.pop("FLOWBIND_ENVIRONMENT")
    assert host.run(text, secrets, {"stage": "nobody's"}) != 0
    host.settings["FLOWBIND_ENVIRONMENT"] = address
    shutil.rmtree(host.artifacts / "apply", ignore_errors=True)
    assert host.run(text, secrets, {"stage": "Contoso UAT"}) == 0, host.log
    assert host.agrees(**secrets)


def test_alm_accelerator(tmp_path, sandbox):
    host = machine(Azure, tmp_path, sandbox)
    secrets = host.secrets()
    [text] = under("ALM Accelerator", "yaml")
    assert host.run(workflow(text)["steps"], secrets) == 0, host.log
    assert (host.artifacts / "flow-urls" / "flow-urls.journal").exists()
    assert host.agrees(**secrets)


def test_environment_refresh(tmp_path, sandbox):
    host = machine(Machine, tmp_path, sandbox)
    host.path.append(host.installed())
    look, write, again, back = under("Environment refresh", "sh")
    person = {"FLOWBIND_ENVIRONMENT": host.sandbox_url, "FLOWBIND_TOKEN_STORE": "none"}
    codes = [host.shell(script, "-e", **person).returncode for script in (look, write, again)]
    assert codes == [2, 0, 0]
    assert host.agrees()
    ended = host.shell(back, "-e", **person)
    assert ended.returncode == 0, ended.stderr
    assert not host.agrees()


def test_kubernetes(tmp_path, sandbox):
    """A stand-in for kubectl keeps what it is given; then the job's container is run as a process."""
    host = machine(Machine, tmp_path, sandbox)
    secrets = host.secrets()
    cluster = tmp_path / "cluster"
    cluster.mkdir()
    tools = tmp_path / "tools"
    tools.mkdir()
    shutil.copy(HERE / "kubectl.py", tools / "kubectl")
    (tools / "kubectl").chmod(0o755)
    host.path.append(tools)
    [text], [script] = under("Kubernetes", "yaml"), under("Kubernetes", "sh")
    (host.work / "flow-urls.yaml").write_text(text)
    ended = host.shell(script, "-e", CLUSTER=str(cluster), **secrets)
    assert ended.returncode == 0, ended.stderr
    assert not (host.work / "sign-in.env").exists()
    job = yaml.safe_load((cluster / "Job-flow-urls").read_text())
    [container] = job["spec"]["template"]["spec"]["containers"]
    manifest = (cluster / "ConfigMap-flowbind-manifest").read_text()
    for mount in container["volumeMounts"]:
        (tmp_path / mount["mountPath"].strip("/")).mkdir(parents=True)
    (tmp_path / "etc/flowbind/flowbind.toml").write_text(manifest)
    arguments = [word.replace("=/", f"={tmp_path}/") for word in container["args"]]
    host.path.append(host.installed())
    variables = {one["name"]: one["value"] for one in container["env"]}
    assert variables.pop("FLOWBIND_ENVIRONMENT").startswith("https://contoso.")
    held = (cluster / "Secret-flowbind-sign-in").read_text().splitlines()
    variables |= dict(line.split("=", 1) for line in held)
    ended = subprocess.run(
        ["flowbind", *arguments], capture_output=True, text=True, timeout=120,
        env=host.variables(FLOWBIND_ENVIRONMENT=host.sandbox_url, **variables),
    )
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "work" / "release.journal").exists()
    assert host.agrees(**secrets)


def test_cron(tmp_path, sandbox):
    """With nothing but what cron gives: HOME, SHELL and a short PATH."""
    host = machine(Machine, tmp_path, sandbox)
    host.installed()
    host.path.append(host.home / ".local" / "bin")
    setup, script = under("cron", "sh")
    ended = host.shell(setup, "-e", FLOWBIND_ENVIRONMENT=host.sandbox_url)
    assert ended.returncode == 0, ended.stderr
    for path in (host.home / ".config" / "flowbind").iterdir():
        assert path.stat().st_mode & 0o077 == 0, path
    (host.home / "bin").mkdir()
    (host.home / "bin" / "flow-urls").write_text(script)
    (host.home / "bin" / "flow-urls").chmod(0o755)
    [line] = under("cron", "text")
    command = line.split(maxsplit=5)[5]
    few = {"HOME": str(host.home), "SHELL": "/bin/sh", "PATH": "/usr/bin:/bin"}

    def run():
        return subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, env=few, timeout=120)

    told = run()
    assert told.returncode == 2 and "exit code 2" in told.stdout, told.stdout + told.stderr
    assert told.stderr == ""
    apply = '. "$HOME/.config/flowbind/environment"; flowbind apply --yes'
    ended = host.shell("set -a; " + apply)
    assert ended.returncode == 0, ended.stderr
    quiet = run()
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", "")


def check_jsonschema(schema, *files):
    """The validator, with a schema that it brings along."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *map(str, files)]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, "NO_COLOR": "1"})


def written(folder, name, text):
    path = folder / name
    path.write_text(text)
    return path


def test_github_takes_the_workflows(tmp_path):
    texts = under("GitHub Actions", "yaml") + under("Power Platform Pipelines", "yaml")
    files = [written(tmp_path, f"{number}.yml", text) for number, text in enumerate(texts)]
    files += sorted((ROOT / ".github" / "workflows").glob("*.yml"))
    assert len(files) == 6
    ended = check_jsonschema("vendor.github-workflows", *files)
    assert ended.returncode == 0, ended.stdout
    broken = written(tmp_path, "broken.yml", texts[0].replace("runs-on:", "run-on:"))
    assert check_jsonschema("vendor.github-workflows", broken).returncode == 1


def test_azure_takes_the_pipelines(tmp_path):
    texts = under("Azure DevOps", "yaml") + under("ALM Accelerator", "yaml")
    files = [written(tmp_path, f"{number}.yml", text) for number, text in enumerate(texts)]
    ended = check_jsonschema("vendor.azure-pipelines", *files)
    assert ended.returncode == 0, ended.stdout
    broken = written(tmp_path, "broken.yml", texts[0].replace("deployment: apply", "deploy: apply"))
    assert check_jsonschema("vendor.azure-pipelines", broken).returncode == 1


def test_kubernetes_takes_the_job():
    [text] = under("Kubernetes", "yaml")
    kubernetes_validate.validate(yaml.safe_load(text), "1.34", strict=True)
    broken = yaml.safe_load(text.replace("backoffLimit", "backOffLimit"))
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, "1.34", strict=True)


def test_no_recipe_has_a_secret_in_it_or_hands_one_to_an_argument():
    text = PAGE.read_text()
    assert KEY not in text and "eyJ" not in text and "sig=" not in text
    for block in blocks():
        for line in block.text.splitlines():
            if "flowbind " in line:
                assert "$FLOWBIND_STORE_KEY" not in line and "$FLOWBIND_REFRESH_TOKEN" not in line, line
