// Opens the tab in Chromium as Teams does, and says what a person sees. Every host is a server on this machine.
// tab.cjs NODE_MODULES CHROMIUM PORT FOLDER < {"name": {page, subEntityId, tokens, …}, …} > {"name": {url, text, …}, …}
const [modules, executablePath, port, folder] = process.argv.slice(2);
const { chromium } = require(require.resolve("playwright-core", { paths: [modules] }));

async function shown(browser, name, asked) {
  const context = await browser.newContext({ viewport: { width: 1100, height: 760 }, ignoreHTTPSErrors: true });
  const page = await context.newPage();
  const complaints = [];
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  for (const pattern of asked.dead || []) await page.route(pattern, (route) => route.abort());
  for (const pattern of asked.forgetful || []) {
    await page.route(pattern, (route) => route.request().method() === "POST" ? route.fulfill({ status: 204 }) : route.continue());
  }
  await page.goto(`https://${asked.host || "teams.microsoft.com"}/#${encodeURIComponent(JSON.stringify(asked))}`);
  const frame = await (await page.waitForSelector("iframe")).contentFrame();
  await frame.waitForFunction(() => !document.getElementById("waiting") || document.getElementById("waiting").hidden).catch(() => {});
  await frame.waitForLoadState("load");
  for (const step of asked.steps || []) {
    const moved = frame.waitForNavigation({ timeout: 20000 });
    await frame.getByRole(step.role, { name: step.name, exact: true }).first().click();
    await moved;
  }
  await page.screenshot({ path: `${folder}/${name}.png` });
  const found = {
    url: frame.url(),
    text: await frame.locator("body").innerText({ timeout: 2000 }).catch(() => ""),
    heard: await page.evaluate(() => window.heard),
    browser: (await frame.locator("#browser").count()) ? await frame.locator("#browser").getAttribute("href") : null,
    cookies: (await context.cookies()).map((each) => [each.name, each.partitionKey || ""]),
    scripts: await frame.evaluate(() => document.scripts.length).catch(() => 0),
    complaints,
  };
  await context.close();
  return found;
}

(async () => {
  const wanted = JSON.parse(require("fs").readFileSync(0, "utf8"));
  const args = ["--no-sandbox", "--disable-gpu", `--host-resolver-rules=MAP * 127.0.0.1:${port}`, "--test-third-party-cookie-phaseout"];
  const browser = await chromium.launch({ executablePath, args });
  const found = {};
  for (const [name, asked] of Object.entries(wanted)) found[name] = await shown(browser, name, asked);
  await browser.close();
  console.log(JSON.stringify(found));
})();
