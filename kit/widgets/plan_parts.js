// What both pictures of a plan are drawn with; it stands before their own scripts.
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

function signed(made, { icon, word }) {
  const sign = make("span", "", icon);
  sign.setAttribute("aria-hidden", "true");
  made.append(sign, ` ${word}`);
  return made;
}

function mark(one) {
  return signed(make("span", `kit-plan-mark kit-plan-mark-${one.kind}`), one);
}

function signCell(one) {
  const made = make("div", "kit-plan-sign");
  made.setAttribute("role", "gridcell");
  return signed(made, one);
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

function figure(cell) {
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

function line(name, cells = []) {
  const row = make("div", `kit-plan-row ${name}`);
  row.setAttribute("role", "row");
  row.append(...cells);
  return row;
}

function heading(cells) {
  const row = line("kit-plan-head");
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

function region(name, label) {
  const made = make("div", name);
  made.setAttribute("role", "region");
  made.setAttribute("aria-label", label);
  made.setAttribute("aria-live", "polite");
  return made;
}

function renderer(name, draw) {
  return ({ model, el }) => {
    el.classList.add("kit-plan", name);
    const again = () => {
      el.replaceChildren();
      draw(el, model);
    };
    model.on("change:data", again);
    again();
    return () => model.off("change:data", again);
  };
}
