// What the test does to the page of `vernier report`, and what it then finds.
{
  const lines = [];
  const say = (name, value) => lines.push(name + ": " + value);
  const table = document.getElementById("trials");
  const column = n => [...table.tBodies[0].rows].filter(r => !r.hidden).map(r => r.cells[n].textContent);
  const heads = [...table.tHead.rows[0].cells];
  const at = name => heads.findIndex(h => h.textContent === name);
  const click = name => heads[at(name)].querySelector("button").click();
  click("accuracy, %"); say("up", column(at("accuracy, %")).join(" ").trim());
  click("accuracy, %"); say("down", column(at("accuracy, %")).join(" ").trim());
  say("sorted", heads.map(h => h.getAttribute("aria-sort")).filter(s => s).join(" ").trim());
  click("instructions"); say("numbers", column(at("instructions")).join(" ").trim());
  click("arithmetic"); say("texts", column(at("arithmetic")).slice(0, 3).join(" ").trim());
  const filter = document.getElementById("filter");
  filter.value = "toy E4M2"; filter.dispatchEvent(new Event("input"));
  say("filtered", column(at("arithmetic")).join(" ").trim());
  filter.value = ""; filter.dispatchEvent(new Event("input"));
  const dot = [...document.querySelectorAll("circle[data-row]")].find(c => c.textContent.includes("e5m2\n"));
  dot.dispatchEvent(new MouseEvent("click", { bubbles: true }));
  say("picked", document.querySelector("#picked pre").textContent.replaceAll("\n", " | "));
  say("marked", document.querySelector("tr.picked").cells[at("arithmetic")].textContent);
  document.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape" }));
  say("closed", document.getElementById("picked").hidden);
  const paper = () => getComputedStyle(document.body).backgroundColor;
  const before = paper();
  document.getElementById("theme").click();
  say("theme", before + " " + paper());
  say("wide", document.documentElement.scrollWidth <= innerWidth);
  say("failed", document.querySelector("tr.failed .result").textContent);
  say("heat", document.querySelectorAll(".cell").length);
  say("fetched", performance.getEntriesByType("resource").length);
  const result = document.createElement("pre");
  result.id = "result"; result.textContent = lines.join("\n");
  document.body.append(result);
}
