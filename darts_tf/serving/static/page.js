"use strict";

const TOP = 5;
const KINDS = {
  image_classification: ["class", "classes"],
  multi_label_classification: ["label", "labels"],
  image_regression: ["number", "numbers"],
};
let about = null;
let latest = 0; // The number of the newest image; slower answers to older ones are dropped.

function percent(probability) {
  if (probability > 0 && probability < 0.001) return "under 0.1%";
  if (probability < 1 && probability > 0.999) return "over 99.9%";
  return (100 * probability).toFixed(1) + "%";
}

function readAsBase64(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => reject(new Error("the file cannot be read"));
    reader.readAsDataURL(file);
  });
}

function clear() {
  element("error").textContent = "";
  element("result").replaceChildren();
  element("bars").replaceChildren();
  element("rest").textContent = "";
}

function showImage(file) {
  const preview = element("preview");
  URL.revokeObjectURL(preview.src);
  preview.onload = () => {
    preview.hidden = false;
    preview.classList.toggle("small", preview.naturalWidth <= 64);
  };
  preview.onerror = () => { preview.hidden = true; };
  preview.src = URL.createObjectURL(file);
  preview.alt = "The chosen image";
  element("file-name").textContent = file.name;
  document.querySelector(".drop .call").textContent = "Choose another image";
}

function bar(label, probability) {
  const item = make("li");
  item.append(make("span", "label", label), make("span", "percent", percent(probability)));
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("aria-hidden", "true"); // The number beside it says the same.
  const rect = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  rect.setAttribute("width", `${100 * probability}%`);
  rect.setAttribute("height", "100%");
  svg.append(rect);
  item.append(svg);
  return item;
}

function showLabels(answer) {
  const order = answer.names.map((_, index) => index);
  order.sort((a, b) => answer.probabilities[b] - answer.probabilities[a]);
  const present = order.filter((index) => answer.present[index]);
  element("result").replaceChildren(
    make("p", "quiet", present.length === 1 ? "Label" : "Labels"),
    make("p", "name", present.map((index) => answer.names[index]).join(", ") || "none"),
  );
  element("bars").replaceChildren(
    ...order.map((index) => bar(answer.names[index], answer.probabilities[index])),
  );
}

function showNumbers(answer) {
  element("result").replaceChildren(
    ...answer.names.flatMap((name, index) => [
      make("p", "quiet", name),
      make("p", "name", String(Number(answer.values[index].toPrecision(5)))),
    ]),
  );
}

function showAnswer(answer) {
  if (about.task === "multi_label_classification") showLabels(answer);
  else if (about.task === "image_regression") showNumbers(answer);
  else showPrediction(answer.probabilities);
}

function showPrediction(probabilities) {
  const order = probabilities.map((_, index) => index);
  order.sort((a, b) => probabilities[b] - probabilities[a]);
  const top = order.slice(0, TOP);
  const best = top[0];
  element("result").replaceChildren(
    make("p", "quiet", "Most probable class"),
    make("p", "name", about.class_names[best]),
    make("p", "quiet", `Probability ${percent(probabilities[best])}`),
  );
  element("bars").replaceChildren(
    ...top.map((index) => bar(about.class_names[index], probabilities[index])),
  );
  const others = order.length - top.length;
  const sum = order.slice(TOP).reduce((total, index) => total + probabilities[index], 0);
  if (others > 0) {
    const what = others === 1 ? "The other class" : `The other ${others} classes`;
    element("rest").textContent = `${what} together: ${percent(sum)}.`;
  }
}

async function classify(file) {
  const number = ++latest;
  clear();
  showImage(file);
  element("result").replaceChildren(make("p", "placeholder", "Looking at it …"));
  try {
    const body = JSON.stringify({
      signature_name: "serving_bytes",
      instances: [{ b64: await readAsBase64(file) }],
    });
    if (!about) await loadAbout();
    const answer = await fetchJson(`v1/models/${about.name}:predict`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body,
    });
    if (number === latest) showAnswer(answer.predictions[0]);
  } catch (error) {
    if (number !== latest) return;
    clear();
    const reason = error.message.replace(/^image 0 /, "this file ");
    element("error").textContent = `No prediction: ${reason}.`;
  }
}

async function loadAbout() {
  about = await fetchJson("about.json");
  const [height, width, channels] = about.image_shape;
  const colour = channels === 1 ? "grey" : "colour";
  const [one, several] = KINDS[about.task] || KINDS.image_classification;
  const count = about.class_names.length;
  element("known").textContent = `The ${several} it knows`;
  element("intro").textContent =
    `The network “${about.name}” (version ${about.version}) knows ${count} ` +
    `${count === 1 ? one : several}. Your image is scaled to ${width} × ${height} pixels in ${colour} first. ` +
    "It should look like the images that the network was trained on.";
  element("classes").textContent = about.class_names.join(", ");
  element("address").textContent =
    `POST ${new URL(`v1/models/${about.name}:predict`, location.href)}`;
  showCells(about.cells, "c_k");
}

function listen() {
  const drop = element("drop");
  const input = element("file");
  input.addEventListener("change", () => {
    if (input.files.length) classify(input.files[0]);
    input.value = ""; // So that choosing the same file again is a change, too.
  });
  for (const type of ["dragover", "drop"]) {
    // Anywhere on the page: a missed drop must not make the browser leave the page.
    document.addEventListener(type, (event) => event.preventDefault());
  }
  drop.addEventListener("dragover", () => drop.classList.add("over"));
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  document.addEventListener("drop", (event) => {
    drop.classList.remove("over");
    if (event.dataTransfer.files.length) classify(event.dataTransfer.files[0]);
  });
  document.addEventListener("paste", (event) => {
    if (event.clipboardData.files.length) classify(event.clipboardData.files[0]);
  });
}

listen();
loadAbout().catch((error) => { element("error").textContent = `Not ready: ${error.message}.`; });
