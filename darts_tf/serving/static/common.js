"use strict";

// What the pages of all kinds of networks share.

const element = (id) => document.getElementById(id);

function make(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

async function fetchJson(address, options) {
  let response;
  try {
    response = await fetch(address, options);
  } catch (error) {
    throw new Error("the server does not answer; is it still running?");
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.error || `the server said ${response.status}`);
  return answer;
}

// What the server says of nodes, with c_{k-2} or h_t set as a letter and an index below the line.
function withIndices(text) {
  return text.split(/([chx]_(?:\{[^}]*\}|[kt]))/).flatMap((part) => {
    const index = part.match(/^([chx])_\{?([^}]*)\}?$/);
    return index ? [index[1], make("sub", "", index[2].replace("-", "−"))] : [part];
  });
}

function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function row(name, values) {
  const line = make("tr");
  const heading = make("th");
  heading.scope = "row";
  heading.append(...withIndices(name));
  line.append(heading);
  for (const value of values) {
    const data = make("td");
    data.append(...withIndices(value));
    line.append(data);
  }
  return line;
}

function cellTable(cell, output) {
  const table = make("table");
  table.append(make("caption", "", cell.title));
  for (const node of cell.nodes) {
    const edges = node.edges.length ? node.edges : ["is not used"];
    table.append(row(capital(node.name), edges));
  }
  table.append(row(`Output ${output}`, [cell.output]));
  const scroll = make("div", "scroll");
  scroll.append(table);
  return scroll;
}

function showCells(cells, output) {
  element("cells").hidden = !cells;
  if (!cells) return; // No genotype, or one of another form.
  element("legend").replaceChildren(...withIndices(`${capital(cells.legend)}.`));
  element("tables").replaceChildren(...cells.cells.map((cell) => cellTable(cell, output)));
}
