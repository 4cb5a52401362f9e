"""jsonschema, written elsewhere, takes by `flowbind schema` what the program takes, and refuses what it refuses."""

import json
import tomllib

import jsonschema
import pytest
from recipes import blocks
from sandbox import ROOT, flowbind

FLOW = '[[flow]]\nworkflow-id = "a09e4a0d-3a1c-f011-998a-7c1e5275cfe9"\n'
VARIABLE = '[[flow.target]]\nenvironment-variable = "contoso_Url"\n'
RECORD = '[[flow.target]]\ntable = "contoso_endpoint"\ncolumn = "contoso_url"\n'
KEY = 'key = { contoso_name = "orders", contoso_number = 7, contoso_on = true }\n'
PROD = '[environments.prod]\nurl = "https://contoso.crm4.dynamics.com"\n'
IDENTITY = PROD + '[environments.prod.dataverse-identity]\nclient-id = "5b1c7f0d-2b2e-4011-998a-7c1e5275cfe9"\n'
HEAD = "version = 1\n"

GOOD = {
    "least": HEAD + FLOW + VARIABLE,
    "an id in capitals and braces": HEAD + FLOW.replace("a09e4a0d", "{A09E4A0D").replace('cfe9"', 'CFE9}"') + VARIABLE,
    "a pointer": HEAD + FLOW + VARIABLE + 'json-pointer = "/a~1b/0"\n',
    "a key": HEAD + FLOW + RECORD + KEY + 'missing = "create"\n',
    "an id": HEAD + FLOW + RECORD + 'id = "5b1c7f0d-2b2e-4011-998a-7c1e5275cfe9"\n',
    "every key of an environment": HEAD + PROD + 'cloud = "public"\nclient-id = "5b1c7f0d-2b2e-4011-998a-7c1e5275cfe9"\n'
    'tenant = "contoso.onmicrosoft.com"\nenvironment-id = "Default-5b1c7f0d-2b2e-4011-998a-7c1e5275cfe9"\n'
    'flow-api = "environment"\n' + FLOW + VARIABLE,
    "federation": HEAD + IDENTITY + 'federation = "github"\n' + FLOW + VARIABLE,
    "a service connection": HEAD + IDENTITY + 'federation = "azure-devops"\n'
    'service-connection = "5b1c7f0d-2b2e-4011-998a-7c1e5275cfe9"\n' + FLOW + VARIABLE,
    "a certificate": HEAD + IDENTITY + 'certificate-variable = "FLOWBIND_DATAVERSE_CERTIFICATE"\n' + FLOW + VARIABLE,
}

BAD = {
    "no version": FLOW + VARIABLE,
    "another version": "version = 2\n" + FLOW + VARIABLE,
    "no flow": HEAD,
    "a key of another spelling": HEAD + FLOW.replace("workflow-id", "workflowId") + VARIABLE,
    "no target": HEAD + FLOW,
    "an id that is none": HEAD + FLOW.replace("cfe9", "cfe") + VARIABLE,
    "a number for a text": HEAD + FLOW + VARIABLE.replace('"contoso_Url"', "7"),
    "two places": HEAD + FLOW + VARIABLE + 'table = "contoso_endpoint"\n',
    "no place": HEAD + FLOW + '[[flow.target]]\njson-pointer = "/a"\n',
    "a pointer without its slash": HEAD + FLOW + VARIABLE + 'json-pointer = "a"\n',
    "a record without a key": HEAD + FLOW + RECORD,
    "a key and an id": HEAD + FLOW + RECORD + KEY + 'id = "5b1c7f0d-2b2e-4011-998a-7c1e5275cfe9"\n',
    "an empty key": HEAD + FLOW + RECORD + "key = {}\n",
    "a key of a list": HEAD + FLOW + RECORD + "key = { contoso_name = [1] }\n",
    "a word that is no choice": HEAD + FLOW + RECORD + KEY + 'missing = "make"\n',
    "a policy of another word": HEAD + '[policy]\nsigned-urls = "yes"\n' + FLOW + VARIABLE,
    "an environment nowhere": HEAD + '[environments.prod]\ncloud = "public"\n' + FLOW + VARIABLE,
    "an environment at two places": HEAD + PROD + "sandbox = true\n" + FLOW + VARIABLE,
    "a sandbox that is none": HEAD + "[environments.prod]\nsandbox = false\n" + FLOW + VARIABLE,
    "an identity without a proof": HEAD + IDENTITY + FLOW + VARIABLE,
    "an identity with two": HEAD + IDENTITY + 'federation = "github"\nclient-secret-variable = "SECRET"\n' + FLOW + VARIABLE,
    "a secret in the place of its variable": HEAD + IDENTITY + 'client-secret-variable = "made-up~secret"\n' + FLOW + VARIABLE,
    "another runner": HEAD + IDENTITY + 'federation = "gitlab"\n' + FLOW + VARIABLE,
}


@pytest.fixture(scope="module")
def validator():
    schema = json.loads(flowbind("schema").stdout)
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


def lint(folder, text):
    """The exit code of the program's own check."""
    path = folder / "flowbind.toml"
    path.write_text(text)
    return flowbind("lint", "--manifest", str(path)).returncode


@pytest.mark.parametrize("name", GOOD)
def test_good(name, validator, tmp_path):
    assert lint(tmp_path, GOOD[name]) == 0
    assert [error.message for error in validator.iter_errors(tomllib.loads(GOOD[name]))] == []


@pytest.mark.parametrize("name", BAD)
def test_bad(name, validator, tmp_path):
    assert lint(tmp_path, BAD[name]) == 3
    assert not validator.is_valid(tomllib.loads(BAD[name]))


@pytest.mark.parametrize("name", ["example.toml", "starter.toml"])
def test_shipped(name, validator, tmp_path):
    text = (ROOT / "config" / name).read_text()
    assert lint(tmp_path, text) == 0
    validator.validate(tomllib.loads(text))


def test_documented(validator, tmp_path):
    """Every whole manifest of the pages is one."""
    pages = [path for path in (ROOT / "docs").glob("*.md")] + [ROOT / "README.md"]
    whole = [block.text for page in pages for block in blocks(page) if block.language == "toml" and "[[flow]]" in block.text]
    assert len(whole) >= 2
    for text in whole:
        assert lint(tmp_path, text) == 0, text
        validator.validate(tomllib.loads(text))
