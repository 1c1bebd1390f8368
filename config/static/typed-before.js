// What somebody typed before the scripts of the page were there: no script heard of it. It differs from what the server
// sent. After Back or Reload the browser itself fills in what stood there, which may be recorded by now: that is not typed.
const isNew = performance.getEntriesByType("navigation")[0]?.type === "navigate";

const valuesOf = (form) => new URLSearchParams(new FormData(form)).toString();

export function isTypedInto(form) {
  if (!isNew) {
    return false;
  }
  const asSent = form.cloneNode(true);
  asSent.reset();
  return valuesOf(form) !== valuesOf(asSent);
}
