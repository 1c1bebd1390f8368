// Small comforts where JavaScript runs; every page works without it.
import { initAll } from "./build/govuk-frontend.min.js";

document.body.classList.add("js-enabled", "govuk-frontend-supported");
initAll();

// A browser that goes back fills in again what was typed, and not the form's key. With its key, a contact that is sent in
// again is still the same contact.
for (const key of document.querySelectorAll('input[type="hidden"][name="key"]')) {
  key.value = history.state?.key ?? key.value;
  history.replaceState({ key: key.value }, "");
}

// A page that answers a form can be shown again only by sending the form again, and a browser refuses that. Back and
// Reload open the form instead, with the text that is kept of it. Its address ends in "&back": a link to a field of the
// form would otherwise lead to this page.
const kept = document.querySelector('meta[name="kept-form"]');
if (kept) {
  history.replaceState(history.state, "", kept.content);
}

// Indicators are found by their own words and by everyday words, the best match first. What is selected stays in view;
// without JavaScript the groups are opened by hand.
const wordsOf = (text) => text.toLowerCase().split(/[^\p{L}\p{N}&]+/u).filter(Boolean);

// How well a typed word matches one of the document: as it is, or as its beginning.
const ownRank = (typed, words) => (words.includes(typed) ? 1 : words.some((word) => word.startsWith(typed)) ? 2 : null);

// What is left of a word without its ending: "hit" of "hitting", "touch" of "touched". "Ring" stays as it is.
const stemOf = (word) => word.replace(/(?<=\p{L}{3})(?:ing|ed)$/u, "").replace(/(?<=\p{L}{2})([bdgkmnprt])\1$/u, "$1");

// "smacked" is found by "smack", "touching" by "touched", and "bru" on the way to "bruise".
const isEveryday = (typed, word) =>
  word === typed ||
  (typed.length > 4 && stemOf(typed) === stemOf(word)) ||
  (typed.length > 2 && (word.startsWith(typed) || (word.length > 2 && typed.startsWith(word) && typed.length < word.length + 4)));

function bestMatch(typed, indicator) {
  const own = ownRank(typed, indicator.words);
  const everyday = indicator.everyday.filter(({ words }) => words.some((word) => isEveryday(typed, word)));
  const [best] = everyday.sort((one, other) => one.rank - other.rank);
  if (best && (own === null || best.rank < own)) {
    return { rank: best.rank, why: best.phrase, isOwn: false };
  }
  return own === null ? null : { rank: own, why: typed, isOwn: true };
}

function whyFound(matches) {
  const quoted = [...new Set(matches.filter(({ isOwn }) => !isOwn).map(({ why }) => `“${why}”`))];
  return quoted.length ? `Found by the everyday ${quoted.length > 1 ? "words" : "word"} ${quoted.join(", ")}` : "Found by its own words";
}

for (const part of document.querySelectorAll("[data-indicators]")) {
  const [place, results] = [part.querySelector("[data-search]"), part.querySelector("[data-results]")];
  const [typed, said] = [place.querySelector("input"), place.querySelector("[role=status]")];
  const indicators = Array.from(part.querySelectorAll(".govuk-checkboxes__item"), (item) => {
    const [box, why] = [item.querySelector("input"), document.createElement("div")];
    why.id = `${box.id}_why`;
    why.className = "govuk-hint govuk-checkboxes__hint";
    const everyday = Object.entries(JSON.parse(item.dataset.everyday)).map(([phrase, rank]) => ({ phrase, rank, words: wordsOf(phrase) }));
    return { item, box, why, home: item.parentElement, words: wordsOf(item.textContent), everyday };
  });
  place.hidden = false;
  typed.addEventListener("keydown", (event) => {
    if (event.key === "Enter") {
      event.preventDefault(); // It would send the form.
    }
  });
  typed.addEventListener("input", (event) => {
    event.stopPropagation(); // Nothing of the form has changed.
    const words = [...new Set(wordsOf(typed.value))];
    for (const { item, box, why, home } of indicators) {
      why.remove();
      box.removeAttribute("aria-describedby");
      home.append(item); // Each group has its own again, in its order.
    }
    let found = indicators.map((indicator) => ({ indicator, matches: words.map((word) => bestMatch(word, indicator)).filter(Boolean) }));
    const most = Math.max(...found.map(({ matches }) => matches.length));
    found = found.filter(({ matches }) => most > 0 && matches.length === most);
    const rank = ({ matches }) => matches.reduce((sum, match) => sum + match.rank, 0);
    found.sort((one, other) => rank(one) - rank(other));
    for (const { indicator, matches } of found) {
      indicator.why.textContent = whyFound(matches);
      indicator.item.append(indicator.why);
      indicator.box.setAttribute("aria-describedby", indicator.why.id);
      results.append(indicator.item);
    }
    for (const group of part.querySelectorAll("details")) {
      const checked = indicators.filter(({ item, box }) => box.checked && group.contains(item));
      if (words.length) {
        results.append(...checked.map(({ item }) => item));
      }
      group.hidden = words.length > 0;
      group.open = checked.length > 0;
    }
    const tally = `${found.length || "No"} indicator${found.length === 1 ? "" : "s"} found`;
    const some = found.length && most < words.length ? " by some of these words" : "";
    said.textContent = words.length ? `${tally}${some}${found.length > 1 ? ", the best match first" : ""}` : "";
  });
}
