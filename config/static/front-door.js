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
