// Runs the program as a person would.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { FLOWBIND, ROOT, cleanEnvironment, folder, start, until } from "./process.mjs";

/// The example that ships with the program.
export const EXAMPLE = join(ROOT, "config/example.toml");

/// Starts a plan for an environment with an application of the foreign authority.
export function plan(test, environment, clientId, more = [], options = {}) {
  const { manifest = EXAMPLE, ...rest } = options;
  const args = ["plan", "--format", "json", "-m", manifest, "-e", environment, "--client-id", clientId, ...more];
  return flowbind(test, args, rest);
}

/// Starts the program, with more in its environment, and with a text on its standard input.
export function flowbind(test, args, { env = {}, input } = {}) {
  const stdio = [input === undefined ? "ignore" : "pipe", "pipe", "pipe"];
  const { child, said, ended } = start(test, FLOWBIND, args, { stdio, env: cleanEnvironment(env) });
  if (input !== undefined) child.stdin.end(input);
  return { child, said, ended, prompt: () => prompt(said, ended), address: () => address(said, ended) };
}

/// The example with one more environment, `foreign`, and an application of its own for Dataverse.
export function manifestWith(test, url, identity) {
  const lines = Object.entries(identity).map(([key, value]) => `${key} = ${JSON.stringify(value)}\n`);
  const added = `[environments.foreign]\nurl = "${url}"\n[environments.foreign.dataverse-identity]\n${lines.join("")}`;
  const path = join(folder(test), "flowbind.toml");
  writeFileSync(path, readFileSync(EXAMPLE, "utf8").replace("[policy]", () => `${added}\n[policy]`));
  return path;
}

/// The page and the code that the person is told.
async function prompt(said, ended) {
  const told = await line(said, ended, /enter the code:\n\n {2}page {2}(\S+)\n {2}code {2}(\S+)/);
  return { page: told[1], code: told[2].replace(/[.,]$/, "") };
}

/// The address that the person is told to open in a browser of this machine.
async function address(said, ended) {
  return (await line(said, ended, /^To sign in, .*:\n(http\S+)\n/m))[1];
}

/// What is told in these words, sooner or later.
async function line(said, ended, wanted) {
  const early = ended.then(({ code, stderr }) => {
    throw new Error(`it ended with ${code} before it told how to sign in: ${stderr}`);
  });
  const told = await Promise.race([until("the way to sign in", () => wanted.exec(said.stderr)), early]);
  early.catch(() => {});
  return told;
}
