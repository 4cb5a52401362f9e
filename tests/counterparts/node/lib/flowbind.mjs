// Runs the program as a person would.
import { join } from "node:path";
import { FLOWBIND, ROOT, start, until } from "./process.mjs";

/// The example that ships with the program.
const EXAMPLE = join(ROOT, "config/example.toml");

/// Starts a plan for an environment with an application of the foreign authority.
export function plan(test, environment, clientId, more = []) {
  const args = ["plan", "--format", "json", "-m", EXAMPLE, "-e", environment, "--client-id", clientId, ...more];
  const { said, ended } = start(test, FLOWBIND, args);
  return { said, ended, prompt: () => prompt(said, ended) };
}

/// The page and the code that the person is told.
async function prompt(said, ended) {
  const wanted = /open (?:the page )?(\S+) and enter the code (\S+)/;
  const early = ended.then(({ code, stderr }) => {
    throw new Error(`it ended with ${code} before it told a code: ${stderr}`);
  });
  const told = await Promise.race([until("the code", () => wanted.exec(said.stderr)), early]);
  early.catch(() => {});
  return { page: told[1], code: told[2].replace(/[.,]$/, "") };
}
