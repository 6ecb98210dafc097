// Shows where the model looked for a word that is pointed at, focused or pressed. Dims the rest of the photo.
const canvas = document.getElementById("attention");
const DIM = 0.72; // opacity of the veil where the weight is zero

function maps() {
  const data = document.getElementById("attention-maps");
  return data ? JSON.parse(data.textContent) : null;
}

function draw(index) {
  const found = maps();
  if (!found || index >= found.shape[0]) return;
  const [, height, width] = found.shape;
  const bytes = Uint8Array.from(atob(found.data), (character) => character.charCodeAt(0));
  const map = bytes.subarray(index * height * width, (index + 1) * height * width);
  const greatest = Math.max(1, ...map);
  const small = new OffscreenCanvas(width, height);
  const context = small.getContext("2d");
  const pixels = context.createImageData(width, height);
  map.forEach((weight, place) => pixels.data.set([8, 12, 14, 255 * DIM * (1 - weight / greatest)], 4 * place));
  context.putImageData(pixels, 0, 0);
  const large = canvas.getContext("2d");
  large.clearRect(0, 0, canvas.width, canvas.height);
  large.imageSmoothingEnabled = true;
  large.imageSmoothingQuality = "high";
  large.drawImage(small, 0, 0, canvas.width, canvas.height);
  canvas.dataset.resize = found.resize;
  canvas.hidden = false;
}

function pressed() {
  return document.querySelector(".word[aria-pressed='true']");
}

function press(word) {
  const before = pressed();
  before?.setAttribute("aria-pressed", "false");
  if (word && word !== before) word.setAttribute("aria-pressed", "true");
  settle();
}

function settle() {
  const word = pressed();
  if (word) draw(Number(word.dataset.index));
  else canvas.hidden = true;
}

function wordOf(event) {
  return event.target.closest?.("button.word");
}

for (const kind of ["pointerover", "focusin"]) {
  document.addEventListener(kind, (event) => {
    const word = wordOf(event);
    if (word) draw(Number(word.dataset.index));
  });
}
for (const kind of ["pointerout", "focusout"]) {
  document.addEventListener(kind, (event) => {
    if (wordOf(event)) settle();
  });
}
document.addEventListener("click", (event) => {
  const word = wordOf(event);
  if (word) press(word);
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") press(null);
});
