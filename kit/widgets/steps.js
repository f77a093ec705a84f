// An ordered list of steps. What is typed lives here and is sent to the kernel as it is typed; a
// step's row is made once and moved about, so that neither text nor cursor is ever lost.

function element(tag, name, text = "") {
  const made = document.createElement(tag);
  if (name) made.className = name;
  made.textContent = text;
  return made;
}

function button(sign, words, act) {
  const made = element("button", "kit-step-button", sign);
  made.type = "button";
  made.title = words;
  made.setAttribute("aria-label", words);
  made.addEventListener("click", act);
  return made;
}

// What stands between backticks is set as code.
function ticked(text) {
  const made = element("span", "");
  text.split("`").forEach((part, i) => made.append(i % 2 ? element("code", "", part) : part));
  return made;
}

let numbers = 0;

class Row {
  constructor(list, item) {
    this.list = list;
    this.id = item.id;
    this.el = element("li", "kit-step-row");
    const head = element("div", "kit-step-head");
    this.number = element("span", "kit-step-number");
    this.on = element("input", "");
    this.on.type = "checkbox";
    this.kind = element("input", "kit-step-kind");
    this.kind.setAttribute("list", list.names);
    this.kind.spellcheck = false;
    this.figures = element("span", "kit-step-figures");
    const tools = element("span", "kit-step-tools");
    this.up = button("↑", "Move up", () => list.move(this, -1));
    this.down = button("↓", "Move down", () => list.move(this, 1));
    tools.append(this.up, this.down, button("✕", "Remove", () => list.remove(this)));
    head.append(this.number, this.on, this.kind, this.figures, tools);
    this.bar = element("div", "kit-step-bar");
    this.bar.append(element("span", ""));
    const body = element("div", "kit-step-body");
    const side = element("div", "kit-step-side");
    this.area = element("textarea", "");
    this.area.spellcheck = false;
    this.area.autocapitalize = "off";
    this.said = element("div", "kit-step-said");
    this.help = element("div", "kit-step-help");
    side.append(this.area, this.said, this.help);
    this.out = element("div", "kit-step-out");
    body.append(side, this.out);
    this.el.append(head, this.bar, body);
    this.fill(item);
    this.wire();
  }

  wire() {
    const { list } = this;
    const typed = () => {
      this.grow();
      this.explain();
      list.changed(this);
    };
    this.area.addEventListener("input", typed);
    this.kind.addEventListener("input", typed);
    this.on.addEventListener("change", () => {
      typed();
      // The page may take the focus from here before the click on Run does, which would store it.
      list.store();
    });
    for (const field of [this.area, this.kind]) {
      field.setAttribute("data-lm-suppress-shortcuts", "true");
      field.addEventListener("keypress", (event) => event.stopPropagation());
      field.addEventListener("keydown", (event) => this.keys(event));
    }
  }

  keys(event) {
    event.stopPropagation();
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      this.list.run();
    } else if (event.altKey && ["ArrowUp", "ArrowDown"].includes(event.key)) {
      event.preventDefault();
      this.list.move(this, event.key === "ArrowUp" ? -1 : 1);
    }
  }

  fill(item) {
    if (this.area.value !== item.text) this.area.value = item.text;
    if (this.kind.value !== item.kind) this.kind.value = item.kind;
    this.on.checked = item.on;
    this.grow();
    this.explain();
  }

  grow() {
    this.area.rows = Math.min(14, Math.max(2, this.area.value.split("\n").length));
    // Long lines are wrapped, which only the page can tell.
    this.area.style.height = "auto";
    const wanted = this.area.scrollHeight;
    this.area.style.height = wanted ? `${Math.min(wanted + 2, 298)}px` : "auto";
  }

  item() {
    return { id: this.id, kind: this.kind.value, text: this.area.value, on: this.on.checked };
  }

  explain() {
    const known = this.list.kinds().find((kind) => kind.name === this.kind.value.trim());
    this.help.replaceChildren();
    this.el.classList.toggle("kit-step-off", !this.on.checked);
    if (!known) return;
    this.help.append(ticked(known.help), " ");
    if (known.example && known.example !== this.area.value) {
      const use = element("button", "kit-step-link", "Show an example");
      use.type = "button";
      use.addEventListener("click", () => {
        const shown = this.help.querySelector("pre");
        if (shown) shown.remove();
        else this.help.append(element("pre", "", known.example));
        use.setAttribute("aria-expanded", String(!shown));
      });
      use.setAttribute("aria-expanded", "false");
      this.help.append(use, known.link ? " · " : "");
    }
    if (known.link) {
      const more = element("a", "", "Manual");
      more.href = known.link;
      more.target = "_blank";
      more.rel = "noopener";
      this.help.append(more);
    }
  }

  place(index, count) {
    const name = `Step ${index + 1}`;
    this.number.textContent = index + 1;
    this.on.setAttribute("aria-label", `${name}: take part`);
    this.on.title = "Takes part";
    this.kind.setAttribute("aria-label", `${name}: stage`);
    this.area.setAttribute("aria-label", `${name}: value`);
    this.up.disabled = index === 0;
    this.down.disabled = index === count - 1;
  }

  stale() {
    this.el.classList.add("kit-step-stale");
  }

  tell(outcome) {
    this.el.classList.remove("kit-step-stale");
    this.el.dataset.state = outcome ? outcome.state : "";
    this.figures.replaceChildren();
    this.said.replaceChildren();
    this.out.replaceChildren();
    this.bar.firstChild.style.width = `${100 * ((outcome && outcome.share) ?? 0)}%`;
    this.bar.classList.toggle("kit-step-nobar", !outcome || outcome.share === null);
    if (!outcome) return;
    const sign = element("span", `kit-icon`, outcome.icon);
    sign.setAttribute("aria-hidden", "true");
    const words = [outcome.word, ...outcome.figures].filter(Boolean).join(" · ");
    this.figures.append(sign, ` ${words}`);
    if (outcome.message) this.said.append(element("pre", "", outcome.message));
    if (outcome.hint) {
      const hint = element("p", "kit-hint");
      hint.append(ticked(outcome.hint));
      this.said.append(hint);
    }
    if (outcome.caption) this.out.append(element("div", "kit-step-caption", outcome.caption));
    outcome.lines.forEach((line) => this.out.append(element("pre", "", line)));
    if (outcome.lines.length) {
      this.out.tabIndex = 0;
      this.out.setAttribute("role", "region");
      this.out.setAttribute("aria-label", outcome.caption);
    }
  }
}

class List {
  constructor(model, el) {
    this.model = model;
    this.names = `kit-steps-${(numbers += 1)}`;
    this.rows = [];
    this.ol = element("ol", "kit-steps");
    this.ol.setAttribute("aria-label", model.get("label"));
    const known = element("datalist", "");
    known.id = this.names;
    this.kinds().forEach((kind) => {
      const option = element("option", "");
      option.value = kind.name;
      known.append(option);
    });
    // Whoever clicks Run right after typing means what stands there.
    el.addEventListener("focusout", () => this.timer && this.store());
    el.append(known, this.ol);
  }

  kinds() {
    return this.model.get("kinds");
  }

  load() {
    const items = this.model.get("items");
    const had = new Map(this.rows.map((row) => [row.id, row]));
    this.rows = items.map((item) => {
      const row = had.get(item.id) ?? new Row(this, item);
      if (had.has(item.id) && !this.timer) row.fill(item);
      return row;
    });
    this.arrange();
    this.tell();
  }

  arrange() {
    // Moving a row would take the cursor out of it: only what stands elsewhere is moved.
    this.rows.forEach((row, i) => {
      if (this.ol.children[i] !== row.el) this.ol.insertBefore(row.el, this.ol.children[i] ?? null);
      row.place(i, this.rows.length);
    });
    while (this.ol.children.length > this.rows.length) this.ol.lastChild.remove();
  }

  tell() {
    const outcomes = this.model.get("outcomes");
    this.rows.forEach((row) => row.tell(outcomes[row.id]));
  }

  items() {
    return this.rows.map((row) => row.item());
  }

  store() {
    clearTimeout(this.timer);
    this.timer = null;
    this.model.set("items", this.items());
    this.model.save_changes();
    this.model.send({ event: "typed", value: { items: this.items() } });
  }

  changed(row) {
    this.rows.slice(this.rows.indexOf(row)).forEach((other) => other.stale());
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.store(), 200);
  }

  move(row, places) {
    const from = this.rows.indexOf(row);
    const to = from + places;
    if (to < 0 || to >= this.rows.length) return;
    const focused = document.activeElement;
    this.rows.splice(to, 0, ...this.rows.splice(from, 1));
    this.arrange();
    if (row.el.contains(focused)) (focused.disabled ? row.area : focused).focus();
    this.rows.slice(Math.min(from, to)).forEach((other) => other.stale());
    this.store();
  }

  remove(row) {
    const at = this.rows.indexOf(row);
    this.rows.splice(at, 1);
    this.arrange();
    this.rows.slice(at).forEach((other) => other.stale());
    this.store();
    this.rows[Math.min(at, this.rows.length - 1)]?.kind.focus();
  }

  run() {
    this.store();
    this.model.send({ event: "run" });
  }
}

function render({ model, el }) {
  const list = new List(model, el);
  const load = () => list.load();
  const tell = () => list.tell();
  model.on("change:items", load);
  model.on("change:outcomes", tell);
  load();
  requestAnimationFrame(() => list.rows.forEach((row) => row.grow()));
  return () => {
    model.off("change:items", load);
    model.off("change:outcomes", tell);
  };
}

export default { render };
