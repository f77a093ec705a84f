// Shows shelves made (and escaped) by shelves.py; the place scrolled to is kept.

function render({ model, el }) {
  el.classList.add("kit-shelves-box");
  el.tabIndex = 0;
  el.setAttribute("role", "region");
  el.setAttribute("aria-label", model.get("label"));
  const draw = () => {
    const place = el.scrollTop;
    el.innerHTML = model.get("html");
    el.scrollTop = place;
  };
  model.on("change:html", draw);
  draw();
  return () => model.off("change:html", draw);
}

export default { render };
