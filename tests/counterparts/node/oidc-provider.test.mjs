// oidc-provider, a certified server, as the authority that flowbind signs in at. It sends neither `interval` nor
// `message`, replaces each refresh token by another, and revokes everything when one is used twice.
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { browser, page as opened, picture } from "./lib/browser.mjs";
import { plan } from "./lib/flowbind.mjs";
import { front } from "./lib/front.mjs";
import { APPLICATION, RESOURCES, approve, decline, oidcProvider } from "./lib/oidc-provider.mjs";
import { shared, until } from "./lib/process.mjs";
import { sandbox } from "./lib/sandbox.mjs";

const DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code";

/// The polls that came by, and the refreshes.
const polls = (seen) => seen.tokens.filter(({ fields }) => fields.grant_type === DEVICE_CODE);
const refreshes = (seen) => seen.tokens.filter(({ fields }) => fields.grant_type === "refresh_token");
const claims = (token) => JSON.parse(Buffer.from(token.split(".")[1], "base64url"));

describe("flowbind signs in at oidc-provider", { concurrency: true }, () => {
  const suite = shared();
  let chromium;
  let tenant;
  before(async () => {
    chromium = await browser(suite);
    tenant = await sandbox(suite);
  });

  /// A run that has told its code, with what it told and what the front saw.
  async function begun(test, options = {}, change = (authority) => authority) {
    const authority = await oidcProvider(test, options);
    const { address, seen } = await front(test, options.tenant ?? tenant.origin, change(authority));
    // So many requests at once that none waits with a token that ends meanwhile.
    const run = plan(test, address, APPLICATION, ["--concurrency", "32"]);
    return { authority, seen, run, told: await run.prompt(), page: await opened(test, chromium) };
  }

  it("after somebody approved in a browser, and plans with tokens for both resources", async (test) => {
    const { seen, run, told, page } = await begun(test);
    await until("a poll before the approval", () => polls(seen).length === 1);
    await approve(page, told, (step) => picture(page, `oidc-provider-${step}`));
    const { code, stdout, stderr } = await run.ended;
    assert.equal(code, 0, stderr);
    assert.match(stderr, /Signed in as sandy@foreign\.example\./);
    const changes = JSON.parse(stdout);
    assert.ok(JSON.stringify(changes).includes("contoso_OrderIntakeUrl"));
    assert.equal(polls(seen)[0].body.error, "authorization_pending");
    const granted = seen.tokens.filter(({ status }) => status === 200);
    assert.deepEqual(granted.map(({ resource }) => resource), ["dataverse", "flow"]);
    for (const { resource, body } of granted) {
      assert.equal(claims(body.access_token).aud, RESOURCES[resource].name);
    }
    assert.ok(seen.served.dataverse > 0 && seen.served.flow > 0);
    assert.deepEqual([seen.refused, seen.failures], [[], []]);
  });

  it("with five seconds between its polls, since the server names no interval", async (test) => {
    const { seen, run, told, page } = await begun(test);
    assert.equal(seen.codes[0].body.interval, undefined);
    await until("three polls", () => polls(seen).length === 3, 20_000);
    await approve(page, told);
    assert.equal((await run.ended).code, 0);
    const times = polls(seen).map(({ at }) => at);
    for (const [index, at] of times.slice(1).entries()) {
      const gap = at - times[index];
      assert.ok(gap > 4900 && gap < 8000, `${gap} ms between two polls`);
    }
  });

  it("with a token that it cannot read", async (test) => {
    const { seen, run, told, page } = await begun(test, { format: "opaque" });
    await approve(page, told);
    const { code, stderr } = await run.ended;
    assert.equal(code, 0, stderr);
    const opaque = seen.tokens.filter(({ status }) => status === 200).map(({ body }) => body.access_token);
    assert.ok(opaque.length === 2 && opaque.every((token) => !token.includes(".")));
  });

  it("and never uses a refresh token twice, where each use brings another", async (test) => {
    const slow = await sandbox(test, { args: ["--approve-after", "0", "--latency", "2100"] });
    const { seen, run, told, page } = await begun(test, { tokenLifetime: 4, tenant: slow.origin });
    await approve(page, told);
    const { code, stderr } = await run.ended;
    assert.equal(code, 0, stderr);
    const used = refreshes(seen).map(({ fields }) => fields.refresh_token);
    const brought = seen.tokens.filter(({ status }) => status === 200).map(({ body }) => body.refresh_token);
    assert.ok(used.length >= 3, `${used.length} refreshes`);
    assert.equal(new Set(brought).size, brought.length, "each answer brings another");
    assert.deepEqual(used, brought.slice(0, -1), "each is used once, and the newest always");
  });

  it("not at all when the person declines", async (test) => {
    const { seen, run, told, page } = await begun(test);
    await decline(page, told, (step) => picture(page, `oidc-provider-declining-${step}`));
    const { code, stdout, stderr } = await run.ended;
    assert.equal(code, 4, stderr);
    assert.equal(JSON.parse(stdout).error.message, "the sign-in was declined; nothing was written");
    assert.equal(polls(seen).at(-1).body.error, "access_denied");
    assert.deepEqual(seen.served, { dataverse: 0, flow: 0 });
  });

  it("not at all when the code expires, as its own clock tells", async (test) => {
    // Polls come at 0, 5 and 10 seconds or later, so that none comes near the server's end of the code.
    const { seen, run } = await begun(test, { codeLifetime: 9 });
    const { code, stderr } = await run.ended;
    assert.equal(code, 4, stderr);
    assert.match(stderr, /expired/);
    assert.ok(polls(seen).every(({ body }) => body.error === "authorization_pending"));
  });

  it("not at all when the code expires, as the server tells", async (test) => {
    // The server's code ends sooner than the client was told, as with a clock that runs fast.
    const longer = (authority) => ({
      ...authority,
      deviceCode: async (fields) => {
        const { status, body } = await authority.deviceCode(fields);
        return { status, body: { ...body, expires_in: 600 } };
      },
    });
    const { seen, run } = await begun(test, { codeLifetime: 3 }, longer);
    const { code, stderr } = await run.ended;
    assert.equal(code, 4, stderr);
    assert.match(stderr, /expired/);
    assert.equal(polls(seen).at(-1).body.error, "expired_token");
  });

  it("not at all as an application that the server does not know", async (test) => {
    const authority = await oidcProvider(test);
    const { address, seen } = await front(test, tenant.origin, authority);
    const { code, stderr } = await plan(test, address, "00000000-0000-4000-8000-00000000bad0").ended;
    assert.equal(code, 4, stderr);
    assert.equal(seen.codes[0].body.error, "invalid_client");
    assert.match(stderr, /client authentication failed/);
  });
});
