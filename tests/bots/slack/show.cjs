// Draws messages, windows and home tabs of Block Kit in Chromium, so that people can look at what the bot shows.
// A picture that a message asks for is FOLDER/fetched.png, wherever it is said to be.
// show.cjs NODE_MODULES CHROMIUM FOLDER < {"name": {"blocks": […]} | view, …} > {"name": {text, buttons, overflows}, …}
const [modules, executablePath, folder] = process.argv.slice(2);
const { chromium } = require(require.resolve("playwright-core", { paths: [modules] }));

const style = `
  body { margin: 0; padding: 16px; font: 15px/1.46 Lato, "Noto Sans", "DejaVu Sans", sans-serif; color: #1d1c1d; background: #fff }
  #shown { width: 600px } #shown.modal { width: 520px; border: 1px solid #ccc; border-radius: 8px }
  .bar, .foot { padding: 14px 20px; font-weight: 900; font-size: 20px; border-bottom: 1px solid #eee }
  .foot { border: 0; text-align: right; font-size: 14px } .modal .block { padding: 0 20px }
  .block { margin: 8px 0; white-space: pre-wrap; overflow-wrap: anywhere } .header { font-weight: 900; font-size: 18px }
  .context { color: #616061; font-size: 13px } .context span { display: block } hr { border: 0; border-top: 1px solid #ddd }
  button { margin: 0 8px 8px 0; padding: 5px 12px; font: 700 13px inherit; border: 1px solid #bbb; border-radius: 4px; background: #fff;
           max-width: 220px; overflow: hidden; text-overflow: ellipsis; white-space: nowrap }
  label { display: block; font-weight: 700; margin-bottom: 4px } .field { border: 1px solid #999; border-radius: 4px; padding: 8px 12px; min-height: 20px }
  .tall { min-height: 66px } .hint, .optional { color: #616061; font-size: 13px; font-weight: 400 }`;

function draw([view, style]) {
  const make = (tag, kind, text) => Object.assign(document.createElement(tag), { className: kind ?? "", textContent: text ?? "" });
  const runs = (holder, elements) => {
    for (const run of elements) holder.append(make(run.style?.bold ? "b" : "span", "", run.text));
    return holder;
  };
  const shown = (element) => element.initial_value ?? element.initial_option?.text.text ?? element.initial_date ??
    (element.options && element.type === "checkboxes" ? "☐ " + element.options[0].text.text : "");
  const parts = {
    header: (block) => make("div", "block header", block.text.text),
    section: (block) => make("div", "block", block.text.text),
    divider: () => make("hr"),
    image: (block) => Object.assign(make("img", "block"), { src: block.image_url, alt: block.alt_text, width: 360 }),
    rich_text: (block) => {
      const holder = make("div", "block");
      for (const section of block.elements) holder.append(runs(make("div"), section.elements));
      return holder;
    },
    context: (block) => {
      const holder = make("div", "block context");
      holder.append(...block.elements.map((each) => make("span", "", each.text)));
      return holder;
    },
    actions: (block) => {
      const holder = make("div", "block");
      holder.append(...block.elements.map((each) => make("button", "", each.text.text)));
      return holder;
    },
    input: (block) => {
      const holder = make("div", "block");
      const label = make("label", "", block.label.text);
      if (block.optional) label.append(make("span", "optional", " (optional)"));
      holder.append(label, make("div", block.element.multiline ? "field tall" : "field", shown(block.element)));
      if (block.hint) holder.append(make("div", "hint", block.hint.text));
      return holder;
    },
  };
  document.head.append(make("style", "", style));
  const body = make("div", view.type ?? "message");
  body.id = "shown";
  document.body.append(body);
  if (view.title) body.append(make("div", "bar", view.title.text));
  body.append(...view.blocks.map((block) => parts[block.type](block)));
  if (view.submit) body.append(make("div", "foot", `[${view.close.text}]  [${view.submit.text}]`));
}

(async () => {
  const views = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"] });
  const seen = {};
  for (const [name, view] of Object.entries(views)) {
    const page = await browser.newPage({ viewport: { width: 660, height: 300 } });
    const asked = [];
    page.on("request", (request) => asked.push(request.url()));
    await page.route(/^https:/, (route) => route.fulfill({ path: `${folder}/fetched.png` }));
    await page.setContent("<body></body>");
    await page.evaluate(draw, [view, style]);
    const pictures = await page.locator("#shown img").evaluateAll((all) =>
      Promise.all(all.map(async (each) => (await each.decode(), [each.alt, each.naturalWidth]))));
    await page.screenshot({ path: `${folder}/${name}.png`, fullPage: true });
    seen[name] = {
      text: await page.locator("#shown").innerText(),
      buttons: await page.locator("#shown button").allInnerTexts(),
      wide: await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth),
      live: await page.locator("#shown a, #shown img, #shown script, #shown iframe").count(),
      asked,
      pictures,
    };
    await page.close();
  }
  process.stdout.write(JSON.stringify(seen));
  await browser.close();
})();
