// A tree by the WAI-ARIA pattern: one stop for the Tab key, arrows inside, Enter picks.

function item(node, path, state, pick) {
  const li = document.createElement("li");
  li.setAttribute("role", "treeitem");
  li.dataset.path = path;
  li.tabIndex = -1;
  const row = document.createElement("div");
  row.className = "kit-node";
  const twig = document.createElement("span");
  twig.className = "kit-twig";
  twig.setAttribute("aria-hidden", "true");
  const label = document.createElement("span");
  label.className = `kit-node-label kit-kind-${node.kind}`;
  label.dir = "auto";
  label.textContent = node.label;
  const note = document.createElement("span");
  note.className = "kit-node-note";
  note.dir = "auto";
  note.textContent = node.note;
  row.append(twig, label, note);
  row.title = node.note ? `${node.label} — ${node.note}` : node.label;
  li.append(row);
  li.pick = () => node.picked && pick(node.picked);
  if (node.children.length) branch(li, twig, node, path, state, pick);
  row.addEventListener("click", () => {
    state.focus(li);
    if (li.unfold) li.unfold(li.getAttribute("aria-expanded") !== "true");
  });
  row.addEventListener("dblclick", () => !li.unfold && li.pick());
  return li;
}

function branch(li, twig, node, path, state, pick) {
  const list = document.createElement("ul");
  list.setAttribute("role", "group");
  let filled = false;
  li.unfold = (open) => {
    if (open && !filled) {
      list.append(...node.children.map((n, i) => item(n, `${path}/${n.label}:${i}`, state, pick)));
      filled = true;
    }
    list.hidden = !open;
    twig.textContent = open ? "▾" : "▸";
    li.setAttribute("aria-expanded", String(open));
    state.open.set(path, open);
  };
  li.append(list);
  li.unfold(state.open.get(path) ?? node.open);
}

function keys(el, state, event) {
  const at = event.target.closest("li");
  if (!at) return;
  const all = [...el.querySelectorAll("li")].filter((li) => li.offsetParent !== null);
  const index = all.indexOf(at);
  const open = at.getAttribute("aria-expanded");
  const moves = {
    ArrowDown: () => all[index + 1],
    ArrowUp: () => all[index - 1],
    Home: () => all[0],
    End: () => all.at(-1),
    ArrowRight: () => (open === "false" ? at.unfold(true) : open && all[index + 1]),
    ArrowLeft: () => (open === "true" ? at.unfold(false) : at.parentElement.closest("li")),
    Enter: () => at.pick(),
  };
  if (!moves[event.key]) return;
  event.preventDefault();
  event.stopPropagation();
  const next = moves[event.key]();
  if (next instanceof HTMLElement) state.focus(next);
}

function render({ model, el }) {
  el.classList.add("kit-tree");
  const list = document.createElement("ul");
  list.setAttribute("role", "tree");
  list.setAttribute("aria-label", model.get("label"));
  list.setAttribute("data-lm-suppress-shortcuts", "true");
  const state = {
    open: new Map(),
    focus(li) {
      list.querySelectorAll('li[tabindex="0"]').forEach((other) => (other.tabIndex = -1));
      li.tabIndex = 0;
      li.focus();
    },
  };
  const pick = (value) => model.send({ event: "picked", value });
  const draw = () => {
    const nodes = model.get("nodes");
    list.replaceChildren(...nodes.map((n, i) => item(n, `${n.label}:${i}`, state, pick)));
    if (list.firstElementChild) list.firstElementChild.tabIndex = 0;
  };
  list.addEventListener("keydown", (event) => keys(list, state, event));
  el.append(list);
  model.on("change:nodes", draw);
  draw();
}

export default { render };
