"""JUnit reports, held against the schema by which Jenkins reads them, and read by another parser.

The schema (https://github.com/jenkinsci/xunit-plugin, `junit-10.xsd`) comes with the source of a package that tests
its own reports with it.
"""

import os
import pathlib

import junitparser
import pytest
import xmlschema
from sandbox import ROOT, flowbind

EXAMPLE = (ROOT / "config" / "example.toml").read_text()
HOSTILE = "</testcase> & \\\"<b>\\\" ]]>"


@pytest.fixture(scope="module")
def schema():
    """The newest of the schemas that came along."""
    found = pathlib.Path(os.environ["COUNTERPARTS_SCHEMAS"]).rglob("junit-10.xsd")
    return [xmlschema.XMLSchema(str(path)) for path in sorted(found)]


@pytest.fixture
def report(tmp_path):
    """Runs a command on a manifest and reads its report, which every schema must accept."""

    def run(command, manifest, code, *more):
        path = tmp_path / "manifest.toml"
        path.write_text(manifest)
        written = tmp_path / "report.xml"
        state = ("--sandbox-state", str(tmp_path / "state.json"))
        ended = flowbind(command, "-m", str(path), "--report", str(written), *state, *more)
        assert ended.returncode == code, ended.stderr
        return written

    return run


def cases(written):
    """Every case of a report with the kind of its result."""
    suites = junitparser.JUnitXml.fromfile(str(written))
    kinds = {
        (case.classname, case.name): [type(result).__name__ for result in case.result]
        for suite in suites
        for case in suite
    }
    counted = [list(kinds.values()).count([kind]) for kind in ("Failure", "Error", "Skipped")]
    for suite in suites:
        assert [suite.failures, suite.errors, suite.skipped] == counted
        assert suite.tests == len(kinds)
    return kinds


def valid(schema, written):
    """Every version of the schema accepts the report."""
    assert schema, "there is a schema"
    for one in schema:
        one.validate(str(written))


def test_each_binding_is_a_case(schema, report):
    hostile = EXAMPLE.replace('name = "Order intake"', f'name = "{HOSTILE}"')
    written = report("plan", hostile, 0, "-e", "sandbox")
    valid(schema, written)
    found = cases(written)
    assert len(found) == 7 and set(map(tuple, found.values())) == {("Skipped",)}
    assert ("flowbind.environment-variable", "environment-variable/contoso_OrderIntakeUrl") in found
    told = [case.system_out for suite in junitparser.JUnitXml.fromfile(str(written)) for case in suite]
    name = HOSTILE.replace('\\"', '"')
    assert any(text.startswith(f"flow: {name}\n") for text in told)
    written = report("apply", EXAMPLE, 0, "-e", "sandbox")
    valid(schema, written)
    assert set(map(tuple, cases(written).values())) == {()}


def test_a_problem_is_a_failure(schema, report):
    missing = EXAMPLE.replace("contoso_StockUrl", "contoso_Missing")
    written = report("plan", missing, 5, "-e", "sandbox")
    valid(schema, written)
    failed = [name for (_, name), kinds in cases(written).items() if kinds == ["Failure"]]
    assert failed == ["environment-variable/contoso_Missing"]


def test_what_ends_a_run_early_is_an_error(schema, report):
    written = report("plan", "version = 1\n[environmentz.x]\n", 3)
    valid(schema, written)
    found = cases(written)
    assert found[("flowbind.run", "flowbind plan")] == ["Error"]
    assert ["Failure"] in found.values()


def test_the_schema_can_tell(schema, tmp_path):
    wrong = tmp_path / "wrong.xml"
    wrong.write_text('<testsuites><testcase name="x"/></testsuites>')
    for one in schema:
        assert not one.is_valid(str(wrong))
