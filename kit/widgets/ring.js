// Shows a ring made (and escaped) by ring.py; pointing at a node, or focusing it, sets it off.

function render({ model, el }) {
  el.classList.add("kit-ring");
  const chosen = (event) => event.target.closest?.("[data-node]")?.dataset.node;
  const set = (node) => {
    el.classList.toggle("kit-ring-chosen", node !== undefined);
    for (const part of el.querySelectorAll("[data-node]")) {
      part.classList.toggle("kit-ring-set-off", part.dataset.node === node);
    }
  };
  const draw = () => {
    const focused = el.contains(document.activeElement) && document.activeElement.dataset.node;
    el.innerHTML = model.get("html");
    if (focused) el.querySelector(`li[data-node="${focused}"]`)?.focus();
  };
  el.addEventListener("mouseover", (event) => set(chosen(event)));
  el.addEventListener("mouseleave", () => set(undefined));
  el.addEventListener("focusin", (event) => set(chosen(event)));
  el.addEventListener("focusout", () => set(undefined));
  model.on("change:html", draw);
  draw();
  return () => model.off("change:html", draw);
}

export default { render };
