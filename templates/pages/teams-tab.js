// Lets somebody in whom Teams knows already: asks Teams for a token, the hub for a session, and shows the dashboard here.
"use strict";

(() => {
  const SECONDS = 20; // Teams answers at once, but for the dialog in which somebody agrees
  const TROUBLES = {
    left: ["You signed out.", "Come back whenever you like."],
    library: [
      "Microsoft's part of this page could not be loaded.",
      "Check the connection, and whether res.cdn.office.net is blocked here.",
    ],
    elsewhere: ["This page is a tab of Teams, and Teams does not answer.", "Open it in Teams, or in the browser."],
    consent: [
      "AI-CRM may not know yet who you are.",
      "Try again and agree. Where your organisation decides about that, its administrator has to agree.",
    ],
    denied: [
      "Teams does not say who you are.",
      "The app's registration may not be complete: an operator of the hub runs “ai-crm teams doctor”.",
    ],
    token: [
      "The hub does not believe what Teams says about you.",
      "An operator of the hub checks the app's registration and the hub's clock with “ai-crm teams doctor”.",
    ],
    organisation: [
      "This hub is for people of another organisation.",
      "Change to that organisation in Teams, or ask an operator of the hub to let yours in.",
    ],
    often: ["There were too many attempts from here.", "Wait a few minutes."],
    hub: ["The hub has trouble of its own.", "Try again in a minute."],
    connection: ["The hub cannot be reached.", "Check the connection, and try again."],
    cookies: [
      "This browser keeps no cookies for pages inside other pages.",
      "Allow them for this address, use the Teams app, or open AI-CRM in the browser.",
    ],
  };
  const STATUSES = { 401: "token", 403: "organisation", 429: "often" };
  const UNANSWERED = new Set(["consent_required", "interaction_required", "resourcerequiresconsent", "invalid_grant"]);

  class Trouble extends Error {}

  const at = (id) => document.getElementById(id);

  function within(seconds, promise) {
    const late = new Promise((_, reject) => setTimeout(() => reject(new Trouble("elsewhere")), seconds * 1000));
    return Promise.race([promise, late]);
  }

  // What belongs to this hub, and is not this page again; the dashboard's first page for everything else. `.//x` is a path
  // that begins with two slashes once it is read, and as an address of its own it would be somebody else's.
  function own(path) {
    try {
      const url = new URL(`/${path.replace(/^\/+/, "")}`, location.origin);
      const place = url.pathname.replace(/^\/+/, "/") + url.search;
      return url.origin === location.origin && !place.startsWith("/teams/") ? place : "/";
    } catch {
      return "/";
    }
  }

  async function asked(teams) {
    try {
      return await teams.authentication.getAuthToken();
    } catch (error) {
      const said = String(error && error.message).toLowerCase();
      throw new Trouble([...UNANSWERED].some((each) => said.includes(each)) ? "consent" : "denied");
    }
  }

  async function sent(method, headers) {
    try {
      return await fetch("/teams/tab/session", { method, headers, cache: "no-store", credentials: "same-origin" });
    } catch {
      throw new Trouble("connection");
    }
  }

  async function signIn() {
    const teams = window.microsoftTeams;
    if (!teams) throw new Trouble("library");
    await within(SECONDS, teams.app.initialize()).catch(() => {
      throw new Trouble("elsewhere");
    });
    const context = await within(SECONDS, teams.app.getContext());
    const wanted = new URLSearchParams(location.search).get("next") || (context.page && context.page.subPageId) || "";
    const target = own(wanted);
    at("browser").href = target;
    const begun = await sent("POST", { Authorization: `Bearer ${await asked(teams)}` });
    if (!begun.ok) throw new Trouble(STATUSES[begun.status] || "hub");
    if (!(await sent("GET", {})).ok) throw new Trouble("cookies");
    location.replace(target);
  }

  function tell(name) {
    [at("what").textContent, at("hint").textContent] = TROUBLES[name];
    at("again").textContent = name === "left" ? "Sign in" : "Try again";
    at("waiting").hidden = true;
    at("trouble").hidden = false;
  }

  async function start() {
    at("waiting").hidden = false;
    at("trouble").hidden = true;
    try {
      await signIn();
    } catch (error) {
      tell(error instanceof Trouble ? error.message : "denied");
    }
  }

  // What could not be loaded is asked for again with the page; everything else without it.
  at("again").addEventListener("click", () => (window.microsoftTeams ? start() : location.reload()));
  if (new URLSearchParams(location.search).has("left")) tell("left");
  else start();
})();
