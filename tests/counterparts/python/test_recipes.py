"""The recipes of docs/pipelines.md and docs/five-minutes.md are run, and their YAML is held to the schemas of those who
read it."""

import collections
import datetime
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import kubernetes_validate
import pytest
import yaml
from recipes import FIVE_MINUTES, INSTALL, KEY, PAGE, Azure, GitHub, Machine, blocks, under, workflow
from sandbox import CLIENT, FLOWBIND, ROOT

HERE = pathlib.Path(__file__).parent

# Every block of shell, YAML and C#, each of which one of the tests below runs.
RUN = {
    ("Install", "sh"): 1,
    ("GitHub Actions", "yaml"): 4,
    ("Azure DevOps", "yaml"): 3,
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
    assert ended.stdout.splitlines()[-1].startswith("flowbind 0.1.0 (commit ")
    ended = host.shell(script, "-e", **{**host.settings, "FLOWBIND_SHA256": "0" * 64})
    assert ended.returncode != 0, "an archive with another checksum is not unpacked"
    assert PAGE.read_text().count("SHA256SUMS") == 1, "the page names the install once, not in each recipe"


def test_github_actions(tmp_path, sandbox):
    host = machine(GitHub, tmp_path, sandbox)
    secrets = host.secrets()
    caller, release, check, rollback = under("GitHub Actions", "yaml")
    host.stands_in("dotnet", "pac")
    assert host.run(caller, {}, job="import") == 0, host.log
    called = host.calls.read_text()
    assert "pac solution import --path solution.zip --settings-file deploymentSettings.json" in called
    call = workflow(caller)["jobs"]["flow-urls"]
    assert call["uses"] == "./.github/workflows/flow-urls.yml" and f"`{call['uses'][2:]}`" in PAGE.read_text()
    assert set(call["secrets"]) == set(workflow(release)["on"]["workflow_call"]["secrets"]) == set(secrets)
    assert call["permissions"] == workflow(release)["jobs"]["plan"]["permissions"]
    assert host.run(check, secrets) == 2, host.log
    assert host.run(release, secrets, job="plan") == 0, host.log
    assert host.known["steps.plan.outputs.changes-present"] == "true"
    assert host.run(release, secrets, job="apply") == 0, host.log
    assert (host.artifacts / "apply" / "release.journal").exists()
    assert host.agrees(**secrets)
    assert host.run(release, secrets, job="plan") == 0, host.log
    assert host.known["steps.plan.outputs.changes-present"] == "false"
    assert host.run(check, secrets) == 0, host.log
    assert host.run(rollback, secrets, {"run": "42"}) == 0, host.log
    assert not host.agrees(**secrets)


def test_github_actions_without_the_secret_or_with_a_moved_plan(tmp_path, sandbox):
    host = machine(GitHub, tmp_path, sandbox)
    secrets = host.secrets()
    release = under("GitHub Actions", "yaml")[1]
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
    text, check, rollback = under("Azure DevOps", "yaml")
    pipeline = workflow(text)
    variables = [(one["name"], one["value"]) for one in pipeline["variables"] if "name" in one]
    bring, plan, apply = pipeline["stages"]
    assert host.run(workflow(check)["steps"], secrets) == 2, host.log
    assert host.run(bring["jobs"][0]["steps"], secrets, variables) == 0
    assert host.run(plan["jobs"][0]["steps"], secrets, variables) == 0, host.log
    assert host.outputs["plan.flowbindChangesPresent"] == "true"
    assert "['plan.plan.flowbindChangesPresent']" in apply["condition"] and plan["jobs"][0]["job"] == "plan"
    deploy = apply["jobs"][0]["strategy"]["runOnce"]["deploy"]["steps"]
    assert host.run(deploy, secrets, variables) == 0, host.log
    assert host.agrees(**secrets)
    assert host.run(workflow(check)["steps"], secrets) == 0, host.log
    [back] = workflow(rollback)["jobs"]
    assert host.run(back["strategy"]["runOnce"]["deploy"]["steps"], secrets) == 0, host.log
    assert not host.agrees(**secrets)


def test_a_plan_of_friday_can_be_approved_on_monday_and_an_expired_one_is_refused(tmp_path, sandbox):
    host = machine(Machine, tmp_path, sandbox)
    secrets = host.secrets()
    [hours] = set(re.findall(r"--valid-for (\d+)", PAGE.read_text()))
    saved = ["--environment", host.sandbox_url, "--out", "release.plan", "--valid-for", hours]
    assert host.flowbind("plan", *saved, **secrets).returncode == 0
    path = host.work / "release.plan"
    plan = json.loads(path.read_text())
    made, expires = (datetime.datetime.fromisoformat(plan["head"][name]) for name in ("made", "expires"))
    friday, monday = datetime.datetime(2026, 11, 27, 12), datetime.datetime(2026, 11, 30, 18)
    assert expires - made >= monday - friday
    plan["head"]["expires"] = plan["head"]["made"]
    path.write_text(json.dumps(plan))
    late = host.flowbind("apply", "--plan", "release.plan", "--environment", host.sandbox_url, **secrets)
    assert late.returncode == 5 and "plan-expired" in late.stderr, late.stderr
    assert "`plan-expired`" in PAGE.read_text()


def test_five_minutes(tmp_path, sandbox):
    host = machine(Machine, tmp_path, sandbox)
    (host.work / "flowbind.toml").unlink()
    host.path.append(host.installed())
    host.stands_in("az")
    look, register, run, export = (block.text for block in blocks(FIVE_MINUTES) if block.language == "sh")
    [environment] = (block.text for block in blocks(FIVE_MINUTES) if block.language == "toml")
    mine = {"FLOWBIND_TOKEN_STORE": "none", "FLOWBIND_SANDBOX_STATE": "none", "FLOWBIND_YES": "true"}
    assert host.shell(look, "-e", **mine).returncode == 0
    registered = host.shell(register, "-e")
    assert registered.returncode == 0, registered.stderr
    assert registered.stdout.splitlines()[-1] == f'client-id = "{CLIENT}"'
    wanted = [one["id"] for api in json.loads((host.work / "permissions.json").read_text()) for one in api["resourceAccess"]]
    page = (ROOT / "docs" / "sign-in.md").read_text()
    assert len(wanted) == 4 and all(f"`{one}`" in page for one in wanted)
    assert "--is-fallback-public-client true" in host.calls.read_text()
    filled = re.sub(r'client-id = ".*"', f'client-id = "{CLIENT}"', environment)
    with (host.work / "flowbind.toml").open("a") as manifest:
        # A table may stand after the flows.
        manifest.write(filled.replace("https://contoso-test.crm4.dynamics.com", host.sandbox_url))
    ended = host.shell(run, "-e", **mine)
    assert ended.returncode == 0, ended.stderr
    assert host.flowbind("plan", "--detailed-exitcode", "-e", "test", FLOWBIND_TOKEN_STORE="none").returncode == 0
    exported = host.shell(export, "-e")
    assert exported.returncode == 0, exported.stderr
    names = [line.split("=", 1)[0] for line in exported.stdout.split()]
    assert names == ["FLOWBIND_STORE_KEY", "FLOWBIND_REFRESH_TOKEN"], names


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
    """The validator, with a schema that it brings along, some of whose patterns are not those of Unicode."""
    options = ["--regex-variant", "nonunicode", "--builtin-schema", schema]
    command = [sys.executable, "-m", "check_jsonschema", *options, *map(str, files)]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, "NO_COLOR": "1"})


def written(folder, name, text):
    path = folder / name
    path.write_text(text)
    return path


def test_github_takes_the_workflows(tmp_path):
    texts = under("GitHub Actions", "yaml") + under("Power Platform Pipelines", "yaml")
    files = [written(tmp_path, f"{number}.yml", text) for number, text in enumerate(texts)]
    files += sorted((ROOT / ".github" / "workflows").glob("*.yml"))
    assert len(files) == 7
    ended = check_jsonschema("vendor.github-workflows", *files)
    assert ended.returncode == 0, ended.stdout
    broken = written(tmp_path, "broken.yml", texts[0].replace("runs-on:", "run-on:"))
    assert check_jsonschema("vendor.github-workflows", broken).returncode == 1
    ended = check_jsonschema("vendor.github-actions", INSTALL / "action.yml")
    assert ended.returncode == 0, ended.stdout


def test_azure_takes_the_pipelines(tmp_path):
    # The schema knows no task of the marketplace.
    own = [re.sub(r"- task: PowerPlatform\w+@2", "- task: CmdLine@2", text) for text in under("Azure DevOps", "yaml")]
    own = [re.sub(r"( +)authenticationType:(.*\n\1.*)+", r"\1script: pac", text) for text in own]
    texts = own + under("ALM Accelerator", "yaml")
    files = [written(tmp_path, f"{number}.yml", text) for number, text in enumerate(texts)]
    files.append(INSTALL / "azure-pipelines.yml")
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
    for block in blocks() + blocks(FIVE_MINUTES):
        for line in block.text.splitlines():
            if "flowbind " in line:
                assert "$FLOWBIND_STORE_KEY" not in line and "$FLOWBIND_REFRESH_TOKEN" not in line, line
