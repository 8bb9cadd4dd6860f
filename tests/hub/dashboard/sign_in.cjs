// Walks through the ways in and out in Chromium, and says what a person sees after each step.
// sign_in.cjs NODE_MODULES CHROMIUM FOLDER < {hub, lan, link, second, key, paths} > {step: …}
const [modules, executablePath, folder] = process.argv.slice(2);
const { chromium } = require(require.resolve("playwright-core", { paths: [modules] }));

const complaints = [];

async function opened(browser) {
  const context = await browser.newContext({ viewport: { width: 900, height: 700 } });
  const page = await context.newPage();
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  return { context, page };
}

async function seen(page) {
  return { path: new URL(page.url()).pathname + new URL(page.url()).search, title: await page.title(), text: await page.locator("body").innerText() };
}

// A page of somebody else sends a form to the hub, as the person who looks at it.
async function forged(page, target) {
  await page.route("http://evil.example/", (route) =>
    route.fulfill({ contentType: "text/html", body: `<form method="post" action="${target}"><button>Win</button></form>` }));
  await page.goto("http://evil.example/");
  await Promise.all([page.waitForNavigation(), page.getByRole("button", { name: "Win" }).click()]);
  return seen(page);
}

(async () => {
  const asked = JSON.parse(require("fs").readFileSync(0, "utf8"));
  const args = ["--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP hub.lan 127.0.0.1"];
  const browser = await chromium.launch({ executablePath, args });
  const found = {};

  const { context, page } = await opened(browser);
  await page.goto(asked.link);
  found.invited = await seen(page);
  await page.screenshot({ path: `${folder}/invitation.png` });
  await page.getByRole("button", { name: /^Sign in as/ }).click();
  await page.waitForLoadState();
  found.entered = await seen(page);
  found.cookies = (await context.cookies()).map((each) => ({ ...each, value: each.value.length }));
  found.readable = await page.evaluate(() => document.cookie);
  found.forgedOut = await forged(page, `${asked.hub}/sign-out`);
  await page.goto(`${asked.hub}/`);
  found.still = await seen(page);
  await page.getByRole("button", { name: "Sign out", exact: true }).click();
  await page.waitForLoadState();
  found.left = await seen(page);
  await page.screenshot({ path: `${folder}/sign-in.png` });
  found.kept = (await context.cookies()).length;
  await page.goto(asked.link);
  found.again = await seen(page);
  await page.goto(`${asked.hub}/tasks?q=status:open`);
  found.asked = await seen(page);
  await page.getByLabel("API key").fill("nonsense");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForLoadState();
  found.refused = await seen(page);
  await page.getByLabel("API key").fill(asked.key);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForLoadState();
  found.withKey = await seen(page);

  const other = await opened(browser);
  found.forgedIn = await forged(other.page, asked.second);
  found.forgedCookies = (await other.context.cookies()).length;

  // Where browsers do not say where a request comes from: without TLS, on another machine.
  const lan = await opened(browser);
  await lan.page.goto(asked.second.replace(asked.hub, asked.lan));
  await lan.page.getByRole("button", { name: /^Sign in as/ }).click();
  await lan.page.waitForLoadState();
  found.lan = await seen(lan.page);
  found.lanForged = await forged(lan.page, `${asked.lan}/sign-out`);

  // Where this browser's own reader of addresses would go.
  found.led = await page.evaluate((paths) => paths.map((each) => new URL(each, location.href).origin), asked.paths);
  found.complaints = complaints;
  await browser.close();
  console.log(JSON.stringify(found));
})();
