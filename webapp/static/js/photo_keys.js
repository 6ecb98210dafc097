// On a photo's page: the arrow keys lead to the photos beside it, and buttons copy its text.
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || event.repeat) return;
  if (event.target.closest?.("input, textarea, select")) return;
  const beside = { ArrowLeft: "prev", ArrowRight: "next" }[event.key];
  if (beside) document.querySelector(`.beside [rel="${beside}"]`)?.click();
});

function imageElement(name, text) {
  const image = document.implementation.createHTMLDocument("").createElement("img"); // there it loads nothing
  image.setAttribute("src", name);
  image.setAttribute("alt", text);
  return image.outerHTML;
}

async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = document.createElement("textarea"); // without HTTPS a browser offers only this way
  field.value = text;
  document.body.append(field);
  field.select();
  const copied = document.execCommand("copy");
  field.remove();
  if (!copied) throw new Error("The browser does not copy.");
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-copy]");
  if (!button) return;
  const text = document.querySelector("h1.caption").textContent;
  let told = "Copied";
  try {
    await copy(button.dataset.copy === "img" ? imageElement(button.dataset.name, text) : text);
  } catch {
    told = "The browser does not let this page copy";
  }
  button.dataset.label ??= button.textContent;
  button.textContent = told;
  document.getElementById("announcer").textContent = told;
  setTimeout(() => (button.textContent = button.dataset.label), 2000);
});
