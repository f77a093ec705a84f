// Two plans side by side, line by line.

function side(step, lines, columns, name) {
  const empty = { label: "", target: "", role: "", marks: [], cells: {} };
  const cells = [stepCell(step ?? empty, step ? lines : []), ...columns.map((c) => figure(step?.cells[c.key]))];
  if (step) cells.forEach((cell) => cell.classList.add(name));
  return cells;
}

function diff(el, model) {
  const columns = model.get("columns");
  const { lines, chosen } = model.get("data");
  if (!lines?.length) return;
  const numbers = columns.map(() => "max-content").join(" ");
  const half = `minmax(160px, 1fr) ${numbers}`;
  const grid = frame(el, model, "grid", `${half} max-content ${half}`);
  const names = columns.map((column) => [column.label, column.hint, true]);
  grid.append(heading([["Before", "", false], ...names, ["", "", false], ["After", "", false], ...names]));
  const drawn = ["before", "after"].map((key) => {
    const kept = lines.filter((pair) => pair[key]);
    const found = guides(kept.map((pair) => pair[key].level));
    return new Map(kept.map((pair, at) => [pair, found[at]]));
  });
  const rows = lines.map((pair) => {
    const before = side(pair.before, drawn[0].get(pair), columns, "kit-plan-before");
    const after = side(pair.after, drawn[1].get(pair), columns, "kit-plan-after");
    return line(`kit-plan-body kit-plan-${pair.mark.kind}`, [...before, signCell(pair.mark), ...after]);
  });
  grid.append(...rows);
  const said = region("kit-plan-said", "The chosen change");
  const choose = choosing(rows, (at) => (said.textContent = lines[at].words));
  el.append(said);
  choose(rows[chosen] ?? rows[0], false);
}

export default { render: renderer("kit-plan-diff", diff) };
