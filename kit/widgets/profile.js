// Bars that are drawn with the mouse, or moved one by one with the arrow keys.

const STEP = 0.05;

function render({ model, el }) {
  el.classList.add("kit-profile");
  const title = document.createElement("div");
  title.className = "kit-profile-title";
  title.textContent = model.get("label");
  const row = document.createElement("div");
  row.className = "kit-profile-row";
  row.setAttribute("role", "group");
  row.setAttribute("aria-label", model.get("label"));
  el.append(title, row);
  const told = () => model.send({ event: "drawn", value: shares() });
  const shares = () => [...row.children].map((bar) => Number(bar.dataset.share));
  const set = (bar, share) => {
    const kept = Math.min(1, Math.max(0, share));
    bar.dataset.share = kept;
    bar.style.setProperty("--kit-part", kept);
    bar.setAttribute("aria-valuenow", Math.round(kept * 100));
    bar.title = `${bar.dataset.hour}: ${Math.round(kept * 100)} %`;
  };
  const make = (share, hour) => {
    const bar = document.createElement("div");
    bar.className = "kit-profile-bar";
    bar.dataset.hour = `${hour}:00`;
    bar.tabIndex = hour === 0 ? 0 : -1;
    bar.setAttribute("role", "slider");
    bar.setAttribute("aria-label", `${hour}:00, per cent of the peak`);
    bar.setAttribute("aria-valuemin", 0);
    bar.setAttribute("aria-valuemax", 100);
    bar.append(document.createElement("i"), document.createElement("b"));
    bar.lastChild.textContent = hour % 6 === 0 ? hour : "";
    bar.addEventListener("focus", () => {
      for (const other of row.children) other.tabIndex = other === bar ? 0 : -1;
    });
    bar.addEventListener("keydown", (event) => {
      const by = { ArrowUp: STEP, ArrowDown: -STEP }[event.key];
      const next = { ArrowRight: "nextSibling", ArrowLeft: "previousSibling" }[event.key];
      if (next) bar[next]?.focus();
      if (by === undefined && !next) return;
      event.preventDefault();
      if (by === undefined) return;
      set(bar, Number(bar.dataset.share) + by);
      told();
    });
    set(bar, share);
    return bar;
  };
  let drawing = false;
  const point = (event) => {
    const bar = document.elementFromPoint(event.clientX, event.clientY)?.closest?.(".kit-profile-bar");
    if (!bar || bar.parentElement !== row) return;
    const box = bar.getBoundingClientRect();
    const height = box.height - 18;
    set(bar, Math.round((1 - (event.clientY - box.top) / height) / STEP) * STEP);
  };
  const end = () => {
    if (drawing) told();
    drawing = false;
  };
  row.addEventListener("pointerdown", (event) => {
    drawing = true;
    point(event);
  });
  row.addEventListener("pointermove", (event) => drawing && point(event));
  row.addEventListener("pointerleave", end);
  row.addEventListener("pointerup", end);
  const draw = () => {
    const bars = model.get("bars");
    if (row.children.length !== bars.length) row.replaceChildren(...bars.map(make));
    else bars.forEach((share, at) => set(row.children[at], share));
  };
  model.on("change:bars", draw);
  draw();
  return () => model.off("change:bars", draw);
}

export default { render };
