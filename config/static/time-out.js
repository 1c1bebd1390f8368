// Warns before the session ends, and goes to the sign-in page when it has. The server decides and is asked each time:
// another tab may have put the end off. Without JavaScript the sign-in page says when one is signed out.
import { isTypedInto } from "./typed-before.js";

const dialog = document.querySelector("[data-time-out]");
const { timeOut: address, signIn, who } = dialog.dataset;
const [warnsBefore, tellsEvery] = [Number(dialog.dataset.warnsBefore), Number(dialog.dataset.tellsEvery)];
const [left, said, stayButton] = ["[data-left]", "[data-said]", "[data-stay]"].map((part) => dialog.querySelector(part));
const otherTabs = new BroadcastChannel("front-door-presence");
// What is done with these has reached the server by itself.
const SAVES_ITSELF = "form[data-draft]";
const isAnother = (form) => form.method === "post" && !form.matches(SAVES_ITSELF) && !dialog.contains(form);
// All other forms in which somebody has typed.
const changed = new Set(Array.from(document.forms).filter((form) => isAnother(form) && isTypedInto(form)));

let endsAt = Date.now() + Number(dialog.dataset.endsIn) * 1000;
let toldAt = Date.now();
let asks = false;
let leaves = false;

const secondsLeft = () => Math.max(0, Math.round((endsAt - Date.now()) / 1000));

function inWords(seconds) {
  if (seconds > 60) {
    const minutes = Math.round(seconds / 60);
    return minutes === 1 ? "1 minute" : `${minutes} minutes`;
  }
  return seconds === 1 ? "1 second" : `${seconds} seconds`;
}

function takeOver({ ends_in: endsIn, can_stay: canStay }) {
  endsAt = Date.now() + endsIn * 1000;
  dialog.querySelector("[data-can-stay]").hidden = !canStay;
  dialog.querySelector("[data-cannot-stay]").hidden = canStay;
  stayButton.hidden = !canStay;
  if (secondsLeft() > warnsBefore && dialog.open) {
    dialog.close();
  }
}

// What stands in forms and could not be saved, or does not save itself, is sent to be kept: the sign-in page leads back
// to it.
async function keepForms() {
  for (const form of [...changed, ...document.querySelectorAll("form[data-unsaved]")]) {
    const body = new URLSearchParams([...new FormData(form)].filter(([, value]) => typeof value === "string"));
    try {
      const answer = await fetch(form.getAttribute("action") || location.href, { method: "POST", body, headers: { "X-Keep-Only": "1", Accept: "text/html" }, redirect: "manual" });
      if (answer.type === "opaqueredirect") {
        form.removeAttribute("data-unsaved");
      }
    } catch {
      // The network is away: nothing more can be done.
    }
  }
}

async function leave() {
  if (!leaves) {
    leaves = true;
    await keepForms();
    location.replace(`${signIn}?next=${encodeURIComponent(location.pathname + location.search)}`);
  }
}

// Asks the server when the session ends; by POST it is told that somebody is there.
async function ask(method = "GET") {
  if (asks || leaves) {
    return;
  }
  asks = true;
  try {
    const token = dialog.querySelector("input[name=csrfmiddlewaretoken]").value;
    const headers = method === "POST" ? { "X-CSRFToken": token } : { "X-By-Itself": "1" };
    const answer = await fetch(address, { method, headers, redirect: "manual" });
    const says = answer.ok ? await answer.json() : null;
    if (answer.type === "opaqueredirect" || (says && String(says.who) !== who)) {
      await leave();
    } else if (says) {
      takeOver(says);
      otherTabs.postMessage(says);
    }
  } catch {
    // The network is away for a moment.
  }
  asks = false;
}

function stay() {
  toldAt = Date.now();
  return ask("POST");
}

function show() {
  if (!dialog.open) {
    dialog.showModal();
    said.textContent = "";
  }
  const words = inWords(secondsLeft());
  left.textContent = words;
  // Not each second is read out.
  if ([60, 30, 10].includes(secondsLeft())) {
    said.textContent = `You will be signed out in ${words}`;
  }
}

let waits = 0;
setInterval(async () => {
  if (leaves || secondsLeft() > warnsBefore) {
    waits = 0;
    return;
  }
  // Before it is shown, when it is over, and now and then between.
  if (waits % 10 === 0 || secondsLeft() === 0) {
    await ask();
  }
  waits += 1;
  if (!leaves && secondsLeft() <= warnsBefore) {
    show();
  }
}, 1000);

otherTabs.addEventListener("message", ({ data }) => {
  if (String(data.who) === who) {
    takeOver(data);
  }
});

// Whoever types or presses something is there: forms that do not save themselves tell nobody else.
for (const kind of ["keydown", "pointerdown", "input"]) {
  document.addEventListener(kind, () => {
    if (!dialog.open && Date.now() - toldAt > tellsEvery * 1000) {
      stay();
    }
  }, { passive: true });
}
document.addEventListener("input", ({ target }) => {
  const { form } = target;
  if (form && isAnother(form)) {
    changed.add(form);
  }
});
document.addEventListener("submit", ({ target }) => changed.delete(target));

// A computer that slept, or a tab that was behind others, has missed the time.
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") {
    ask();
  }
});
addEventListener("pageshow", (event) => {
  if (event.persisted) {
    ask();
  }
});

stayButton.addEventListener("click", stay);
dialog.addEventListener("cancel", (event) => {
  event.preventDefault();
  if (!stayButton.hidden) {
    stay();
  }
});
