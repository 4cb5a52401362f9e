"""Sign-ins of flowbind at a served sandbox, kept in a store or handed in."""

import json

from sandbox import CLIENT, ROOT, flowbind


class Runs:
    """Runs of the program against one sandbox, all with the same store and the same variables."""

    def __init__(self, sandbox, *arguments, **variables):
        self.sandbox = sandbox
        self.arguments = arguments
        self.variables = variables

    def login(self, *arguments):
        """Signs in, and keeps it; the person approves at once."""
        where = ["--environment", self.sandbox.url, "--client-id", CLIENT]
        return self._run("auth", "login", *where, *arguments)

    def plan(self, *arguments, **options):
        """Plans for the sandbox."""
        manifest = ["--manifest", str(ROOT / "config" / "example.toml"), "--format", "json"]
        where = ["--environment", self.sandbox.url, "--client-id", CLIENT]
        return self._run("plan", *manifest, *where, *arguments, **options)

    def silent(self, *arguments, **options):
        """Plans without asking anybody."""
        return self.plan("--non-interactive", *arguments, **options)

    def status(self):
        """Tells who is signed in."""
        return self._run("auth", "status")

    def logout(self):
        """Forgets all sign-ins."""
        return self._run("auth", "logout")

    def _run(self, *arguments, **options):
        options.setdefault("variables", {})
        options["variables"] = {**self.variables, **options["variables"]}
        return flowbind(*arguments, *self.arguments, ca=self._ca(arguments), **options)

    def _ca(self, arguments):
        return self.sandbox.ca if "--environment" in arguments else None


def assert_planned(ended, user="sandy@contoso.example"):
    """The run planned, as that person."""
    assert ended.returncode == 0, ended.stderr
    assert "contoso_OrderIntakeUrl" in json.dumps(json.loads(ended.stdout))
    assert f"Signed in as {user}." in ended.stderr


def assert_refused(ended, code, *words):
    """The run failed with that exit code, and said those words."""
    assert ended.returncode == code, ended.stdout + ended.stderr
    for word in words:
        assert word in ended.stdout + ended.stderr
