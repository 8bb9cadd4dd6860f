// Shows cards in Chromium with Microsoft's renderer and says what a person sees before and after unfolding each.
// A picture that a card asks for is FOLDER/fetched.png, wherever it is said to be.
// render.cjs NODE_MODULES CHROMIUM FOLDER < {"name": card, …} > {"name": {events, before, …}, …}; pictures go to FOLDER
const [modules, executablePath, folder] = process.argv.slice(2);
const find = (name) => require.resolve(name, { paths: [modules] });
const { chromium } = require(find("playwright-core"));

// A look like that of Teams: what its clients set is not part of the library.
const hostConfig = {
  fontFamily: "Segoe UI, Helvetica, sans-serif",
  spacing: { small: 4, default: 8, medium: 12, large: 16, extraLarge: 24, padding: 16 },
  factSet: { spacing: 10, title: { weight: "bolder", wrap: true, maxWidth: 150 }, value: { wrap: true } },
  actions: { maxActions: 6, actionsOrientation: "horizontal", buttonSpacing: 8 },
};

async function show(page, card) {
  return page.evaluate(
    ([card, hostConfig]) => {
      const context = new AdaptiveCards.SerializationContext(AdaptiveCards.Versions.v1_5);
      const shown = new AdaptiveCards.AdaptiveCard();
      shown.hostConfig = new AdaptiveCards.HostConfig(hostConfig);
      AdaptiveCards.AdaptiveCard.onProcessMarkdown = (text, result) => {
        const holder = document.createElement("span");
        holder.textContent = text;
        Object.assign(result, { outputHtml: holder.innerHTML, didProcess: true });
      };
      window.sent = [];
      shown.onExecuteAction = (action) => window.sent.push(action.toJSON());
      shown.parse(card, context);
      document.getElementById("card").appendChild(shown.render());
      return Array.from({ length: context.eventCount }, (_, at) => context.getEventAt(at).message);
    },
    [card, hostConfig],
  );
}

async function look(browser, name, card) {
  const page = await browser.newPage({ viewport: { width: 560, height: 300 } });
  const asked = [];
  page.on("request", (request) => asked.push(request.url()));
  await page.route(/^https:/, (route) => route.fulfill({ path: `${folder}/fetched.png` }));
  await page.setContent('<body style="margin:16px"><div id="card" style="width:500px;border:1px solid #ddd"></div></body>');
  await page.addScriptTag({ path: find("adaptivecards/dist/adaptivecards.min.js") });
  const events = await show(page, card);
  const seen = () => page.locator("#card").innerText();
  const before = await seen();
  const why = page.getByRole("button", { name: "Why" });
  if (await why.count()) await why.click();
  const after = await seen();
  const pictures = await page.locator("#card img").evaluateAll((all) =>
    Promise.all(all.map(async (each) => {
      await each.decode();
      return [each.alt, each.naturalWidth, each.naturalHeight, each.clientWidth];
    })));
  await page.screenshot({ path: `${folder}/${name}.png`, fullPage: true });
  const buttons = await page.locator("#card button").allInnerTexts();
  for (const [at, title] of buttons.entries()) if (title !== "Why") await page.locator("#card button").nth(at).click();
  const sent = await page.evaluate(() => window.sent);
  const live = await page.locator("#card a, #card img, #card script, #card iframe").count();
  await page.close();
  return { events, before, after, buttons, sent, live, asked, pictures };
}

(async () => {
  const cards = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"] });
  const seen = {};
  for (const [name, card] of Object.entries(cards)) seen[name] = await look(browser, name, card);
  process.stdout.write(JSON.stringify(seen));
  await browser.close();
})();
