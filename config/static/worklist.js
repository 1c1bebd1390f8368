// The worklist looks every half minute what has changed, and says aloud that a red contact came. Place and focus stay.
// Without JavaScript the page is complete, and is loaded again by hand.
const LOOK_EVERY = 30000;
const announced = document.querySelector("[data-announce]");

const red = (page) => new Map([...page.querySelectorAll('tr[data-rating="red"]')].map((row) => [row.id, row]));

function announce(fresh) {
  const known = red(document);
  const [first, ...others] = [...red(fresh).values()].filter((row) => !known.has(row.id));
  if (first) {
    const link = first.querySelector("a").cloneNode(true);
    link.removeAttribute("id");
    announced.replaceChildren(`New red contact${others.length ? "s, the first" : ""}: `, link);
  }
}

function replace(fresh) {
  const focused = document.activeElement?.id;
  for (const part of document.querySelectorAll("[data-refresh]")) {
    const found = fresh.querySelector(`[data-refresh="${part.dataset.refresh}"]`);
    // By what is read: each answer has other tokens in its forms.
    if (found && found.textContent !== part.textContent) {
      part.innerHTML = found.innerHTML;
    }
  }
  // Who had the focus on a row has it again.
  if (focused && document.activeElement?.id !== focused) {
    document.getElementById(focused)?.focus({ preventScroll: true });
  }
}

async function look() {
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html", "X-By-Itself": "1" } });
    if (answer.redirected && new URL(answer.url).pathname !== location.pathname) {
      return; // Signed out: nothing is asked again.
    }
    if (answer.ok) {
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      announce(fresh);
      replace(fresh);
    }
  } catch {
    // The network is away for a moment.
  }
  setTimeout(look, LOOK_EVERY);
}

setTimeout(look, LOOK_EVERY);
