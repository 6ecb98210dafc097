// Uploads from the picker, by drag and drop and by paste: one request per file, three at a time. Each has its own line.
const form = document.getElementById("upload");
const picker = document.getElementById("file");
const lines = document.getElementById("uploads");
const PARALLEL = 3;
const LIMITS = { files: Number(form.dataset.maxFiles), bytes: Number(form.dataset.maxBytes) };
const waiting = [];
let running = 0;
let told = { taken: 0, same: 0, failed: 0 }; // of the files since no upload was running

function element(tag, className, text) {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

class Line {
  constructor(name) {
    this.item = element("li", "upload", "");
    this.bar = document.createElement("progress");
    this.bar.max = 1;
    this.bar.value = 0;
    this.bar.setAttribute("aria-label", `Uploading ${name}`);
    this.status = element("span", "upload-status", "Waiting");
    this.item.append(element("span", "upload-name", name), this.bar, this.status);
    lines.append(this.item);
  }

  progress(share) {
    this.bar.value = share;
    this.status.textContent = share < 1 ? `${Math.round(100 * share)} %` : "Checking…";
  }

  finish(kind, message, url) {
    this.item.classList.add(kind);
    this.bar.remove();
    this.status.textContent = message;
    if (url) {
      const link = element("a", "", "Show it");
      link.href = url;
      this.status.append(" ", link);
    }
    const dismiss = element("button", "quiet dismiss", "×");
    dismiss.type = "button";
    dismiss.setAttribute("aria-label", `Dismiss: ${message}`);
    dismiss.addEventListener("click", () => this.item.remove());
    this.item.append(dismiss);
  }
}

function fail(message) {
  new Line("").finish("error", message);
}

function add(files) {
  if (files.length > LIMITS.files) {
    fail(`${files.length.toLocaleString("en")} files were chosen; the limit is ${LIMITS.files} at a time. Nothing was uploaded. Choose fewer files, or send a zip.`);
    return;
  }
  for (const file of files) {
    const line = new Line(file.name);
    const zip = /\.zip$/i.test(file.name);
    if (!zip && file.size > LIMITS.bytes) {
      told.failed += 1;
      line.finish("error", `${file.name}: The file has ${file.size.toLocaleString("en")} bytes; the limit is ${LIMITS.bytes.toLocaleString("en")}. Save it smaller or with more compression.`);
      continue;
    }
    waiting.push({ file, line, zip });
  }
  next();
}

function next() {
  while (running < PARALLEL && waiting.length) {
    running += 1;
    send(waiting.shift());
  }
  if (!running) sumUp();
}

function sumUp() {
  const { taken, same, failed } = told;
  const found = taken + same + failed;
  told = { taken: 0, same: 0, failed: 0 };
  if (found < 2) return; // one file has its own line
  const parts = [`${taken} taken`, `${same} there already`];
  if (failed) parts.push(`${failed} not taken (see the reasons above)`);
  new Line("").finish(failed ? "duplicate" : "created", `${found} found: ${parts.join(", ")}.`);
}

function send({ file, line, zip }) {
  const request = new XMLHttpRequest();
  const body = new FormData();
  body.append(zip ? "archive" : "file", file);
  request.open("POST", zip ? form.dataset.batchUrl : form.action);
  request.setRequestHeader("Accept", "application/json");
  request.setRequestHeader("X-CSRFToken", form.elements.csrfmiddlewaretoken.value);
  request.responseType = "json";
  request.upload.addEventListener("progress", (event) => line.progress(event.loaded / event.total));
  request.addEventListener("loadend", () => {
    running -= 1;
    show(request, file, line);
    next();
  });
  line.progress(0);
  request.send(body);
}

function show(request, file, line) {
  const result = request.response?.results?.[0];
  told[{ created: "taken", duplicate: "same" }[result?.status] ?? "failed"] += 1;
  if (!result) {
    const reason = request.status ? `the site answered ${request.status}` : "the site could not be reached";
    line.finish("error", `${file.name} was not uploaded: ${reason}. Reload the page and try again.`);
  } else if (result.status === "error") {
    line.finish("error", result.message);
  } else if (result.status === "created" && result.html) {
    const grid = document.getElementById("photos");
    if ("filtered" in grid.dataset) {
      line.finish("created", `${file.name} was added.`, result.url); // the filter may not find it
      return;
    }
    line.item.remove();
    grid.insertAdjacentHTML("afterbegin", result.html);
  } else {
    line.finish(result.status, result.message, result.url);
  }
}

picker.removeAttribute("required");
picker.addEventListener("change", () => {
  add([...picker.files]);
  picker.value = "";
});
form.addEventListener("submit", (event) => event.preventDefault());

document.addEventListener("paste", (event) => {
  const files = [...(event.clipboardData?.files ?? [])];
  if (files.length) add(files);
});

let depth = 0; // dragenter and dragleave fire for every element on the way
function carriesFiles(event) {
  return event.dataTransfer?.types.includes("Files");
}
document.addEventListener("dragenter", (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  depth += 1;
  document.body.classList.add("dropping");
});
document.addEventListener("dragleave", (event) => {
  if (!carriesFiles(event)) return;
  depth = Math.max(0, depth - 1);
  if (depth === 0) document.body.classList.remove("dropping");
});
document.addEventListener("dragover", (event) => {
  if (carriesFiles(event)) event.preventDefault();
});
document.addEventListener("drop", (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  depth = 0;
  document.body.classList.remove("dropping");
  add([...event.dataTransfer.files]);
});
