// The photo's text is edited where it stands: click it or press e, Enter saves, Escape puts back; a number takes an
// alternative. The forms work without this.
const TIRING = 125; // characters after which screen readers tire
const LIMIT = 1000;

const editor = () => document.querySelector(".editor");
const field = () => document.getElementById("text-field");

function changed() {
  return field().value.trim() !== field().dataset.stands;
}

function write() {
  editor().open = true;
  field().focus();
  field().select();
}

function putBack() {
  field().value = field().dataset.stands;
  count();
  editor().open = false;
  editor().querySelector("summary").focus();
}

function count() {
  const length = [...field().value.trim()].length;
  const told = document.getElementById("text-length");
  const said = `${length.toLocaleString("en")} character${length === 1 ? "" : "s"}`;
  told.classList.toggle("over", length > TIRING);
  if (length > LIMIT) told.textContent = `${said}. The limit is ${LIMIT.toLocaleString("en")}: shorten it.`;
  else if (length > TIRING) told.textContent = `${said}. Screen readers tire after ${TIRING}.`;
  else told.textContent = `${said} of the ${TIRING} after which screen readers tire.`;
}

function fail(message) {
  const failure = document.getElementById("text-failure");
  failure.textContent = message;
  failure.hidden = false;
}

// An open editor is not asked about: what the worker writes meanwhile comes once it is closed.
function settle() {
  const asked = document.querySelector('#panel [name="seen_photo"]');
  if (asked) asked.disabled = Boolean(editor()?.open);
  if (editor()) count();
}

document.addEventListener("toggle", (event) => {
  if (event.target !== editor()) return;
  settle();
  if (editor().open && document.activeElement !== field()) field().focus();
}, true);

document.addEventListener("click", (event) => {
  if (event.target.closest?.(".cancel")) putBack();
  if (event.target.closest?.("#panel h1.caption") && editor() && getSelection().isCollapsed) write(); // a selection is for copying
});

document.addEventListener("input", (event) => {
  if (event.target === field()) count();
});

document.addEventListener("keydown", (event) => {
  if (event.isComposing || event.keyCode === 229 || !editor()) return; // Enter also ends a word of an input method
  if (event.target === field()) {
    if (event.key === "Escape") putBack();
    if (event.key !== "Enter") return;
    event.preventDefault();
    if (changed()) field().form.querySelector(".save").click();
    else putBack();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (event.target.closest?.("input, textarea, select")) return;
  if (event.key === "e") {
    event.preventDefault();
    write();
  } else if (event.key === "Escape" && editor().open) {
    putBack();
  } else if (/^[1-9]$/.test(event.key)) {
    document.querySelectorAll(".alternative")[event.key - 1]?.click();
  }
});

window.addEventListener("beforeunload", (event) => {
  if (editor()?.open && changed()) event.preventDefault(); // the browser asks
});

// --- The answer ------------------------------------------------------------------------------------------------------
const posted = (event) => event.detail.requestConfig?.verb === "post";

document.addEventListener("htmx:beforeSwap", (event) => {
  if (!posted(event)) return;
  const { xhr } = event.detail;
  const panel = xhr.responseText.includes('id="panel"');
  event.detail.shouldSwap = panel; // a refused text comes with its reason; a login page does not belong here
  event.detail.isError = !panel && xhr.status >= 400;
  if (xhr.status < 400 && !panel) fail("It was not saved: you are logged out. Copy your text, then reload this page.");
});
document.addEventListener("htmx:responseError", (event) => {
  if (posted(event)) fail(`It was not saved: the site answered ${event.detail.xhr.status}. Try again, or copy your text and reload this page.`);
});
document.addEventListener("htmx:sendError", (event) => {
  if (posted(event)) fail("It was not saved: the site could not be reached. Your text is still here. Try again.");
});
document.addEventListener("htmx:oobBeforeSwap", (event) => {
  if (event.detail.target.id === "panel" && editor()?.open) event.preventDefault(); // it was asked for before
});
for (const kind of ["htmx:afterSwap", "htmx:oobAfterSwap"]) {
  document.addEventListener(kind, (event) => {
    const panel = document.getElementById("panel");
    document.querySelector(".picture img").alt = panel.dataset.alt;
    settle();
    if (!posted(event)) return;
    document.getElementById("attention").hidden = true;
    if (editor().open) field().focus();
    else editor().querySelector("summary").focus();
    document.getElementById("announcer").textContent = editor().open ? "" : `Saved: ${panel.querySelector("h1").textContent}`;
  });
}

settle();
