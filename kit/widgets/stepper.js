// Shows lanes made (and escaped) by stepper.py; the place scrolled to is kept.

function render({ model, el }) {
  el.classList.add("kit-lanes-box");
  const draw = () => {
    const before = el.querySelector(".kit-lanes-scroll");
    const place = before ? before.scrollLeft : 0;
    const focused = before !== null && before === document.activeElement;
    el.innerHTML = model.get("html");
    const after = el.querySelector(".kit-lanes-scroll");
    if (after) after.scrollLeft = place;
    if (after && focused) after.focus();
  };
  model.on("change:html", draw);
  draw();
  return () => model.off("change:html", draw);
}

export default { render };
