"use strict";

let about = null;
let latest = 0; // The number of the newest question; slower answers to older ones are dropped.

function readRows() {
  const lines = element("rows").value.split("\n").filter((line) => line.trim());
  const { window: rows, columns } = about;
  if (lines.length !== rows) throw new Error(`there are ${lines.length} rows, and ${rows} are needed`);
  return lines.map((line, number) => {
    const words = line.trim().split(/[\s,;]+/);
    const values = words.map(Number);
    const wrong = values.findIndex((value) => !Number.isFinite(value));
    if (wrong >= 0) throw new Error(`row ${number + 1} has “${words[wrong]}” instead of a number`);
    if (values.length !== columns.length) {
      throw new Error(`row ${number + 1} has ${values.length} numbers instead of ${columns.length}`);
    }
    return values;
  });
}

function showForecast(last, forecast) {
  const table = make("table");
  const head = make("tr");
  for (const title of ["", "last row", "forecast", "change"]) head.append(make("th", "", title));
  table.append(make("caption", "", ahead(about.horizon)), head);
  forecast.forEach((value, column) => {
    const line = make("tr");
    const change = value - last[column];
    line.append(make("th", "", about.columns[column]));
    for (const number of [last[column], value]) line.append(make("td", "", number.toPrecision(6)));
    // What is left of a difference of two such numbers.
    line.append(make("td", "", change.toPrecision(2)));
    table.append(line);
  });
  const box = make("div", "scroll");
  box.append(table);
  element("result").replaceChildren(box);
}

function ahead(horizon) {
  return horizon === 1 ? "The next row" : `The row ${horizon} after the last one`;
}

async function ask() {
  const number = ++latest;
  element("error").textContent = "";
  element("ask").disabled = true;
  try {
    if (!about) await loadAbout();
    const rows = readRows();
    const answer = await fetchJson(`v1/models/${about.name}:predict`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ instances: [rows] }),
    });
    if (number === latest) showForecast(rows.at(-1), answer.predictions[0]);
  } catch (error) {
    if (number === latest) element("error").textContent = `No forecast: ${error.message}.`;
  } finally {
    if (number === latest) element("ask").disabled = false;
  }
}

async function loadAbout() {
  about = await fetchJson("about.json");
  const { window: rows, columns } = about;
  element("intro").textContent =
    `The network “${about.name}” (version ${about.version}) reads ${rows} rows of ` +
    `${columns.length} columns and foretells the ` +
    `${about.horizon === 1 ? "next row" : `row ${about.horizon} after them`}.`;
  element("label").textContent = `The last ${rows} rows, the newest below: ${columns.join(", ")}`;
  element("hint").textContent =
    "Numbers in the series' own units, separated by commas or blanks. What stands here is the " +
    "first row of the series, again and again.";
  if (!element("rows").value) {
    element("rows").value = Array(rows).fill(about.first_row.join(", ")).join("\n");
  }
  element("address").textContent =
    `POST ${new URL(`v1/models/${about.name}:predict`, location.href)}`;
  showCells(about.cells, "h_t");
}

element("form").addEventListener("submit", (event) => {
  event.preventDefault();
  ask();
});
loadAbout().catch((error) => { element("error").textContent = `Not ready: ${error.message}.`; });
