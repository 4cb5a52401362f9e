// Glewlwyd as the authority that flowbind signs in at. It names an interval and enforces it with `slow_down`, writes
// `bearer` in lower case, and answers a refresh without a refresh token.
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { plan } from "./lib/flowbind.mjs";
import { front } from "./lib/front.mjs";
import { APPLICATION, glewlwyd } from "./lib/glewlwyd.mjs";
import { shared, until } from "./lib/process.mjs";
import { sandbox } from "./lib/sandbox.mjs";

const polls = (seen) => seen.tokens.filter(({ fields }) => fields.grant_type !== "refresh_token");
const refreshes = (seen) => seen.tokens.filter(({ fields }) => fields.grant_type === "refresh_token");

/// The seconds between polls, and whether they are the ones that were due: never sooner, and later only by what a busy
/// machine takes, which is less than the five seconds of a `slow_down`.
const due = (gap, wanted) => gap > wanted - 0.1 && gap < wanted + 3;
const gaps = (seen) => polls(seen).slice(1).map(({ at }, index) => (at - polls(seen)[index].at) / 1000);

/// The authority with something else in its answers to a request for a code.
const announcing = (authority, more) => ({
  ...authority,
  deviceCode: async (fields) => {
    const { status, body } = await authority.deviceCode(fields);
    return { status, body: { ...body, ...more } };
  },
});

describe("flowbind signs in at glewlwyd", { concurrency: true }, () => {
  const suite = shared();
  let tenant;
  before(async () => (tenant = await sandbox(suite)));

  /// A run that has told its code.
  async function begun(test, options = {}, more = {}) {
    const authority = await glewlwyd(test, options);
    const { address, seen } = await front(test, options.tenant ?? tenant.origin, announcing(authority, more));
    // So many requests at once that none waits with a token that ends meanwhile.
    const run = plan(test, address, APPLICATION, ["--concurrency", "32"]);
    return { authority, seen, run, told: await run.prompt() };
  }

  it("after the approval, at the interval that it names, and plans", async (test) => {
    const { authority, seen, run, told } = await begun(test, { interval: 2 });
    await until("a second poll", () => polls(seen).length === 2);
    await authority.approve(told);
    const { code, stdout, stderr } = await run.ended;
    assert.equal(code, 0, stderr);
    assert.ok(stdout.includes("contoso_OrderIntakeUrl"));
    assert.equal(seen.codes[0].body.interval, 2);
    assert.ok(polls(seen).slice(0, -1).every(({ body }) => body.error === "authorization_pending"));
    assert.ok(gaps(seen).every((gap) => due(gap, 2)), String(gaps(seen)));
    assert.deepEqual([seen.refused, seen.failures], [[], []]);
    assert.ok(seen.served.dataverse > 0 && seen.served.flow > 0);
  });

  it("and takes `bearer` in lower case", async (test) => {
    const { authority, seen, run, told } = await begun(test);
    await authority.approve(told);
    assert.equal((await run.ended).code, 0);
    const granted = seen.tokens.filter(({ status }) => status === 200);
    assert.deepEqual(granted.map(({ body }) => body.token_type), ["bearer", "bearer"]);
  });

  it("and keeps its refresh token when a refresh brings none", async (test) => {
    const slow = await sandbox(test, { args: ["--approve-after", "0", "--latency", "2100"] });
    const { authority, seen, run, told } = await begun(test, { tokenLifetime: 4, tenant: slow.origin });
    await authority.approve(told);
    const { code, stderr } = await run.ended;
    assert.equal(code, 0, stderr);
    const first = polls(seen).at(-1).body.refresh_token;
    assert.ok(first && refreshes(seen).length >= 3, `${refreshes(seen).length} refreshes`);
    for (const { status, fields, body } of refreshes(seen)) {
      assert.deepEqual([status, fields.refresh_token, "refresh_token" in body], [200, first, false]);
    }
    assert.deepEqual([...new Set(refreshes(seen).map(({ resource }) => resource))].sort(), ["dataverse", "flow"]);
  });

  it("and asks five seconds less often after each `slow_down`, for good", async (test) => {
    // The server enforces ten seconds where the client was told two.
    const { authority, seen, run, told } = await begun(test, { interval: 10 }, { interval: 2 });
    await until("five polls", () => polls(seen).length === 5, 60_000);
    await authority.approve(told);
    assert.equal((await run.ended).code, 0);
    const errors = polls(seen).map(({ body }) => body.error);
    const [pending, slow] = ["authorization_pending", "slow_down"];
    assert.deepEqual(errors, [pending, slow, slow, pending, pending, undefined]);
    for (const [index, wanted] of [2, 7, 12, 12, 12].entries()) {
      const gap = gaps(seen)[index];
      assert.ok(due(gap, wanted), `${gap} s where ${wanted} s were due`);
    }
  });

  it("not at all when the code expires, whichever clock tells", async (test) => {
    const [own, servers] = await Promise.all([
      begun(test, { codeLifetime: 3 }),
      begun(test, { codeLifetime: 3 }, { expires_in: 600 }),
    ]);
    for (const { run } of [own, servers]) {
      const { code, stderr } = await run.ended;
      assert.equal(code, 4, stderr);
      assert.match(stderr, /expired/);
    }
    assert.ok(polls(own.seen).every(({ body }) => body.error === "authorization_pending"));
    assert.equal(polls(servers.seen).at(-1).body.error, "expired_token");
  });

  it("not at all with a code that was used by somebody else", async (test) => {
    const { authority, seen, run, told } = await begun(test, { interval: 1 }, { interval: 8 });
    await until("a poll", () => polls(seen).length === 1);
    await authority.approve(told);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    const { fields } = polls(seen)[0];
    assert.equal((await authority.token(fields, "dataverse")).status, 200);
    const { code, stderr } = await run.ended;
    assert.equal(code, 4, stderr);
    assert.equal(polls(seen).at(-1).body.error, "access_denied");
    assert.deepEqual(seen.served, { dataverse: 0, flow: 0 });
  });
});
