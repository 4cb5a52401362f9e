// Starts programs, and ends those that it started.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";

/// The program under test.
export const FLOWBIND = process.env.FLOWBIND ?? fail("FLOWBIND does not name the program; start tests with `run`");

/// The project's folder.
export const ROOT = new URL("../../../../", import.meta.url).pathname;

function fail(message) {
  throw new Error(message);
}

/// What tells a program that it runs in a pipeline, or where somebody could see a browser.
const SURROUNDINGS = ["CI", "TF_BUILD", "GITHUB_ACTIONS", "BROWSER", "DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME"];

/// The environment without settings that would reach the program under test.
export function cleanEnvironment(more = {}) {
  const reaches = (name) => name.startsWith("FLOWBIND") || SURROUNDINGS.includes(name);
  const kept = Object.entries(process.env).filter(([name]) => !reaches(name));
  return { ...Object.fromEntries(kept), NO_COLOR: "1", ...more };
}

/// What a suite shares among its tests; made in the suite's body, and undone after its last test.
export function shared() {
  const undo = [];
  after(async () => {
    for (const step of undo.reverse()) await step();
  });
  return { after: (step) => undo.push(step) };
}

/// A folder that goes with the test.
export function folder(test) {
  const path = mkdtempSync(join(tmpdir(), "counterpart-"));
  test.after(() => rmSync(path, { recursive: true, force: true, maxRetries: 5 }));
  return path;
}

/// A port that is free now.
export async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/// Waits for a value that is not there yet, and tells what it waited for when it never comes.
export async function until(what, look, milliseconds = 30_000) {
  const end = Date.now() + milliseconds;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/// A program that runs until the test ends, with what it has said so far.
export function start(test, program, args, options = {}) {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], env: cleanEnvironment(), ...options });
  const said = { stdout: "", stderr: "" };
  child.stdout.on("data", (data) => (said.stdout += data));
  child.stderr.on("data", (data) => (said.stderr += data));
  const ended = new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, ...said }));
  });
  test.after(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM");
    await ended;
  });
  return { child, said, ended };
}
