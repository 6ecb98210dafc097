// Review by keyboard: a approve, e edit (Enter saves, Escape undoes), r reject, n next. The buttons work without this.

const form = document.querySelector(".review-form");
const text = document.querySelector("#review-text");

function changed() {
  return text.value.trim() !== form.dataset.shown;
}

function write() {
  text.focus();
  text.select();
}

function refresh() {
  form.querySelector(".review-approve").disabled = changed(); // approving would discard the typed text
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.repeat) return;
  if (event.target === text) {
    if (event.key === "Enter") {
      event.preventDefault();
      form.querySelector(".review-edit").click();
    } else if (event.key === "Escape") {
      text.value = form.dataset.shown;
      refresh();
      text.blur();
    }
    return;
  }
  if (event.target.closest("input, textarea, select")) return;
  const key = event.key.toLowerCase();
  if (key === "e" && text) {
    event.preventDefault();
    write();
    return;
  }
  document.querySelector(`[data-key="${CSS.escape(key)}"]`)?.click();
});

if (form) {
  text.addEventListener("input", refresh);
  for (const alternative of document.querySelectorAll(".review-alternative")) {
    alternative.addEventListener("click", () => {
      text.value = alternative.textContent;
      refresh();
      text.focus();
    });
  }
  form.querySelector(".review-edit").addEventListener("click", (event) => {
    if (changed()) return;
    event.preventDefault();
    write();
  });
  let sent = false;
  form.addEventListener("submit", (event) => {
    if (sent) event.preventDefault(); // a second click must not decide on the next caption
    sent = true;
  });
  window.addEventListener("pageshow", () => {
    sent = false;
    refresh();
  });
}
