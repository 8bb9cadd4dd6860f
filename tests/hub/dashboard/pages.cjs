// Looks at pages in Chromium as people do, and says what was alive in them, what did not fit and what could not be read.
// pages.cjs NODE_MODULES CHROMIUM FOLDER < {url, cookie, looks: [{name, width, scheme}], paths, says, walk} > {pages, walk}
const [modules, executablePath, folder] = process.argv.slice(2);
const { chromium } = require(require.resolve("playwright-core", { paths: [modules] }));

async function context(browser, asked, more) {
  const made = await browser.newContext(more);
  await made.addCookies([{ name: "ai-crm", value: asked.cookie, url: asked.url, httpOnly: true }]);
  return made;
}

// The lowest contrast of any text with what is behind it, by WCAG 2.2, and where that is.
function contrast() {
  const pen = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
  const known = new Map();
  const channels = (color) => {
    if (!known.has(color)) {
      pen.clearRect(0, 0, 1, 1);
      pen.fillStyle = color;
      pen.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = pen.getImageData(0, 0, 1, 1).data;
      known.set(color, [r, g, b, a / 255]);
    }
    return known.get(color);
  };
  const over = (top, below) => [0, 1, 2].map((at) => top[at] * top[3] + below[at] * (1 - top[3]));
  const ground = (element) => {
    const layers = [];
    for (let each = element; each; each = each.parentElement) layers.push(channels(getComputedStyle(each).backgroundColor));
    return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255]);
  };
  const light = (color) => {
    const [r, g, b] = color.map((each) => (each / 255 <= 0.04045 ? each / 255 / 12.92 : ((each / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  let lowest = [21, ""];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (!texts.currentNode.textContent.trim() || !element.checkVisibility() || element.closest(".unseen, .skip, option")) continue;
    const behind = ground(element);
    const [a, b] = [light(over(channels(getComputedStyle(element).color), behind)), light(behind)];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < lowest[0]) lowest = [ratio, `${element.tagName}.${element.className}: ${texts.currentNode.textContent.trim().slice(0, 30)}`];
  }
  return lowest;
}

function watch(page, asked, alive) {
  page.on("dialog", (dialog) => alive.push(`dialog ${dialog.message()}`) && dialog.dismiss());
  page.on("pageerror", (error) => alive.push(`error ${error}`));
  page.on("console", (message) => message.type() === "error" && !message.text().startsWith("Failed to load resource") && alive.push(`console ${message.text()}`));
  page.on("request", (request) => !request.url().startsWith(`${asked.url}/`) && !request.url().startsWith("data:image/svg+xml") && alive.push(`request ${request.url()}`));
  page.on("popup", () => alive.push("popup"));
}

async function looked(page, path, look) {
  const found = await page.evaluate(() => ({
    overflow: document.documentElement.scrollWidth - innerWidth,
    live: [...document.querySelectorAll("main :is(script, img, svg, iframe, object, embed, style, link, meta, base, video, audio)")].map((each) => each.tagName),
    text: document.body.innerText,
  }));
  return { path, look: look.name, contrast: await page.evaluate(contrast), ...found };
}

// What a person does who has switched scripts off.
async function walked(browser, asked) {
  const made = await context(browser, asked, { javaScriptEnabled: false });
  const page = await made.newPage();
  await page.goto(`${asked.url}/`);
  await page.getByLabel("What you would ask the bot for").fill('task create "Walk without scripts"');
  await page.getByRole("button", { name: "Ask" }).click();
  const steps = [await page.locator("main").textContent()];
  await page.getByRole("link", { name: /^AICRM-/ }).first().click();
  await page.getByLabel("Status").selectOption("in-review");
  await page.getByLabel("Due").fill("2026-12-01");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByLabel("Write something").fill("Done on a train");
  await page.getByRole("button", { name: "Comment" }).click();
  steps.push(await page.locator("main").textContent());
  await page.getByRole("button", { name: "Done" }).click();
  await page.getByRole("button", { name: "Undo" }).click();
  steps.push(await page.locator("main").textContent());
  await page.keyboard.press("Tab");
  steps.push(await page.locator(":focus").textContent());
  await made.close();
  return steps;
}

(async () => {
  const asked = JSON.parse(require("fs").readFileSync(0, "utf8"));
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"] });
  const [pages, alive] = [[], []];
  for (const look of asked.looks) {
    const made = await context(browser, asked, { viewport: { width: look.width, height: 800 }, colorScheme: look.scheme });
    const page = await made.newPage();
    watch(page, asked, alive);
    for (const path of asked.paths) {
      await page.goto(asked.url + path);
      pages.push(await looked(page, path, look));
    }
    for (const words of asked.says) {
      await page.goto(`${asked.url}/do`);
      await page.locator("#say").fill(words);
      await page.getByRole("button", { name: "Ask" }).click();
      pages.push(await looked(page, "say", look));
    }
    await page.screenshot({ path: `${folder}/${look.name}.png` });
    await made.close();
  }
  const walk = asked.walk ? await walked(browser, asked) : [];
  process.stdout.write(JSON.stringify({ pages, alive, walk }));
  await browser.close();
})();
