// One sign-in for many runs, at servers written elsewhere: kept in a store that many runs use at once, or handed in.
// oidc-provider takes each refresh token once and revokes everything when one is used twice, so each use of a store
// that is not in turn shows. Glewlwyd answers a refresh without a refresh token, so the kept one has to stay.
import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { browser, page as opened } from "./lib/browser.mjs";
import { EXAMPLE, flowbind, plan } from "./lib/flowbind.mjs";
import { front } from "./lib/front.mjs";
import * as glewlwyd from "./lib/glewlwyd.mjs";
import * as oidc from "./lib/oidc-provider.mjs";
import { folder, shared } from "./lib/process.mjs";
import { sandbox } from "./lib/sandbox.mjs";

/// How many runs are started at once.
const MANY = 10;

const PASSPHRASE = "made up for the test";
const STORES = { plain: {}, file: { FLOWBIND_STORE_KEY: PASSPHRASE } };

/// The refreshes that came by, and the refresh tokens that came with answers.
const refreshes = (seen) => seen.tokens.filter(({ fields }) => fields.grant_type === "refresh_token");
const brought = (seen) => seen.tokens.map(({ body }) => body.refresh_token).filter(Boolean);

describe("a sign-in of another server serves many runs", { concurrency: true }, () => {
  const suite = shared();
  let chromium;
  let tenant;
  before(async () => {
    chromium = await browser(suite);
    tenant = await sandbox(suite);
  });

  /// What differs between the servers: the application, and how the person approves.
  const servers = {
    "oidc-provider": async (test) => {
      const authority = await oidc.oidcProvider(test);
      const approve = async (told) => oidc.approve(await opened(test, chromium), told);
      return { authority, application: oidc.APPLICATION, approve };
    },
    glewlwyd: async (test) => {
      const authority = await glewlwyd.glewlwyd(test);
      return { authority, application: glewlwyd.APPLICATION, approve: (told) => authority.approve(told) };
    },
  };

  /// Signs in once with that command line, and tells what came of it.
  async function signedIn(test, server, more, env = {}) {
    const { authority, application, approve } = await servers[server](test);
    const { address, seen } = await front(test, tenant.origin, authority);
    const args = ["auth", "login", "-e", address, "--client-id", application, ...more];
    const login = flowbind(test, args, { env });
    await approve(await login.prompt());
    const { code, stdout, stderr } = await login.ended;
    assert.equal(code, 0, stderr);
    const silent = (args = [], options = {}) =>
      plan(test, address, application, ["--non-interactive", ...args], options).ended;
    return { authority, address, seen, stdout, stderr, silent };
  }

  /// Signs in once, and keeps it in a file of that kind.
  async function kept(test, server, kind) {
    const file = join(folder(test), "sign-ins");
    const store = ["--token-store", `${kind}:${file}`];
    const login = await signedIn(test, server, store, STORES[kind]);
    assert.ok(login.stderr.includes(`Stored the sign-in in ${file}.`), login.stderr);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    return { ...login, file, again: () => login.silent(store, { env: STORES[kind] }) };
  }

  /// Starts many runs at once, and waits until all have planned.
  async function allPlan(again) {
    const ended = await Promise.all(Array.from({ length: MANY }, again));
    for (const { code, stdout, stderr } of ended) {
      assert.equal(code, 0, stderr);
      assert.ok(stdout.includes("contoso_OrderIntakeUrl"));
      assert.match(stderr, /^Signed in/m);
    }
  }

  for (const kind of Object.keys(STORES)) {
    it(`of oidc-provider, from \`${kind}\`, each refresh token used once`, async (test) => {
      const { authority, seen, again } = await kept(test, "oidc-provider", kind);
      await allPlan(again);
      const used = refreshes(seen).map(({ fields }) => fields.refresh_token);
      assert.equal(used.length, 1 + 2 * MANY, "one at the login, and two in each run");
      assert.deepEqual(used, brought(seen).slice(0, -1), "each is used once, and the newest always");
      assert.ok(seen.tokens.every(({ status, body }) => status === 200 || body.error === "authorization_pending"));
      assert.equal((await again()).code, 0, "and one more run");
      assert.deepEqual([seen.refused, seen.failures, seen.codes.length], [[], [], 1]);

      // So that it shows that the server would have minded.
      const twice = await authority.token(refreshes(seen)[0].fields, "dataverse");
      assert.equal(twice.body.error, "invalid_grant");
      const { code, stdout, stderr } = await again();
      assert.equal(code, 4, stderr);
      assert.match(JSON.stringify(JSON.parse(stdout).error), /flowbind auth login/);
    });

    it(`of glewlwyd, from \`${kind}\`, whose refresh token stays`, async (test) => {
      const { seen, again } = await kept(test, "glewlwyd", kind);
      await allPlan(again);
      assert.equal((await again()).code, 0, "and one more run");
      const [first, ...others] = brought(seen);
      assert.deepEqual(others, [], "a refresh brings none");
      assert.equal(refreshes(seen).length, 1 + 2 * MANY + 2);
      for (const { status, fields } of refreshes(seen)) {
        assert.deepEqual([status, fields.refresh_token], [200, first]);
      }
      assert.deepEqual([seen.refused, seen.failures, seen.codes.length], [[], [], 1]);
    });
  }

  it("as a bare refresh token in a variable, which a second run finds used up", async (test) => {
    const { seen, silent } = await signedIn(test, "oidc-provider", ["--export"], STORES.file);
    const env = { FLOWBIND_REFRESH_TOKEN: brought(seen).at(-1) };
    const first = await silent([], { env });
    assert.equal(first.code, 0, first.stderr);
    const second = await silent([], { env });
    assert.equal(second.code, 4, second.stderr);
    assert.equal(seen.tokens.at(-1).body.error, "invalid_grant");
    assert.ok(![second.stdout, second.stderr].join().includes(env.FLOWBIND_REFRESH_TOKEN));
  });

  it("as a bare refresh token on standard input", async (test) => {
    const { seen, silent } = await signedIn(test, "oidc-provider", ["--export"], STORES.file);
    const input = `${brought(seen).at(-1)}\n`;
    const { code, stderr } = await silent(["--refresh-token-stdin"], { input });
    assert.equal(code, 0, stderr);
  });

  it("as the line that `auth login --export` prints, in a variable and on standard input", async (test) => {
    const { address, seen, stdout, stderr } = await signedIn(test, "glewlwyd", ["--export"], STORES.file);
    const [token] = brought(seen);
    assert.match(stdout, /^[A-Za-z0-9+/=]+\n$/, "one line, and nothing else");
    assert.ok(!`${stdout}${stderr}`.includes(token));
    const variable = { env: { ...STORES.file, FLOWBIND_REFRESH_TOKEN: stdout } };
    const stdin = { env: STORES.file, input: stdout };
    // The line tells the application, so nobody else has to.
    const line = (more, options) =>
      flowbind(test, ["plan", "-m", EXAMPLE, "-e", address, "--non-interactive", ...more], options).ended;
    for (const { code, stderr: told } of [await line([], variable), await line(["--refresh-token-stdin"], stdin)]) {
      assert.equal(code, 0, told);
      assert.match(told, /^Signed in/m);
    }
    const { code, stderr: told } = await line([], { env: { FLOWBIND_REFRESH_TOKEN: stdout } });
    assert.equal(code, 3, told);
    assert.match(told, /FLOWBIND_STORE_KEY/);
  });
});
