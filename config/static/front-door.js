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

// Indicators are found by their words. What is selected stays in view; without JavaScript their groups are opened by hand.
for (const part of document.querySelectorAll("[data-indicators]")) {
  const place = part.querySelector("[data-search]");
  const [typed, said] = [place.querySelector("input"), place.querySelector("[role=status]")];
  place.hidden = false;
  typed.addEventListener("keydown", (event) => {
    if (event.key === "Enter") {
      event.preventDefault(); // It would send the form.
    }
  });
  typed.addEventListener("input", (event) => {
    event.stopPropagation(); // Nothing of the form has changed.
    const words = typed.value.toLowerCase().split(/\s+/).filter(Boolean);
    let found = 0;
    for (const group of part.querySelectorAll("details")) {
      let some = false;
      for (const item of group.querySelectorAll(".govuk-checkboxes__item")) {
        const text = item.textContent.toLowerCase();
        const isFound = words.every((word) => text.includes(word));
        const isChecked = item.querySelector("input").checked;
        item.hidden = !isFound && !isChecked;
        found += isFound;
        some ||= words.length ? !item.hidden : isChecked;
      }
      group.hidden = words.length > 0 && !some;
      group.open = some;
    }
    said.textContent = words.length ? `${found || "No"} indicator${found === 1 ? "" : "s"} found` : "";
  });
}
