// While something on the page waits, one request a second asks for everything that has changed.
"use strict";

const POLL_MS = 1000;

function poll() {
  if (!document.hidden && document.querySelector("[data-pending]")) {
    htmx.trigger(document.body, "fovea:poll");
  }
}

setInterval(poll, POLL_MS);
document.addEventListener("visibilitychange", poll);
