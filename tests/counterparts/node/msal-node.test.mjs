// Microsoft's msal-node on the sandbox over https. It reads the discovery document, polls with the short name of the
// grant, and will have an id token, a refresh token and `client_info`.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { get } from "node:https";
import { describe, it } from "node:test";
import { cleanEnvironment, start, until } from "./lib/process.mjs";
import { CLIENT, FLOW_SCOPE, TENANT, sandbox } from "./lib/sandbox.mjs";

const claims = (token) => JSON.parse(Buffer.from(token.split(".")[1], "base64url"));
const PENDING = ["--approve-after", "2"];
const MANUAL = [];

/// Runs steps in a process that trusts the sandbox's certificates.
function run(test, { secure, ca }, steps, more = {}) {
  const scenario = JSON.stringify({ secure, scopes: { flow: FLOW_SCOPE }, steps, client: CLIENT, tenant: TENANT, ...more });
  const env = cleanEnvironment({ NODE_EXTRA_CA_CERTS: ca });
  const { said, ended } = start(test, process.execPath, ["lib/msal.mjs", scenario], { env, cwd: import.meta.dirname });
  const results = ended.then(({ code, stdout, stderr }) => {
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout);
  });
  const told = () => until("the code", () => /^\{.*"userCode":.*\}$/m.exec(said.stderr));
  return { results, code: async () => JSON.parse((await told())[0]) };
}

/// Presses a button of the page where codes are entered.
async function decide({ origin }, userCode, decision) {
  const body = new URLSearchParams({ user_code: userCode, decision });
  const answer = await fetch(`${origin}/devicelogin`, { method: "POST", body });
  assert.equal(answer.status, 200);
}

describe("msal-node signs in", { concurrency: true }, () => {
  it("with a code, and has an account and a token for the environment", async (test) => {
    const tenant = await sandbox(test, { tls: true, args: PENDING });
    const { results, code } = run(test, tenant, ["login"]);
    const told = await code();
    assert.equal(told.verificationUri, `${tenant.secure}/devicelogin`);
    assert.equal(told.interval, 1);
    assert.ok(told.message.includes(told.userCode));
    const [{ result, error }] = await results;
    assert.ok(result, error?.text);
    assert.equal(result.account.username, "sandy@contoso.example");
    assert.equal(result.account.tenantId, TENANT);
    assert.equal(result.account.homeAccountId, `92b7d3a4-0c56-4c1f-a1de-6f7b8c9d0e21.${TENANT}`);
    assert.equal(result.tokenType, "Bearer");
    assert.ok(result.scopes.includes(`${tenant.secure}/.default`), String(result.scopes));
    assert.equal(claims(result.accessToken).aud, tenant.secure);
    assert.equal(claims(result.accessToken).appid, CLIENT);
  });

  it("once, and gets every further token without asking again", async (test) => {
    const tenant = await sandbox(test, { tls: true });
    const steps = ["login", "silent", "refresh", "second", "second", "restart", "silent", "refresh"];
    const done = await run(test, tenant, steps).results;
    assert.equal(done.length, steps.length, done.at(-1).error?.text);
    const [login, silent, refreshed, second, again, restarted, afterwards, anew] = done.map(({ result }) => result);
    assert.deepEqual([silent.fromCache, silent.accessToken], [true, login.accessToken]);
    assert.equal(refreshed.fromCache, false);
    assert.notEqual(refreshed.accessToken, login.accessToken);
    assert.equal(claims(second.accessToken).aud, "https://service.flow.microsoft.com/");
    assert.match(claims(second.accessToken).scp, /Flows\.Read\.All/);
    assert.deepEqual([again.fromCache, again.accessToken], [true, second.accessToken]);
    assert.equal(restarted.account.username, "sandy@contoso.example");
    assert.deepEqual([afterwards.fromCache, afterwards.accessToken], [true, refreshed.accessToken]);
    assert.equal(anew.fromCache, false);
    await taken(tenant, anew.accessToken, second.accessToken);
  });

  /// Both services take the tokens, each its own.
  async function taken({ secure, ca }, environment, flow) {
    const status = (path, token) =>
      new Promise((resolve, reject) => {
        const headers = { authorization: `Bearer ${token}` };
        const sent = get(`${secure}${path}`, { ca: readFileSync(ca), headers, agent: false }, (answer) => {
          answer.resume().on("end", () => resolve(answer.statusCode));
        });
        sent.on("error", reject);
      });
    assert.equal(await status("/api/data/v9.2/WhoAmI", environment), 200);
    assert.equal(await status("/api/data/v9.2/WhoAmI", flow), 401);
    const flows = "/providers/Microsoft.ProcessSimple/environments/3d5b2f84-17ce-4e09-9b6a-c80d4f7e21a6/flows";
    assert.equal(await status(`${flows}?api-version=2016-11-01`, flow), 200);
  }

  it("at the directory's domain and at `organizations` as well", async (test) => {
    const tenant = await sandbox(test, { tls: true });
    for (const name of ["contoso.example", "organizations"]) {
      const done = await run(test, tenant, ["login", "silent", "second"], { tenant: name }).results;
      assert.equal(done.at(-1).error, undefined, `${name}: ${done.at(-1).error?.text}`);
      assert.equal(done[0].result.account.tenantId, TENANT);
    }
  });

  it("not when the person declines", async (test) => {
    const tenant = await sandbox(test, { tls: true, args: MANUAL });
    const { results, code } = run(test, tenant, ["login"]);
    await decide(tenant, (await code()).userCode, "decline");
    const [{ error }] = await results;
    assert.match(error.text, /authorization_declined/);
  });

  it("not when the code expires", async (test) => {
    const replace = [["expires-in = 900", "expires-in = 2"]];
    const tenant = await sandbox(test, { tls: true, args: MANUAL, replace });
    const [{ error }] = await run(test, tenant, ["login"]).results;
    assert.match(error.text, /expired/);
  });

  it("not as an application that the directory does not have", async (test) => {
    const tenant = await sandbox(test, { tls: true });
    const client = "00000000-0000-4000-8000-00000000bad0";
    const [{ error }] = await run(test, tenant, ["login"], { client }).results;
    assert.ok(error, "was not refused");
  });

  it("and knows from a refused refresh that the person has to be asked", async (test) => {
    for (const [reason, subError] of [["consent-required", "consent_required"], ["second-factor", "basic_action"]]) {
      const refusal = `[[refresh-refusal]]\nresource = "flow"\nreason = "${reason}"\n`;
      const tenant = await sandbox(test, { tls: true, replace: [["[environment]", `${refusal}\n[environment]`]] });
      const done = await run(test, tenant, ["login", "refresh", "second"]).results;
      assert.equal(done.length, 3, done.at(-1).error?.text);
      const { error } = done[2];
      assert.equal(error.name, "InteractionRequiredAuthError");
      assert.deepEqual([error.errorCode, error.subError], ["invalid_grant", subError]);
      assert.match(error.correlationId, /^[0-9a-f-]{36}$/);
    }
  });
});
