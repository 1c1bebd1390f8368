// Passkeys: a button with `data-passkey` asks the browser, and sends what it answers with the button's form. Without
// JavaScript the button stays hidden, and a code from an app signs in as well.
const toBytes = (text) =>
  Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
const toText = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, "-")
    .replace(/\//g, "_")
    .replace(/=+$/, "");
const known = (list = []) => list.map((each) => ({ ...each, id: toBytes(each.id) }));

async function make({ publicKey }) {
  const options = {
    ...publicKey,
    challenge: toBytes(publicKey.challenge),
    user: { ...publicKey.user, id: toBytes(publicKey.user.id) },
    excludeCredentials: known(publicKey.excludeCredentials),
    // It is kept on the device, so that it can sign in by itself, and it asks for the finger, the face or the PIN.
    authenticatorSelection: { residentKey: "required", requireResidentKey: true, userVerification: "required" },
  };
  const made = await navigator.credentials.create({ publicKey: options });
  return { made, response: { attestationObject: toText(made.response.attestationObject) } };
}

async function use({ publicKey }) {
  const options = {
    ...publicKey,
    challenge: toBytes(publicKey.challenge),
    allowCredentials: known(publicKey.allowCredentials),
  };
  const made = await navigator.credentials.get({ publicKey: options });
  const { authenticatorData, signature, userHandle } = made.response;
  return {
    made,
    response: {
      authenticatorData: toText(authenticatorData),
      signature: toText(signature),
      userHandle: userHandle ? toText(userHandle) : null,
    },
  };
}

async function optionsOf(form) {
  const here = document.getElementById("passkey-options");
  if (here) {
    const { creation_options: creation, request_options: request } = JSON.parse(here.textContent);
    return creation ?? request;
  }
  const answer = await fetch(form.action, { headers: { Accept: "application/json" } });
  return (await answer.json()).request_options;
}

for (const button of document.querySelectorAll("[data-passkey]")) {
  const { form } = button;
  const problem = form.querySelector("[data-problem]");
  button.hidden = !window.PublicKeyCredential;
  form.querySelector("[data-without]").hidden = Boolean(window.PublicKeyCredential);
  // Enter in a field of the form does the same as the button.
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    problem.textContent = "";
    try {
      const { made, response } = await (button.dataset.passkey === "add" ? make : use)(await optionsOf(form));
      form.elements.credential.value = JSON.stringify({
        id: made.id,
        rawId: toText(made.rawId),
        type: made.type,
        clientExtensionResults: made.getClientExtensionResults(),
        response: { clientDataJSON: toText(made.response.clientDataJSON), ...response },
      });
      form.submit();
    } catch {
      problem.textContent = button.dataset.says;
    }
  });
}
