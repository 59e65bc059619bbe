// Opens pages in Chromium, two at a time, and says as JSON what it saw. On standard input:
// {"chromium": FILE, "looks": [{"name", "file", "width", "height", "dark", "script", "now", "shot", "pdf", "axe"}]}
// The browser is driven through a pipe: nothing listens, and nothing is connected to.
import fs from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const request = JSON.parse(fs.readFileSync(0, "utf8"));
const axe = fs.readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

// How far anything reaches beyond the page, and texts that are wider than their place in a map.
function measure() {
  const wide = [];
  for (const text of document.querySelectorAll(".tile > text")) {
    if (text.getBBox().width > 47) { wide.push(text.textContent); }
  }
  for (const text of document.querySelectorAll(".map .cap3")) {
    if (text.getBBox().width > 239) { wide.push(text.textContent); }
  }
  for (const text of document.querySelectorAll(".map .cap, .map .cap2")) {
    if (text.getBBox().width > 287) { wide.push(text.textContent); }
  }
  return {
    overflow: document.documentElement.scrollWidth - window.innerWidth,
    wide,
    title: document.title,
    text: document.body.innerText,
    is_stale: document.documentElement.classList.contains("is-stale"),
  };
}

// The width of A4 within our margins of 11 mm, in pixels.
const SHEET = Math.floor((210 - 2 * 11) / 25.4 * 96);

function cut() {
  const wide = [...document.querySelectorAll("body *")].filter((each) => {
    const box = each.getBoundingClientRect();
    return box.width && !each.closest("svg") && (box.right > window.innerWidth + 1 || each.scrollWidth > each.clientWidth + 1 && getComputedStyle(each).overflowX !== "visible");
  });
  return wide.map((each) => `${each.tagName} ${each.className} ${each.textContent.slice(0, 40)}`);
}

// To make a context costs more than most looks: a page goes from file to file where it has the same scripts and scale.
// A clock that was set stays so.
async function opened(browser, pages, each) {
  const key = JSON.stringify([each.script, each.scale, each.now !== undefined]);
  if (!pages.has(key)) {
    const context = await browser.newContext({
      javaScriptEnabled: each.script !== false,
      deviceScaleFactor: each.scale ?? 1,
    });
    pages.set(key, await context.newPage());
  }
  const page = pages.get(key).removeAllListeners();
  await page.setViewportSize({ width: each.width, height: each.height ?? 900 });
  await page.emulateMedia({ media: null, colorScheme: each.dark ? "dark" : "light" });
  return page;
}

async function look(browser, pages, each) {
  const page = await opened(browser, pages, each);
  const url = pathToFileURL(each.file).href;
  const seen = { name: each.name, messages: [], requests: [] };
  page.on("console", (message) => seen.messages.push(message.text()));
  page.on("pageerror", (error) => seen.messages.push(String(error)));
  page.on("dialog", (dialog) => { seen.messages.push(dialog.message()); dialog.dismiss(); });
  page.on("request", (made) => {
    if (made.url() !== url && !made.url().startsWith("data:")) { seen.requests.push(made.url()); }
  });
  if (each.now) { await page.clock.setFixedTime(each.now * 1000); }
  await page.goto(url);
  Object.assign(seen, await page.evaluate(measure));
  if (each.shot) { await page.screenshot({ path: each.shot, fullPage: each.height === undefined }); }
  if (each.pdf) {
    await page.emulateMedia({ media: "print" });
    const banner = page.locator("#stale");
    seen.banner = (await banner.count()) && (await banner.isVisible()) ? await banner.innerText() : "";
    // What is wider than its place on a sheet is cut there, or the browser makes all smaller until it fits.
    await page.setViewportSize({ width: SHEET, height: 1040 });
    seen.cut = await page.evaluate(cut);
    const pdf = await page.pdf({ path: each.pdf, format: "A4", preferCSSPageSize: true, printBackground: true });
    seen.pages = pdf.toString("latin1").match(/\/Type\s*\/Page\b(?!s)/g).length;
  }
  if (each.axe) {
    await page.evaluate(axe);
    const found = await page.evaluate(() => window.axe.run({ resultTypes: ["violations"] }));
    seen.violations = found.violations.map((v) => `${v.id}: ${v.nodes.slice(0, 3).map((n) => n.html.slice(0, 200)).join(" | ")}`);
  }
  return seen;
}

const browser = await chromium.launch({
  executablePath: request.chromium,
  chromiumSandbox: false,
  args: ["--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"],
});
try {
  const answers = [];
  const waiting = [...request.looks];
  async function next() {
    const pages = new Map();
    while (waiting.length) { answers.push(await look(browser, pages, waiting.shift())); }
  }
  await Promise.all([next(), next()]);  // while one page is drawn, another waits for its turn
  process.stdout.write(JSON.stringify(answers));
} finally {
  await browser.close();
}
