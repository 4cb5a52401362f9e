// The person: a headless browser, with pictures of what it saw.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";

const PICTURES = join(process.env.COUNTERPARTS_CACHE, "screenshots");
const QUIET = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-proxy-server",
];

/// Opens a browser on a fresh profile.
export async function browser(test) {
  const opened = await chromium.launch({ executablePath: "/usr/bin/chromium", headless: true, args: QUIET });
  test.after(() => opened.close());
  return opened;
}

/// Opens a page with cookies of its own, which reaches this machine alone.
export async function page(test, opened) {
  const context = await opened.newContext();
  test.after(() => context.close());
  context.setDefaultTimeout(30_000);
  const here = ["127.0.0.1", "localhost"];
  await context.route((url) => !here.includes(url.hostname), (route) => route.abort());
  return context.newPage();
}

/// Keeps a picture of a page.
export async function picture(page, name) {
  mkdirSync(PICTURES, { recursive: true });
  await page.screenshot({ path: join(PICTURES, `${name}.png`), fullPage: true });
}
