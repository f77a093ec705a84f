// Shows tables made (and escaped) by table.py; rows with a key can be chosen by mouse or keyboard.

function chooser(model, row) {
  const key = row.dataset.key;
  const box = document.createElement("input");
  box.type = "checkbox";
  box.checked = model.get("chosen").includes(key);
  box.setAttribute("aria-label", `Show ${row.cells[0].textContent}`);
  box.addEventListener("change", () => toggle(model, key, box.checked));
  const mark = document.createElement("span");
  mark.className = "kit-mark";
  mark.style.background = model.get("colours")[key] || "transparent";
  const cell = document.createElement("td");
  cell.className = "kit-choose";
  cell.append(box, mark);
  row.prepend(cell);
  row.classList.toggle("kit-chosen", box.checked);
}

function toggle(model, key, on) {
  const others = model.get("chosen").filter((other) => other !== key);
  model.set("chosen", on ? [...others, key] : others);
  model.save_changes();
  model.send({ event: "chosen", value: model.get("chosen") });
}

function draw(model, el) {
  const before = el.querySelector(".kit-scroll");
  const place = before ? [before.scrollTop, before.scrollLeft] : [0, 0];
  const focused = el.contains(document.activeElement) && document.activeElement.closest("tr");
  const key = focused && focused.dataset.key;
  el.innerHTML = model.get("html");
  el.querySelectorAll(".kit-scroll").forEach((box) => {
    box.tabIndex = 0;
    box.setAttribute("role", "region");
    box.setAttribute("aria-label", model.get("label"));
  });
  if (model.get("choosable")) {
    el.querySelectorAll("thead tr").forEach((row) => row.prepend(document.createElement("td")));
    el.querySelectorAll("tr[data-key]").forEach((row) => chooser(model, row));
  }
  const after = el.querySelector(".kit-scroll");
  if (after) [after.scrollTop, after.scrollLeft] = place;
  if (key) el.querySelector(`tr[data-key="${CSS.escape(key)}"] input`)?.focus();
}

function render({ model, el }) {
  el.classList.add("kit-tables");
  const redraw = () => draw(model, el);
  model.on("change:html change:chosen change:colours", redraw);
  redraw();
  const view = crypto.randomUUID ? crypto.randomUUID() : String(Math.random());
  model.send({ event: "shown", value: view });
  return () => {
    model.off("change:html change:chosen change:colours", redraw);
    model.send({ event: "gone", value: view });
  };
}

export default { render };
