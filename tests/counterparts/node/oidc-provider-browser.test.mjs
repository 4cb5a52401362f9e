// oidc-provider, a certified server, as the authority where flowbind signs in with a browser of this machine: an
// authorization code with PKCE, which the server insists on, brought back to a port that flowbind has open.
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { browser, page as opened, picture } from "./lib/browser.mjs";
import { plan } from "./lib/flowbind.mjs";
import { front } from "./lib/front.mjs";
import { APPLICATION, approveAt, declineAt, oidcProvider } from "./lib/oidc-provider.mjs";
import { shared } from "./lib/process.mjs";
import { sandbox } from "./lib/sandbox.mjs";

/// The exchanges of a code.
const exchanges = (seen) => seen.tokens.filter(({ fields }) => fields.grant_type === "authorization_code");

describe("flowbind signs in with a browser at oidc-provider", { concurrency: true }, () => {
  const suite = shared();
  let chromium;
  let tenant;
  before(async () => {
    chromium = await browser(suite);
    tenant = await sandbox(suite);
  });

  /// A run that has told its address, and a page of the browser that has not been there yet.
  async function begun(test, change = {}) {
    const authority = await oidcProvider(test);
    const { authorize, token } = authority;
    const changed = {
      ...authority,
      authorize: (fields) => authorize(change.authorize?.(fields) ?? fields),
      token: (fields, ...rest) => token(change.token?.(fields) ?? fields, ...rest),
    };
    const { address, seen } = await front(test, tenant.origin, changed);
    const run = plan(test, address, APPLICATION, ["--browser", "--token-store", "none"]);
    return { authority, seen, run, told: await run.address(), page: await opened(test, chromium) };
  }

  /// Looks at a run that came to nothing: what the browser shows, and that no token reached any service.
  async function failed({ seen, run, page }, name, reason, code = 4) {
    const { code: ended, stdout, stderr } = await run.ended;
    assert.equal(ended, code, stderr);
    assert.equal(await page.getByRole("heading").textContent(), "The sign-in failed");
    await picture(page, `oidc-provider-browser-${name}`);
    const shown = await page.locator("h1 + p").textContent();
    assert.match(shown, reason);
    assert.match(JSON.parse(stdout).error.message, reason);
    assert.deepEqual(seen.served, { dataverse: 0, flow: 0 });
  }

  it("after somebody agreed, and plans with tokens for both resources", async (test) => {
    const { seen, run, told, page } = await begun(test);
    const broken = [];
    page.on("pageerror", (error) => broken.push(String(error)));
    const last = page.waitForResponse((response) => new URL(response.url()).hostname === "localhost");
    await approveAt(page, told, (step) => picture(page, `oidc-provider-browser-${step}`));
    const { code, stdout, stderr } = await run.ended;
    assert.equal(code, 0, stderr);
    assert.match(stderr, /Signed in as sandy@foreign\.example\./);
    assert.ok(stdout.includes("contoso_OrderIntakeUrl"));
    assert.equal((await last).status(), 200);
    assert.equal(await page.getByRole("heading").textContent(), "You are signed in");
    assert.equal(await page.locator("script").count(), 0);
    assert.ok(seen.served.dataverse > 0 && seen.served.flow > 0);
    assert.deepEqual([seen.refused, seen.failures, seen.codes, broken], [[], [], [], []]);
  });

  it("with a challenge by SHA-256, a state and a nonce, each made anew", async (test) => {
    const [one, other] = await Promise.all([begun(test), begun(test)]);
    for (const { page, run, told } of [one, other]) {
      await approveAt(page, told);
      assert.equal((await run.ended).code, 0);
    }
    const asked = [one, other].map(({ seen }) => seen.authorizations[0].fields);
    for (const { code_challenge: challenge, code_challenge_method: method, state, nonce, redirect_uri: uri } of asked) {
      assert.deepEqual([method, challenge.length], ["S256", 43]);
      assert.ok(state.length >= 22 && nonce.length >= 22 && state !== nonce);
      assert.match(uri, /^http:\/\/localhost:\d+\/?$/);
    }
    for (const name of ["code_challenge", "state", "nonce", "redirect_uri"]) {
      assert.notEqual(asked[0][name], asked[1][name], name);
    }
  });

  it("and uses the code once, which would not serve again", async (test) => {
    const { authority, seen, run, told, page } = await begun(test);
    await approveAt(page, told);
    assert.equal((await run.ended).code, 0);
    assert.equal(exchanges(seen).length, 1);
    const again = await authority.token(exchanges(seen)[0].fields, "dataverse");
    assert.equal(again.body.error, "invalid_grant");
  });

  it("and closes its port then, to whoever comes back", async (test) => {
    const { run, told, page } = await begun(test);
    await approveAt(page, told);
    assert.equal((await run.ended).code, 0);
    await assert.rejects(page.goto(page.url()), /ERR_CONNECTION_REFUSED/);
  });

  it("not at all when the person does not agree", async (test) => {
    const sign = await begun(test);
    await declineAt(sign.page, sign.told);
    await failed(sign, "declined", /the sign-in was declined/i);
    assert.equal(exchanges(sign.seen).length, 0);
  });

  it("not with another state, which is turned away and waited on", async (test) => {
    const sign = await begun(test, { authorize: (fields) => ({ ...fields, state: `${fields.state}x` }) });
    await approveAt(sign.page, sign.told);
    assert.match(await sign.page.getByRole("heading").textContent(), /does not belong to this sign-in/);
    await picture(sign.page, "oidc-provider-browser-state");
    assert.equal(exchanges(sign.seen).length, 0, "a code that is not ours is not used");
    assert.deepEqual(sign.seen.served, { dataverse: 0, flow: 0 });
    assert.equal(sign.run.child.exitCode, null, "the right answer may still come");
  });

  it("not at all when the identity token has another nonce", async (test) => {
    const sign = await begun(test, { authorize: (fields) => ({ ...fields, nonce: "made-up-elsewhere" }) });
    await approveAt(sign.page, sign.told);
    await failed(sign, "nonce", /nothing proves that the tokens belong to this sign-in/i);
    assert.equal(exchanges(sign.seen)[0].status, 200);
  });

  it("not at all without a challenge, since the server insists on one", async (test) => {
    const without = ({ code_challenge: _, code_challenge_method: __, ...rest }) => rest;
    const sign = await begun(test, { authorize: without });
    await sign.page.goto(sign.told);
    await failed(sign, "challenge", /requires PKCE/);
  });

  it("not at all with a verifier that does not fit", async (test) => {
    const other = (fields) => (fields.code_verifier ? { ...fields, code_verifier: "x".repeat(43) } : fields);
    const sign = await begun(test, { token: other });
    await approveAt(sign.page, sign.told);
    await failed(sign, "verifier", /refused the sign-in/);
    assert.equal(exchanges(sign.seen)[0].body.error, "invalid_grant");
  });
});
