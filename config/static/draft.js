// The form for a contact saves itself while somebody types, and before it is sent. Where it cannot, it says so, stays on
// the page and tries again. Without JavaScript every button saves.
const WAIT = 1200;
const AGAIN = 5000;
const form = document.querySelector("form[data-draft]");
const saved = form.querySelector("[data-saved]");
const trouble = form.querySelector("[data-trouble]");
const announced = document.querySelector("[data-announced]");
const soFar = document.querySelector("[data-so-far]");
const { tokenFrom, signIn } = form.dataset;

let lastSaved = saved.textContent;
let unsaved = false;
let going = Promise.resolve(true);
let waiting;
let sends = false;
let leaves = false;

class SignedOut extends Error {}

function say(text, link) {
  trouble.hidden = !text;
  if (trouble.firstChild?.nodeValue !== text) {
    trouble.replaceChildren(text, ...(link ? [link] : []));
  }
}

function signInAgain() {
  const link = document.createElement("a");
  Object.assign(link, { href: signIn, target: "_blank", rel: "noopener noreferrer", className: "govuk-link" });
  link.textContent = "Sign in again (opens in a new tab)";
  return link;
}

function post(options) {
  const body = new URLSearchParams(new FormData(form));
  return fetch(`${form.action}save/`, { method: "POST", body, headers: { Accept: "application/json" }, ...options });
}

// Whoever signed in again has another token.
async function takeNewToken() {
  const answer = await fetch(tokenFrom);
  if (answer.redirected) {
    throw new SignedOut();
  }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const token = page.querySelector("input[name=csrfmiddlewaretoken]").value;
  for (const field of document.querySelectorAll("input[name=csrfmiddlewaretoken]")) {
    field.value = token;
  }
}

async function send() {
  let answer = await post();
  if (answer.status === 403 && !answer.headers.get("Content-Type").startsWith("application/json")) {
    await takeNewToken();
    answer = await post();
  }
  if (answer.redirected) {
    throw new SignedOut();
  }
  return answer;
}

// Returns whether everything that stands in the form is on the server.
async function saveOnce() {
  if (!unsaved) {
    return true;
  }
  unsaved = false;
  try {
    const answer = await send();
    const isJson = answer.headers.get("Content-Type").startsWith("application/json");
    const { says = "", submitted, version, saved: at, address, so_far: level } = isJson ? await answer.json() : {};
    if (answer.ok && isJson) {
      form.elements.version.value = version;
      if (form.action !== new URL(address, location.href).href) {
        form.action = address; // A draft of its own.
        history.replaceState(null, "", address);
      }
      showLevel(level);
      say(says);
      lastSaved = `Saved at ${at}`;
      if (!unsaved) {
        saved.textContent = lastSaved;
      }
      return !unsaved;
    }
    say(says || "What you typed since then could not be saved. It is on this page, and is saved again and again.");
    if (submitted) {
      return true;
    }
  } catch (error) {
    if (error instanceof SignedOut) {
      say("You are signed out. What you typed since then is on this page only. ", signInAgain());
    } else {
      say("There is no connection. What you typed since then is on this page only, and is saved when it is back.");
    }
  }
  unsaved = true;
  saved.textContent = lastSaved;
  later(AGAIN);
  return false;
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

// One after the other: each is based on the version that the one before made.
function save() {
  clearTimeout(waiting);
  going = going.then(saveOnce);
  return going;
}

function later(wait) {
  clearTimeout(waiting);
  waiting = setTimeout(save, wait);
}

function changed() {
  unsaved = true;
  saved.textContent = "Saving…";
  later(WAIT);
}

form.addEventListener("input", changed);
form.addEventListener("change", changed);

form.addEventListener("submit", async (event) => {
  if (sends) {
    return;
  }
  event.preventDefault();
  const button = event.submitter;
  const stays = button?.name === "save" && button.value === "stay";
  if (stays) {
    unsaved = true;
  }
  if ((await save()) && !stays) {
    // Not within this event: a form that is being submitted takes no other submission.
    setTimeout(() => {
      sends = true;
      form.requestSubmit(button);
    });
  }
});

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
  await save();
  location.assign(link.href);
});

document.addEventListener("submit", async (event) => {
  if (event.target === form || event.defaultPrevented || leaves) {
    return;
  }
  event.preventDefault();
  await save();
  setTimeout(() => {
    leaves = true;
    event.target.requestSubmit(event.submitter);
    leaves = false;
  });
});

// Whoever closes the page, or goes back: what is not saved goes along, and the browser asks where it may not arrive.
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "hidden" && unsaved && !sends) {
    save();
  }
});
addEventListener("pagehide", () => {
  if (unsaved && !sends) {
    post({ keepalive: true }).catch(() => {});
  }
});
addEventListener("beforeunload", (event) => {
  if (unsaved && !sends) {
    event.preventDefault();
  }
});
addEventListener("online", save);
addEventListener("pageshow", () => {
  sends = false;
});
