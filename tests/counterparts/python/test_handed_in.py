"""MSAL for Python signs in at the sandbox, and flowbind goes on with what it was given."""

import json
import sys

import msal
import pytest
from kept import Runs, assert_planned, assert_refused
from sandbox import CLIENT, FLOW_SCOPE, tenant_file
from test_msal import application, dataverse, sign_in

# Prints a token for a resource out of the library's cache, as a team's own script would.
SCRIPT = """
import json, os, pathlib, sys
import msal

client, authority, kept, resource = sys.argv[1:]
cache = msal.SerializableTokenCache()
cache.deserialize(pathlib.Path(kept).read_text())
app = msal.PublicClientApplication(
    client, authority=authority, instance_discovery=False, token_cache=cache
)
[account] = app.get_accounts()
result = app.acquire_token_silent([resource + "/.default"], account)
names = ("FLOWBIND_RESOURCE", "FLOWBIND_AUDIENCE")
with open(kept + ".asked", "a") as asked:
    print(json.dumps([resource, *(os.environ[name] for name in names)]), file=asked)
print(FORM)
"""
FORMS = {
    "bare": "result['access_token']",
    "oauth": "json.dumps({name: result[name] for name in ('access_token', 'expires_in')})",
}


@pytest.fixture
def cache():
    return msal.SerializableTokenCache()


@pytest.fixture
def app(sandbox, cache):
    """The library with a person who has signed in."""
    app = application(sandbox, cache=cache)
    sign_in(app, dataverse(sandbox))
    return app


@pytest.fixture
def runs(sandbox):
    """Runs that nobody is asked in, with no store."""
    return Runs(sandbox, "--token-store", "none")


def refresh_token(cache):
    """The refresh token that the library keeps."""
    [found] = json.loads(cache.serialize())["RefreshToken"].values()
    return found["secret"]


def tokens(sandbox, app):
    """An access token for each service, as the variables that take them."""
    [account] = app.get_accounts()
    scopes = {"DATAVERSE": dataverse(sandbox), "FLOW": FLOW_SCOPE}
    return {
        f"FLOWBIND_{name}_TOKEN": app.acquire_token_silent([scope], account)["access_token"]
        for name, scope in scopes.items()
    }


def test_a_refresh_token_of_msal_in_a_variable(runs, app, cache):
    assert_planned(runs.silent(variables={"FLOWBIND_REFRESH_TOKEN": refresh_token(cache)}))


def test_a_refresh_token_of_msal_on_standard_input(runs, app, cache):
    text = f"{refresh_token(cache)}\r\nanother line\n"
    assert_planned(runs.silent("--refresh-token-stdin", text=text))


def test_a_refresh_token_serves_msal_still_after_flowbind_used_it(runs, app, cache):
    assert_planned(runs.silent(variables={"FLOWBIND_REFRESH_TOKEN": refresh_token(cache)}))
    [account] = app.get_accounts()
    assert "access_token" in app.acquire_token_silent([FLOW_SCOPE], account, force_refresh=True)


def test_access_tokens_of_msal_in_variables(runs, sandbox, app):
    assert_planned(runs.silent(variables=tokens(sandbox, app)))


def test_one_access_token_alone_leaves_the_other_to_be_signed_in_for(runs, sandbox, app):
    given = tokens(sandbox, app)
    del given["FLOWBIND_FLOW_TOKEN"]
    assert_refused(runs.silent(variables=given), 4, "a person has to sign in", "flowbind auth login")


def test_access_tokens_that_are_swapped_are_refused(runs, sandbox, app):
    given = tokens(sandbox, app)
    swapped = dict(zip(given, reversed(given.values()), strict=True))
    ended = runs.silent(variables=swapped)
    assert_refused(ended, 4, "FLOWBIND_DATAVERSE_TOKEN", "https://service.flow.microsoft.com/")
    assert not any(token in ended.stdout + ended.stderr for token in given.values())


def test_an_access_token_of_msal_as_an_application_is_refused_for_the_flow_service(runs, sandbox, app):
    alone = msal.ConfidentialClientApplication(
        "00000000-0000-4000-8000-0000000a9990",
        client_credential="made-up-for-the-sandbox",
        authority=sandbox.authority,
        instance_discovery=False,
    )
    given = tokens(sandbox, app)
    given["FLOWBIND_FLOW_TOKEN"] = alone.acquire_token_for_client([FLOW_SCOPE])["access_token"]
    ended = runs.silent(variables=given)
    assert_refused(ended, 4, "FLOWBIND_FLOW_TOKEN", "belongs to an application, not to a person")


def command(folder, sandbox, cache, form):
    """A command that fetches tokens by the library, which has a refresh token and no other."""
    script = folder / "fetch token.py"
    script.write_text(SCRIPT.replace("FORM", FORMS[form]))
    kept = folder / "cache.json"
    kept.write_text(json.dumps(json.loads(cache.serialize()) | {"AccessToken": {}}))
    words = [sys.executable, str(script), CLIENT, sandbox.authority, str(kept)]
    return " ".join(f"'{word}'" for word in words) + " {resource}", kept


@pytest.mark.parametrize("form", FORMS)
def test_a_command_that_uses_msal_gives_tokens(runs, sandbox, app, cache, tmp_path, form):
    fetch, kept = command(tmp_path, sandbox, cache, form)
    assert_planned(runs.silent("--token-command", fetch))
    asked = [json.loads(line) for line in kept.with_name("cache.json.asked").read_text().splitlines()]
    flow = "https://service.flow.microsoft.com/"
    # Both are asked for at once, in whatever order.
    assert sorted(asked) == [[sandbox.url, sandbox.url, "dataverse"], [flow, flow, "flow"]]


def test_a_command_for_one_service_goes_with_a_refresh_token_for_the_other(
    runs, sandbox, app, cache, tmp_path
):
    fetch, kept = command(tmp_path, sandbox, cache, "bare")
    given = {"FLOWBIND_REFRESH_TOKEN": refresh_token(cache)}
    assert_planned(runs.silent("--token-command", f"flow:{fetch}", variables=given))
    assert len(kept.with_name("cache.json.asked").read_text().splitlines()) == 1


def test_a_command_whose_sign_in_is_over_is_told_with_its_last_words(
    runs, start, tmp_path, cache
):
    refusal = '[[refresh-refusal]]\nresource = "flow"\nreason = "revoked"'
    sandbox = start(tenant=tenant_file(tmp_path, (None, refusal)))
    sign_in(application(sandbox, cache=cache), dataverse(sandbox))
    fetch, _ = command(tmp_path, sandbox, cache, "bare")
    ended = Runs(sandbox, "--token-store", "none").silent("--token-command", fetch)
    assert_refused(ended, 4, "ended with exit status: 1: TypeError")
