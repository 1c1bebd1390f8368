// While somebody is written down on the form for a contact, likely families are shown beside. Without JavaScript there is
// a step of its own for it.
import { isTypedInto } from "./typed-before.js";

const WAIT = 700;
const FIELDS = ["first_name", "last_name", "address_lines", "postcode", "phone", "nhs_number",
  "date_of_birth_day", "date_of_birth_month", "date_of_birth_year"];

for (const place of document.querySelectorAll("[data-likely]")) {
  const part = place.closest("section");
  const prefix = place.dataset.likely;
  const token = document.querySelector("input[name=csrfmiddlewaretoken]").value;
  let asked = "";
  let waiting;
  let going;

  const look = async () => {
    const typed = new URLSearchParams();
    for (const name of FIELDS) {
      const field = part.querySelector(`[name="${prefix}-${name}"]`);
      typed.set(name, field ? field.value.trim() : "");
    }
    if (typed.toString() === asked) {
      return;
    }
    asked = typed.toString();
    going?.abort();
    going = new AbortController();
    try {
      const answer = await fetch(place.dataset.from, {
        method: "POST", body: typed, headers: { "X-CSRFToken": token }, signal: going.signal,
      });
      if (answer.ok && !answer.redirected) {
        place.innerHTML = await answer.text();
      }
    } catch {
      // A newer look took its place, or the network is away: the form goes on without.
    }
  };

  const lookSoon = () => {
    clearTimeout(waiting);
    waiting = setTimeout(look, WAIT);
  };

  part.addEventListener("input", (event) => {
    if (FIELDS.some((name) => event.target.name === `${prefix}-${name}`)) {
      lookSoon();
    }
  });
  if (isTypedInto(part.closest("form"))) {
    lookSoon();
  }
}
