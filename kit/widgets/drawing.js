// Shows a drawing made (and escaped) by pen.py, and beneath it in words what is pointed at. One stop
// for the Tab key; the arrows go from thing to thing.

function titled(thing) {
  const title = document.createElementNS("http://www.w3.org/2000/svg", "title");
  title.textContent = thing.dataset.say;
  thing.prepend(title);
}

function render({ model, el }) {
  el.classList.add("kit-drawing");
  const sheet = document.createElement("div");
  sheet.className = "kit-sheet";
  sheet.tabIndex = 0;
  sheet.setAttribute("role", "group");
  sheet.setAttribute("data-lm-suppress-shortcuts", "true");
  const said = document.createElement("div");
  said.className = "kit-said";
  said.setAttribute("aria-live", "polite");
  el.append(sheet, said);
  let at = -1;
  let things = [];

  const point = (index) => {
    at = index < things.length ? index : -1;
    things.forEach((thing, i) => thing.classList.toggle("kit-at", i === at));
    said.textContent = at < 0 ? "" : things[at].dataset.say;
  };
  const draw = () => {
    sheet.innerHTML = model.get("svg");
    sheet.setAttribute("aria-label", model.get("label"));
    things = [...sheet.querySelectorAll("[data-say]")];
    things.forEach(titled);
    el.classList.toggle("kit-nothing", !model.get("svg"));
    if (!things.length) said.textContent = model.get("svg") ? "" : model.get("label");
    else point(at);
  };
  const under = (event) => {
    const thing = event.target.closest("[data-say]");
    if (thing) point(things.indexOf(thing));
  };
  sheet.addEventListener("pointerover", under);
  sheet.addEventListener("pointerleave", () => document.activeElement !== sheet && point(-1));
  sheet.addEventListener("blur", () => point(-1));
  sheet.addEventListener("keydown", (event) => {
    const last = things.length - 1;
    const forward = Math.min(at + 1, last);
    const back = Math.max(at - 1, 0);
    const moves = {
      ArrowRight: forward, ArrowDown: forward, ArrowLeft: back, ArrowUp: back, Home: 0, End: last,
    };
    if (!(event.key in moves) || !things.length) return;
    event.preventDefault();
    event.stopPropagation();
    point(moves[event.key]);
  });
  model.on("change:svg", draw);
  draw();
  const view = crypto.randomUUID ? crypto.randomUUID() : String(Math.random());
  model.send({ event: "shown", value: view });
  return () => {
    model.off("change:svg", draw);
    model.send({ event: "gone", value: view });
  };
}

export default { render };
