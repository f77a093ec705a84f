// A plan as a tree grid: one stop for the Tab key, arrows inside.

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
    const name = `kit-plan-body${slow ? " kit-plan-slow" : ""}${step.faint ? " kit-plan-faint" : ""}`;
    const cell = stepCell(step, lines[at], make("span", "kit-plan-twig"));
    return line(name, [cell, ...columns.map((column) => figure(step.cells[column.key]))]);
  });
  grid.append(...rows);
  folding(rows, steps);
  const below = make("div", "kit-plan-below");
  const explained = region("kit-plan-explained", "The chosen step");
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

export default { render: renderer("kit-plan-tree", tree) };
