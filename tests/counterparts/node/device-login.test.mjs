// The sandbox's own page for codes, used by a person with a browser, while flowbind waits.
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { browser, page as opened, picture } from "./lib/browser.mjs";
import { plan } from "./lib/flowbind.mjs";
import { shared } from "./lib/process.mjs";
import { CLIENT, sandbox } from "./lib/sandbox.mjs";

describe("the page of the sandbox where codes are entered", { concurrency: true }, () => {
  const suite = shared();
  let chromium;
  before(async () => (chromium = await browser(suite)));

  /// A run that waits, and the page that it names, with the code entered.
  async function entered(test, options = {}, code = (told) => told) {
    const tenant = await sandbox(test, { args: [], ...options });
    const run = plan(test, tenant.origin, CLIENT);
    const told = await run.prompt();
    const page = await opened(test, chromium);
    const broken = [];
    page.on("console", (message) => message.type() === "error" && broken.push(message.text()));
    page.on("pageerror", (error) => broken.push(String(error)));
    await page.goto(told.page);
    await page.getByLabel("Code").fill(code(told.code));
    await picture(page, `sandbox-code-${options.name ?? "approve"}`);
    await page.getByRole("button", { name: "Next" }).click();
    return { run, page, broken, told };
  }

  it("lets a person approve", async (test) => {
    const spaced = (code) => ` ${code.slice(0, 4).toLowerCase()} ${code.slice(4)}`;
    const { run, page, broken } = await entered(test, { name: "approve" }, spaced);
    await page.getByRole("heading", { name: "Are you trying to sign in to flowbind?" }).waitFor();
    assert.ok(await page.getByText("sandy@contoso.example").isVisible());
    await picture(page, "sandbox-confirmation");
    await page.getByRole("button", { name: "Approve" }).click();
    await page.getByRole("status").getByText("You have signed in.").waitFor();
    await picture(page, "sandbox-approved");
    const { code, stderr } = await run.ended;
    assert.equal(code, 0, stderr);
    assert.match(stderr, /Signed in as sandy@contoso\.example\./);
    assert.deepEqual(broken, []);
  });

  it("lets a person decline", async (test) => {
    const { run, page, broken } = await entered(test, { name: "decline" });
    await page.getByRole("button", { name: "Decline" }).click();
    await page.getByRole("status").getByText("You have declined.").waitFor();
    await picture(page, "sandbox-declined");
    const { code, stderr } = await run.ended;
    assert.equal(code, 4, stderr);
    assert.match(stderr, /declined/);
    assert.deepEqual(broken, []);
  });

  it("tells that a code is not known, and takes the right one after it", async (test) => {
    const { run, page, told } = await entered(test, { name: "wrong" }, () => "ABCDEFGHJ");
    await page.getByRole("alert").getByText("That code is not known").waitFor();
    await picture(page, "sandbox-unknown");
    await page.getByLabel("Code").fill(told.code);
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Approve" }).click();
    assert.equal((await run.ended).code, 0);
  });

  it("tells that a policy forbids it, while the program waits until the code expires", async (test) => {
    const replace = [
      ["expires-in = 900", "expires-in = 25"],
      ["# Flows that can be bound.", '[switches.entra]\nconditional-access = "block-device-code"\n'],
    ];
    const { run, page } = await entered(test, { name: "blocked", replace });
    await page.getByRole("button", { name: "Approve" }).click();
    await page.getByText("53003").waitFor();
    await picture(page, "sandbox-blocked");
    const { code, stderr } = await run.ended;
    assert.equal(code, 4, stderr);
    assert.match(stderr, /53003/);
  });
});
