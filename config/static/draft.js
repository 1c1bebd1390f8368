// Forms that save themselves while somebody types, and before they are sent: a contact, or a form about a record. Where
// one cannot be saved, it says so, stays on the page and tries again. Without JavaScript its buttons save.
import { isTypedInto } from "./typed-before.js";

const WAIT = 1200;
const AGAIN = 5000;
const announced = document.querySelector("[data-announced]");
const soFar = document.querySelector("[data-so-far]");

class SignedOut extends Error {}

// Whoever signed in again has another token.
async function takeNewToken(from) {
  const answer = await fetch(from);
  if (answer.redirected) {
    throw new SignedOut();
  }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const token = page.querySelector("input[name=csrfmiddlewaretoken]").value;
  for (const field of document.querySelectorAll("input[name=csrfmiddlewaretoken]")) {
    field.value = token;
  }
}

function signInAgain(address) {
  const link = document.createElement("a");
  Object.assign(link, { href: address, target: "_blank", rel: "noopener noreferrer", className: "govuk-link" });
  link.textContent = "Sign in again (opens in a new tab)";
  return link;
}

// What the rules would say so far. Only another level is read out: the rest would be too much while somebody types.
function showLevel(html) {
  const part = new DOMParser().parseFromString(html, "text/html").querySelector("[data-so-far]");
  const before = soFar.querySelector("[data-level]").textContent;
  soFar.replaceChildren(...part.childNodes);
  const level = soFar.querySelector("[data-level]").textContent;
  if (level !== before) {
    announced.textContent = `Level so far: ${level}`;
  }
}

class SavingForm {
  constructor(form) {
    this.form = form;
    this.saved = form.querySelector("[data-saved]");
    this.trouble = form.querySelector("[data-trouble]");
    this.lastSaved = this.saved.textContent;
    this.unsaved = false;
    this.isTyped = false;
    this.sends = false;
    this.going = Promise.resolve(true);
    form.addEventListener("input", () => this.typed());
    form.addEventListener("change", () => this.changed());
    form.addEventListener("submit", (event) => this.submitted(event));
    if (isTypedInto(form)) {
      this.typed();
      this.save();
    }
  }

  // On the form, so that it is seen by whatever leaves the page: `time-out.js`.
  get unsaved() {
    return this.form.hasAttribute("data-unsaved");
  }

  set unsaved(is) {
    this.form.toggleAttribute("data-unsaved", is);
  }

  say(text, link) {
    this.trouble.hidden = !text;
    if (this.trouble.firstChild?.nodeValue !== text) {
      this.trouble.replaceChildren(text, ...(link ? [link] : []));
    }
  }

  post(options) {
    const body = new URLSearchParams(new FormData(this.form));
    body.set("keep", "script");
    const address = new URL(this.form.dataset.draft, this.form.action);
    // Another try of the same is nobody's doing: the session must not live on by it.
    const headers = { Accept: "application/json", ...(this.isTyped ? {} : { "X-By-Itself": "1" }) };
    return fetch(address, { method: "POST", body, headers, ...options });
  }

  async send() {
    let answer = await this.post();
    if (answer.status === 403 && !answer.headers.get("Content-Type").startsWith("application/json")) {
      await takeNewToken(this.form.querySelector("[data-token-from]").dataset.tokenFrom);
      answer = await this.post();
    }
    if (answer.redirected) {
      throw new SignedOut();
    }
    return answer;
  }

  isSaved({ version, saved, line, kept, address, so_far: level, says = "" }) {
    const { form } = this;
    form.elements.version.value = version;
    if (kept) {
      form.elements.kept.value = kept; // A form of its own.
    }
    if (address && form.action !== new URL(address, location.href).href) {
      form.action = address; // A draft of its own.
      history.replaceState(null, "", address);
    }
    if (level) {
      showLevel(level);
    }
    this.say(says);
    this.lastSaved = line ?? `Saved at ${saved}`;
    for (const button of form.querySelectorAll("[data-clear]")) {
      button.hidden = !kept;
    }
    if (!this.unsaved) {
      this.saved.textContent = this.lastSaved;
    }
  }

  // Returns whether everything that stands in the form is on the server.
  async saveOnce() {
    if (!this.unsaved) {
      return true;
    }
    this.unsaved = false;
    try {
      const answer = await this.send();
      this.isTyped = false;
      const isJson = answer.headers.get("Content-Type").startsWith("application/json");
      const said = isJson ? await answer.json() : {};
      if (answer.ok && isJson) {
        this.isSaved(said);
        return !this.unsaved;
      }
      this.say(said.says || "What you typed since then could not be saved. It is on this page only, and we keep trying to save it.");
      if (said.submitted) {
        return true;
      }
    } catch (error) {
      if (error instanceof SignedOut) {
        const { signIn } = this.form.querySelector("[data-sign-in]").dataset;
        this.say("You are signed out. What you typed since then is on this page only. ", signInAgain(signIn));
      } else {
        this.say("There is no connection. What you typed since then is on this page only. It will be saved when the connection is back.");
      }
    }
    this.unsaved = true;
    this.saved.textContent = this.lastSaved;
    this.later(AGAIN);
    return false;
  }

  // One after the other: each is based on the version that the one before made.
  save() {
    clearTimeout(this.waiting);
    this.going = this.going.then(() => this.saveOnce());
    return this.going;
  }

  later(wait) {
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.save(), wait);
  }

  typed() {
    this.isTyped = true; // A field that merely loses the focus changes, too.
    this.changed();
  }

  changed() {
    this.unsaved = true;
    this.saved.textContent = "Saving…";
    this.later(WAIT);
  }

  async submitted(event) {
    if (this.sends) {
      return;
    }
    event.preventDefault();
    const button = event.submitter;
    const stays = button?.value === "stay";
    if (stays) {
      this.unsaved = true;
    }
    if ((await saveAll()) && !stays) {
      // Not within this event: a form that is being submitted takes no other submission.
      setTimeout(() => {
        this.sends = true;
        this.form.requestSubmit(button);
      });
    }
  }

  get isInDanger() {
    return this.unsaved && !this.sends;
  }
}

const forms = Array.from(document.querySelectorAll("form[data-draft]"), (form) => new SavingForm(form));
let leaves = false;

async function saveAll() {
  return (await Promise.all(forms.map((form) => form.save()))).every(Boolean);
}

// A link or another form of the page, as Sign out, waits until all is saved: the next page would be there before it. What
// cannot be saved holds nobody here: the browser asks.
document.addEventListener("click", async (event) => {
  const link = event.target.closest("a[href]");
  const isElsewhere = event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey;
  if (!link || isElsewhere || link.target || link.origin !== location.origin) {
    return;
  }
  if (link.hash && link.href.split("#")[0] === location.href.split("#")[0]) {
    return;
  }
  event.preventDefault();
  await saveAll();
  location.assign(link.href);
});

document.addEventListener("submit", async (event) => {
  if (event.target.matches("form[data-draft]") || event.defaultPrevented || leaves) {
    return;
  }
  event.preventDefault();
  await saveAll();
  setTimeout(() => {
    leaves = true;
    event.target.requestSubmit(event.submitter);
    leaves = false;
  });
});

// Whoever closes the page, or goes back: what is not saved goes along, and the browser asks where it may not arrive.
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "hidden") {
    forms.filter((form) => form.isInDanger).forEach((form) => form.save());
  }
});
addEventListener("pagehide", () => {
  for (const form of forms.filter((each) => each.isInDanger)) {
    form.post({ keepalive: true }).catch(() => {});
  }
});
addEventListener("beforeunload", (event) => {
  if (forms.some((form) => form.isInDanger)) {
    event.preventDefault();
  }
});
addEventListener("online", saveAll);
addEventListener("pageshow", () => {
  for (const form of forms) {
    form.sends = false;
  }
});
