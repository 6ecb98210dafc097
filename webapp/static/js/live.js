// While something on the page waits, asks the site for changes once a second.
const POLL_MS = 1000;

function poll() {
  if (!document.hidden && document.querySelector("[data-pending]")) {
    htmx.trigger(document.body, "fovea:poll");
  }
}

setInterval(poll, POLL_MS);
document.addEventListener("visibilitychange", poll);
