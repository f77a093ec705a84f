// A table of which only the rows and columns in sight exist. Cells come from sheet.py, escaped.

const ROW = 28;
const TALLEST = 4_000_000; // what every browser can scroll, in pixels

function element(tag, name, parent) {
  const made = document.createElement(tag);
  made.className = name;
  parent?.append(made);
  return made;
}

function columnsIn(edges, left, right) {
  let first = 0;
  while (first < edges.length - 2 && edges[first + 1] <= left) first += 1;
  let last = first;
  while (last < edges.length - 2 && edges[last + 1] < right) last += 1;
  return [first, last + 1];
}

class Sheet {
  constructor(model, el) {
    Object.assign(this, { model, top: 0, waiting: false, quiet: false });
    const box = element("div", "kit-sheet-box", el);
    this.view = element("div", "kit-sheet-view", box);
    this.wide = element("div", "kit-sheet-wide", this.view);
    this.bar = element("div", "kit-sheet-bar", box);
    this.long = element("div", "", this.bar);
    this.place = element("p", "kit-limit kit-sheet-place", el);
    this.view.tabIndex = 0;
    this.view.setAttribute("role", "grid");
    this.view.setAttribute("data-lm-suppress-shortcuts", "true");
    this.bar.tabIndex = 0;
    this.bar.setAttribute("role", "group");
    this.bar.setAttribute("aria-label", "Scroll through the rows");
    this.view.addEventListener("scroll", () => this.draw());
    this.view.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    this.view.addEventListener("keydown", (event) => this.key(event));
    this.bar.addEventListener("scroll", () => this.dragged());
    this.el = el;
  }

  load() {
    this.facts = this.model.get("facts");
    this.block = this.model.get("first");
    this.edges = [0];
    for (const column of this.facts.columns) this.edges.push(this.edges.at(-1) + column.width);
    const { rows, seen, label, columns } = this.facts;
    this.shown = Math.min(rows, seen);
    this.last = Math.max(rows - this.shown, 0);
    this.top = 0;
    this.waiting = false;
    this.el.hidden = !columns.length;
    this.view.setAttribute("aria-label", label);
    this.view.setAttribute("aria-rowcount", rows + 1);
    this.view.setAttribute("aria-colcount", columns.length);
    const height = (this.shown + 1) * ROW;
    this.wide.style.width = `${this.edges.at(-1)}px`;
    this.wide.style.height = `${height}px`;
    this.bar.style.height = `${height}px`;
    this.bar.hidden = this.last === 0;
    this.long.style.height = `${Math.min(rows * ROW + ROW, TALLEST)}px`;
    this.bar.scrollTop = this.view.scrollLeft = 0;
    this.draw();
  }

  go(row) {
    const top = Math.max(0, Math.min(Math.round(row), this.last));
    if (top === this.top) return false;
    this.top = top;
    const reach = this.bar.scrollHeight - this.bar.clientHeight;
    this.quiet = true;
    this.bar.scrollTop = (reach * top) / this.last;
    this.draw();
    return true;
  }

  dragged() {
    if (this.quiet) {
      this.quiet = false;
      return;
    }
    const reach = this.bar.scrollHeight - this.bar.clientHeight;
    this.top = reach > 0 ? Math.round((this.bar.scrollTop / reach) * this.last) : 0;
    this.draw();
  }

  wheel(event) {
    if (Math.abs(event.deltaY) <= Math.abs(event.deltaX)) return;
    const rows = event.deltaMode === 1 ? event.deltaY : event.deltaY / ROW;
    const step = Math.sign(rows) * Math.max(1, Math.round(Math.abs(rows)));
    // At either end the page itself goes on scrolling.
    if (this.go(this.top + step)) event.preventDefault();
  }

  key(event) {
    const page = Math.max(this.shown - 1, 1);
    const rows = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page };
    rows.Home = -this.top;
    rows.End = this.last - this.top;
    const sideways = { ArrowRight: 80, ArrowLeft: -80 };
    if (!(event.key in rows) && !(event.key in sideways)) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.key in rows) this.go(this.top + rows[event.key]);
    else this.view.scrollLeft += sideways[event.key];
  }

  draw() {
    const left = this.view.scrollLeft;
    const width = this.view.clientWidth || 800;
    const [from, to] = columnsIn(this.edges, left, left + width);
    if (!this.facts.columns.length) return this.wide.replaceChildren();
    const head = this.line(0, "columnheader", from, to, (c) => this.facts.columns[c].name, true);
    const lines = [head];
    for (let i = 0; i < this.shown; i += 1) {
      const cells = this.block.cells[this.top + i - this.block.top];
      const found = (c) => cells?.[c - this.block.left];
      lines.push(this.line(i + 1, "gridcell", from, to, found, false));
    }
    this.wide.replaceChildren(...lines);
    this.say();
    this.want(from, to);
  }

  line(index, role, from, to, content, plain) {
    const row = element("div", plain ? "kit-sheet-row kit-sheet-head" : "kit-sheet-row");
    row.setAttribute("role", "row");
    row.setAttribute("aria-rowindex", plain ? 1 : this.top + index + 1);
    row.style.top = `${index * ROW}px`;
    for (let c = from; c < to; c += 1) {
      const column = this.facts.columns[c];
      const cell = element("div", column.right ? "kit-sheet-cell kit-number" : "kit-sheet-cell", row);
      cell.setAttribute("role", role);
      cell.setAttribute("aria-colindex", c + 1);
      cell.dir = column.right ? "ltr" : "auto";
      cell.style.left = `${this.edges[c]}px`;
      cell.style.width = `${column.width}px`;
      const inside = content(c);
      if (plain) cell.textContent = cell.title = inside;
      else if (inside === undefined) cell.textContent = "…";
      else cell.innerHTML = inside;
    }
    return row;
  }

  say() {
    const { rows, foot } = this.facts;
    const n = (number) => number.toLocaleString("en-US");
    const range = this.last ? `Rows ${n(this.top + 1)} to ${n(this.top + this.shown)} of ${n(rows)}` : "";
    this.place.textContent = [range, foot].filter(Boolean).join(" · ");
  }

  // Ask for what is missing, with a margin; one question at a time, the newest need wins.
  want(from, to) {
    const { top, left, cells } = this.block;
    const held = cells.length ? cells[0].length : 0;
    const bottom = Math.min(this.top + this.shown, this.facts.rows);
    const here = this.top >= top && bottom <= top + cells.length && from >= left && to <= left + held;
    if (here || this.waiting) return;
    this.waiting = true;
    const value = {
      top: Math.max(this.top - 2 * this.shown, 0),
      bottom: this.top + 3 * this.shown,
      left: Math.max(from - 8, 0),
      right: to + 8,
    };
    this.model.send({ event: "block", value });
  }

  hear(message) {
    if (message.event !== "block" || message.version !== this.facts.version) return;
    this.waiting = false;
    this.block = message;
    this.draw();
  }
}

function render({ model, el }) {
  el.classList.add("kit-sheet");
  const sheet = new Sheet(model, el);
  const load = () => sheet.load();
  const hear = (message) => sheet.hear(message);
  model.on("change:facts", load);
  model.on("msg:custom", hear);
  const sized = new ResizeObserver(() => sheet.facts && sheet.draw());
  load();
  sized.observe(sheet.view);
  return () => {
    sized.disconnect();
    model.off("change:facts", load);
    model.off("msg:custom", hear);
  };
}

export default { render };
