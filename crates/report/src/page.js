"use strict";
// Sorting: numbers by value, the rest by text; empty cells last.
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => head.firstChild.addEventListener("click", () => {
    const down = head.getAttribute("aria-sort") === "ascending";
    for (const other of heads) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const body = table.tBodies[0];
    const key = row => row.cells[column].textContent;
    const numeric = body.rows.length > 0 && body.rows[0].cells[column].classList.contains("n");
    const compare = (a, b) => {
      const [x, y] = [key(a), key(b)];
      if (x === "" || y === "") return (x === "") - (y === "");
      const order = numeric ? x.replaceAll(",", "") - y.replaceAll(",", "") : x.localeCompare(y);
      return down ? -order : order;
    };
    body.append(...[...body.rows].sort(compare));
  }));
}
// Filter: every word must occur in the row.
const filter = document.getElementById("filter");
filter?.addEventListener("input", () => {
  const words = filter.value.toLowerCase().split(/\s+/);
  for (const row of document.getElementById("trials").tBodies[0].rows) {
    const text = row.textContent.toLowerCase();
    row.hidden = !words.every(word => text.includes(word));
  }
});
// A point that is picked: what it is, its command, and its row in the table.
const panel = document.getElementById("picked");
let command = "";
const pick = mark => {
  for (const old of document.querySelectorAll(".picked")) old.classList.remove("picked");
  panel.hidden = !mark;
  if (!mark) return;
  const row = document.getElementById("trial-" + mark.dataset.row);
  command = row.querySelector("code").textContent;
  const lines = mark.querySelector("title").textContent.split("\n");
  if (lines[lines.length - 1] !== command) lines.push(command);
  panel.querySelector("pre").textContent = lines.join("\n");
  row.classList.add("picked");
  for (const same of document.querySelectorAll(`[data-row="${mark.dataset.row}"]`)) same.classList.add("picked");
};
document.addEventListener("click", event => {
  const mark = event.target.closest("[data-row]");
  if (mark) pick(mark);
});
document.addEventListener("keydown", event => {
  if (event.key === "Escape") pick(null);
  if (event.key === "Enter" && event.target.matches?.("[data-row]")) pick(event.target);
});
document.getElementById("close").addEventListener("click", () => pick(null));
document.getElementById("copy").addEventListener("click", async event => {
  try {
    await navigator.clipboard.writeText(command);
    event.target.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(panel.querySelector("pre"));
    event.target.textContent = "Selected";
  }
  setTimeout(() => { event.target.textContent = "Copy command"; }, 1500);
});
// Theme: as the system has it, then the other one, then the first again; kept if the browser lets a file keep anything.
const root = document.documentElement;
const remember = theme => { try { localStorage.setItem("vernier-theme", theme); } catch { /* not kept */ } };
try { root.dataset.theme = localStorage.getItem("vernier-theme") ?? ""; } catch { /* none kept */ }
document.getElementById("theme").addEventListener("click", () => {
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  remember(root.dataset.theme);
});
