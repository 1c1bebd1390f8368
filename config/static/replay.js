// While a replay goes on, look every two seconds how far it is. Without JavaScript there is a button for it.
const LOOK_EVERY = 2000;

async function look() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html", "X-By-Itself": "1" } });
  if (!answer.ok) {
    return;
  }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const found = page.getElementById("progress");
  if (!found || !("goesOn" in found.dataset)) {
    location.reload();
    return;
  }
  for (const part of ["[role=status]", "progress"]) {
    const old = document.querySelector(`#progress ${part}`);
    const fresh = found.querySelector(part);
    if (old && fresh) {
      old.replaceWith(fresh);
    } else if (fresh) {
      location.reload();
      return;
    }
  }
  setTimeout(look, LOOK_EVERY);
}

setTimeout(look, LOOK_EVERY);
