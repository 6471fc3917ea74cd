"use strict";

const DEFAULT_COUNT = { characters: 300, words: 60 };
let about = null;
let latest = 0; // The number of the newest text; slower answers to older ones are dropped.

function showText(prompt, written) {
  const text = make("p", "text");
  text.append(make("span", "quiet", prompt), make("span", "", written));
  element("result").replaceChildren(text);
  element("more").hidden = false;
}

async function write() {
  const number = ++latest;
  const prompt = element("prompt").value;
  element("error").textContent = "";
  element("write").disabled = element("more").disabled = true;
  try {
    if (!about) await loadAbout();
    const answer = await fetchJson(`v1/models/${about.name}:predict`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({
        signature_name: "generate",
        inputs: {
          prompt,
          count: element("count").valueAsNumber,
          temperature: element("temperature").valueAsNumber,
          seed: element("seed").valueAsNumber,
        },
      }),
    });
    if (number !== latest) return;
    const joins = about.unit === "words" && !/\s$/.test(prompt);
    showText(prompt, (joins ? " " : "") + answer.outputs.text);
  } catch (error) {
    if (number !== latest) return;
    element("error").textContent = `No text: ${error.message}.`;
  } finally {
    if (number === latest) element("write").disabled = element("more").disabled = false;
  }
}

async function loadAbout() {
  about = await fetchJson("about.json");
  element("intro").textContent =
    `The network “${about.name}” (version ${about.version}) knows ${about.vocabulary_size} ` +
    `different ${about.unit}. It goes on with what you write, ${about.unit.replace(/s$/, "")} by ` +
    `${about.unit.replace(/s$/, "")}.`;
  element("count").max = about.most;
  element("count").value = DEFAULT_COUNT[about.unit];
  element("address").textContent =
    `POST ${new URL(`v1/models/${about.name}:predict`, location.href)}`;
  showCells(about.cells, "h_t");
}

function listen() {
  element("form").addEventListener("submit", (event) => {
    event.preventDefault();
    write();
  });
  element("more").addEventListener("click", () => {
    element("prompt").value = element("result").textContent;
    element("seed").valueAsNumber += 1;
    write();
  });
  element("temperature").addEventListener("input", () => {
    element("degrees").textContent = element("temperature").valueAsNumber.toFixed(1);
  });
}

listen();
loadAbout().catch((error) => { element("error").textContent = `Not ready: ${error.message}.`; });
