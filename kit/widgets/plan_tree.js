// A plan as a tree grid (one stop for the Tab key, arrows inside), or two plans side by side.
// Everything from the kernel is put in as text, never as markup.

function make(tag, name = "", text = "") {
  const made = document.createElement(tag);
  if (name) made.className = name;
  if (text) made.textContent = text;
  return made;
}

// For each step: which lines run through it, from the root's level inwards.
function guides(levels) {
  return levels.map((level, at) => {
    const drawn = [];
    for (let depth = 2; depth <= level; depth += 1) {
      let next = at + 1;
      while (next < levels.length && levels[next] > depth) next += 1;
      const more = levels[next] === depth;
      drawn.push(depth === level ? (more ? "tee" : "elbow") : more ? "line" : "blank");
    }
    return drawn;
  });
}

function mark({ icon, word, kind }) {
  const made = make("span", `kit-plan-mark kit-plan-mark-${kind}`);
  const sign = make("span", "", icon);
  sign.setAttribute("aria-hidden", "true");
  made.append(sign, ` ${word}`);
  return made;
}

function stepCell(step, lines, twig) {
  const cell = make("div", "kit-plan-step");
  cell.setAttribute("role", "gridcell");
  cell.append(...lines.map((kind) => make("span", `kit-plan-guide kit-plan-${kind}`)));
  if (twig) cell.append(twig);
  if (step.role) cell.append(make("span", "kit-plan-role", step.role));
  const text = make("span", "kit-plan-text");
  text.dir = "auto";
  text.append(make("span", "kit-plan-name", step.label), ` ${step.target}`);
  text.append(...step.marks.flatMap((one) => [" ", mark(one)]));
  cell.append(text);
  return cell;
}

function figure(column, cell) {
  const made = make("div", "kit-plan-number");
  made.setAttribute("role", "gridcell");
  if (!cell) return made;
  made.append(make("span", "", cell.text));
  if (cell.aside) made.append(make("span", "kit-plan-aside", cell.aside));
  if (cell.exact) made.title = cell.exact;
  if (cell.bar === null) return made;
  made.classList.add("kit-plan-bar");
  made.style.setProperty("--kit-share", String(cell.bar));
  return made;
}

function heading(cells) {
  const row = make("div", "kit-plan-row kit-plan-head");
  row.setAttribute("role", "row");
  for (const [label, hint, number] of cells) {
    const cell = make("div", number ? "kit-plan-number" : "", label);
    cell.setAttribute("role", "columnheader");
    cell.title = hint;
    row.append(cell);
  }
  return row;
}

function frame(el, model, role, template) {
  const grid = make("div", "kit-plan-grid");
  grid.setAttribute("role", role);
  grid.setAttribute("aria-label", model.get("label"));
  grid.setAttribute("data-lm-suppress-shortcuts", "true");
  grid.style.gridTemplateColumns = template;
  const scroll = make("div", "kit-plan-scroll");
  scroll.append(grid);
  el.append(scroll);
  return grid;
}

// Rows that are chosen by mouse or by the arrow keys; `chosen` is told which one.
function choosing(rows, chosen) {
  const choose = (row, focus = true) => {
    for (const other of rows) {
      other.tabIndex = other === row ? 0 : -1;
      other.setAttribute("aria-selected", String(other === row));
    }
    chosen(rows.indexOf(row));
    if (focus) row.focus({ preventScroll: false });
  };
  const visible = () => rows.filter((row) => !row.hidden);
  for (const row of rows) {
    row.addEventListener("click", () => choose(row));
    row.addEventListener("keydown", (event) => {
      const shown = visible();
      const at = shown.indexOf(row);
      const moves = {
        ArrowDown: () => shown[at + 1],
        ArrowUp: () => shown[at - 1],
        Home: () => shown[0],
        End: () => shown.at(-1),
        ArrowRight: () => (row.unfold && row.ariaExpanded === "false" ? row.unfold(true) : shown[at + 1]),
        ArrowLeft: () => (row.unfold && row.ariaExpanded === "true" ? row.unfold(false) : row.above),
        Enter: () => row.unfold && row.unfold(row.ariaExpanded !== "true"),
      };
      if (!moves[event.key]) return;
      event.preventDefault();
      event.stopPropagation();
      const next = moves[event.key]();
      if (next instanceof HTMLElement) choose(next);
    });
  }
  return choose;
}

function folding(rows, steps) {
  const hide = () => {
    const open = [];
    rows.forEach((row, at) => {
      open.length = steps[at].level;
      row.hidden = open.slice(1).includes(false);
      open[steps[at].level] = row.ariaExpanded !== "false";
    });
  };
  rows.forEach((row, at) => {
    const level = steps[at].level;
    row.above = rows.slice(0, at).findLast((_, i) => steps[i].level < level);
    row.setAttribute("aria-level", String(level));
    if (!(steps[at + 1]?.level > level)) return;
    const twig = row.querySelector(".kit-plan-twig");
    row.unfold = (open) => {
      row.ariaExpanded = String(open);
      twig.textContent = open ? "▾" : "▸";
      hide();
    };
    row.unfold(true);
    twig.addEventListener("click", (event) => {
      event.stopPropagation();
      row.unfold(row.ariaExpanded !== "true");
    });
  });
}

function explain(box, step) {
  const title = make("h4", "", [step.label, step.target].filter(Boolean).join(" "));
  const facts = make("dl", "kit-plan-facts");
  for (const [name, text] of step.facts) facts.append(make("dt", "", name), make("dd", "", text));
  box.replaceChildren(title, make("p", "", step.words), facts);
}

function remark(entry, pick) {
  const made = make("div", "kit-plan-remark");
  const title = make("button", "", entry.title);
  title.type = "button";
  title.title = "Show the step";
  title.addEventListener("click", () => pick(entry.step));
  made.append(title, make("p", "", entry.words));
  if (entry.code) made.append(make("code", "", entry.code));
  made.dataset.step = String(entry.step);
  return made;
}

function tree(el, model) {
  const columns = model.get("columns");
  const { steps, remarks, chosen, quiet, caution } = model.get("data");
  if (!steps?.length) return;
  if (caution) el.append(make("div", "kit-plan-caution", caution));
  const numbers = columns.map(() => "max-content").join(" ");
  const grid = frame(el, model, "treegrid", `minmax(240px, 1fr) ${numbers}`);
  grid.append(heading([["Step", "", false], ...columns.map((c) => [c.label, c.hint, true])]));
  const lines = guides(steps.map((step) => step.level));
  const rows = steps.map((step, at) => {
    const slow = step.marks.some((one) => one.kind === "slow");
    const row = make("div", `kit-plan-row kit-plan-body${slow ? " kit-plan-slow" : ""}`);
    row.setAttribute("role", "row");
    row.classList.toggle("kit-plan-faint", step.faint);
    row.append(stepCell(step, lines[at], make("span", "kit-plan-twig")));
    row.append(...columns.map((column) => figure(column, step.cells[column.key])));
    return row;
  });
  grid.append(...rows);
  folding(rows, steps);
  const below = make("div", "kit-plan-below");
  const explained = make("div", "kit-plan-explained");
  explained.setAttribute("role", "region");
  explained.setAttribute("aria-label", "The chosen step");
  explained.setAttribute("aria-live", "polite");
  const noticed = make("div");
  const choose = choosing(rows, (at) => {
    explain(explained, steps[at]);
    for (const one of noticed.children) one.dataset.chosen = String(one.dataset.step === String(at));
  });
  noticed.append(make("h4", "", "What to notice"));
  noticed.append(...remarks.map((entry) => remark(entry, (at) => choose(rows[at]))));
  if (!remarks.length) noticed.append(make("p", "kit-plan-faint", quiet));
  below.append(explained, noticed);
  el.append(below);
  choose(rows[chosen] ?? rows[0], false);
}

function side(step, lines, columns, name) {
  const empty = { label: "", target: "", role: "", marks: [], cells: {} };
  const cells = [stepCell(step ?? empty, step ? lines : []), ...columns.map((c) => figure(c, step?.cells[c.key]))];
  if (step) cells.forEach((cell) => cell.classList.add(name));
  return cells;
}

function diff(el, model) {
  const columns = model.get("columns");
  const { lines, chosen } = model.get("data");
  if (!lines?.length) return;
  el.classList.add("kit-plan-diff");
  const numbers = columns.map(() => "max-content").join(" ");
  const half = `minmax(160px, 1fr) ${numbers}`;
  const grid = frame(el, model, "grid", `${half} max-content ${half}`);
  const names = columns.map((column) => [column.label, column.hint, true]);
  grid.append(heading([["Before", "", false], ...names, ["", "", false], ["After", "", false], ...names]));
  const drawn = ["before", "after"].map((key) => {
    const kept = lines.filter((line) => line[key]);
    const found = guides(kept.map((line) => line[key].level));
    return new Map(kept.map((line, at) => [line, found[at]]));
  });
  const rows = lines.map((line) => {
    const row = make("div", `kit-plan-row kit-plan-body kit-plan-${line.mark.kind}`);
    row.setAttribute("role", "row");
    const sign = make("div", "kit-plan-sign");
    sign.setAttribute("role", "gridcell");
    const icon = make("span", "", line.mark.icon);
    icon.setAttribute("aria-hidden", "true");
    sign.append(icon, ` ${line.mark.word}`);
    row.append(...side(line.before, drawn[0].get(line), columns, "kit-plan-before"), sign);
    row.append(...side(line.after, drawn[1].get(line), columns, "kit-plan-after"));
    return row;
  });
  grid.append(...rows);
  const said = make("div", "kit-plan-said");
  said.setAttribute("role", "region");
  said.setAttribute("aria-label", "The chosen change");
  said.setAttribute("aria-live", "polite");
  const choose = choosing(rows, (at) => (said.textContent = lines[at].words));
  el.append(said);
  choose(rows[chosen] ?? rows[0], false);
}

function render({ model, el }) {
  el.classList.add("kit-plan");
  const draw = () => {
    el.replaceChildren();
    (model.get("view") === "diff" ? diff : tree)(el, model);
  };
  model.on("change:data", draw);
  draw();
  return () => model.off("change:data", draw);
}

export default { render };
