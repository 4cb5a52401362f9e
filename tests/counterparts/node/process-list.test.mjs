// What others on the machine could see of a sign-in that waits: the arguments and the environment of flowbind and of
// the programs that it starts, as the kernel shows them.
import assert from "node:assert/strict";
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { before, describe, it } from "node:test";
import { plan } from "./lib/flowbind.mjs";
import { front } from "./lib/front.mjs";
import { APPLICATION, oidcProvider } from "./lib/oidc-provider.mjs";
import { folder, shared, until } from "./lib/process.mjs";
import { sandbox } from "./lib/sandbox.mjs";

/// What a pipeline hands in, none of which is any other program's.
const HANDED_IN = {
  FLOWBIND_REFRESH_TOKEN: "refresh-token-made-up",
  FLOWBIND_STORE_KEY: "store-key-made-up-for-the-test",
};

/// The lists of a process, each entry of which ends with a zero.
const list = (path) => readFileSync(path, "utf8").split("\0").filter(Boolean);
const argumentsOf = (pid) => list(`/proc/${pid}/cmdline`);
const environmentOf = (pid) => list(`/proc/${pid}/environ`);

/// A program in a folder of its own that keeps what the kernel shows of it, and then says something.
function witness(test, name, says = "") {
  const place = folder(test);
  const [program, kept] = [join(place, name), join(place, "kept")];
  const copy = ["cmdline", "environ"].map((what) => `cat /proc/$$/${what} > ${kept}.${what}`).join("\n");
  writeFileSync(program, `#!/bin/sh\n${copy}\nmv ${kept}.environ ${kept}\nprintf %s '${says}'\n`);
  chmodSync(program, 0o755);
  const seen = async () => {
    await until(`${name} to be started`, () => existsSync(kept));
    return { args: list(`${kept}.cmdline`), environment: list(kept) };
  };
  return { place, program, seen };
}

/// None of these texts may be in any of those entries.
function assertWithout(entries, secrets) {
  for (const secret of secrets) {
    assert.ok(secret.length > 8);
    assert.deepEqual(entries.filter((entry) => entry.includes(secret)), [], "a secret is in plain sight");
  }
}

describe("the process list while a sign-in waits", { concurrency: true }, () => {
  const suite = shared();
  let tenant;
  before(async () => (tenant = await sandbox(suite)));

  /// A run that is started with all that a pipeline hands in.
  async function begun(test, more, env = {}) {
    const { address, seen } = await front(test, tenant.origin, await oidcProvider(test));
    const handedIn = { ...HANDED_IN, ...env };
    const run = plan(test, address, APPLICATION, ["--token-store", "none", ...more], { env: handedIn });
    return { seen, run };
  }

  it("has no secret of a device login, nor of what was handed in", async (test) => {
    const { seen, run } = await begun(test, []);
    await run.prompt();
    assert.equal(seen.tokens[0].fields.refresh_token, HANDED_IN.FLOWBIND_REFRESH_TOKEN);
    const { device_code: deviceCode } = seen.codes[0].body;
    assertWithout(argumentsOf(run.child.pid), [deviceCode, ...Object.values(HANDED_IN)]);
    const environment = environmentOf(run.child.pid);
    assert.ok(environment.some((entry) => entry.startsWith("FLOWBIND_STORE_KEY=")), "it is that environment");
    assertWithout(environment, [deviceCode]);
  });

  it("has no secret of a login in a browser, nor has the program that opens it", async (test) => {
    const opener = witness(test, "xdg-open");
    const path = [opener.place, process.env.PATH].join(delimiter);
    const token = { FLOWBIND_DATAVERSE_TOKEN: "eyJhbGciOiJub25lIn0.made-up-for-dataverse.x" };
    const { run } = await begun(test, ["--browser"], { ...token, PATH: path, BROWSER: "made-up" });
    const address = await run.address();
    const secrets = [...Object.values(HANDED_IN), ...Object.values(token)];
    assertWithout(argumentsOf(run.child.pid), [...secrets, new URL(address).searchParams.get("state")]);
    const { args, environment } = await opener.seen();
    assert.equal(args.at(-1), address);
    assertWithout(args, secrets);
    assert.ok(environment.includes("BROWSER=made-up"), "it is that environment");
    assertWithout(environment, secrets);
    assert.ok(!new URL(address).searchParams.has("code_verifier"));
  });

  it("has no secret in the program that fetches tokens", async (test) => {
    const command = witness(test, "fetch-token", "made-up-token-of-the-command");
    const token = { FLOWBIND_FLOW_TOKEN: "" };
    const { seen, run } = await begun(test, ["--token-command", `dataverse:${command.program} {resource}`], token);
    await run.prompt();
    const { args, environment } = await command.seen();
    assert.match(args.at(-1), /^http:\/\/127\.0\.0\.1:\d+$/);
    assertWithout(args, Object.values(HANDED_IN));
    assert.ok(environment.includes("FLOWBIND_AUDIENCE=dataverse"), "it is that environment");
    assertWithout(environment, Object.values(HANDED_IN));
    assert.deepEqual(environment.filter((entry) => /^FLOWBIND_(REFRESH_TOKEN|STORE_KEY|\w+_TOKEN)=/.test(entry)), []);
    assertWithout(argumentsOf(run.child.pid), ["made-up-token-of-the-command", seen.codes[0].body.device_code]);
    assertWithout(environmentOf(run.child.pid), ["made-up-token-of-the-command", seen.codes[0].body.device_code]);
  });
});
