// Draws the figure that chart.py worked out, as wide as there is room; text is never markup.
// The arrow keys, or the pointer, read the values off.

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 280;
const TOP = 28;
const BOTTOM = 44;
const LEFT = 56;

function make(parent, name, attributes, text) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== undefined) node.textContent = text;
  parent.append(node);
  return node;
}

const place = (axis, value) => (value - axis.low) / (axis.high - axis.low);
const known = (line) => line.points.filter((point) => point[1] !== null);
const ending = (line) =>
  `${line.label.length > 20 ? line.label.slice(0, 19) + "…" : line.label} ${line.last}`;

function spread(wanted, gap, low, high) {
  const order = wanted.map((_, i) => i).sort((a, b) => wanted[a] - wanted[b]);
  const placed = [...wanted];
  let floor = low;
  for (const i of order) {
    placed[i] = floor = Math.max(wanted[i], floor);
    floor += gap;
  }
  let ceiling = high;
  for (const i of order.reverse()) {
    placed[i] = ceiling = Math.min(placed[i], ceiling);
    ceiling -= gap;
  }
  return placed;
}

function layout(figure, width) {
  const longest = Math.max(0, ...figure.series.map((line) => ending(line).length));
  const inner = { w: width - LEFT - Math.min(220, 20 + 7 * longest), h: HEIGHT - TOP - BOTTOM };
  const x = (value) => LEFT + place(figure.x, value) * inner.w;
  const y = (value) => TOP + (1 - place(figure.y, value)) * inner.h;
  return { inner, x, y, base: TOP + inner.h, end: LEFT + inner.w };
}

function grid(svg, figure, at) {
  make(svg, "text", { x: LEFT, y: TOP - 12, class: "kit-axis" }, figure.y.label);
  for (const [value, label] of figure.y.ticks) {
    const y = at.y(value);
    make(svg, "line", { x1: LEFT, x2: at.end, y1: y, y2: y, class: "kit-gridline" });
    make(svg, "text", { x: LEFT - 8, y: y + 4, "text-anchor": "end", class: "kit-axis" }, label);
  }
  for (const [value, label] of figure.x.ticks) {
    const where = { x: at.x(value), y: at.base + 18, "text-anchor": "middle", class: "kit-axis" };
    make(svg, "text", where, label);
  }
  const corner = { x: at.end, y: at.base + 36, "text-anchor": "end", class: "kit-axis" };
  make(svg, "text", corner, figure.x.label);
}

function path(line, at) {
  let pen = "M";
  let drawn = "";
  for (const [x, y] of line.points) {
    if (y !== null) drawn += `${pen}${at.x(x).toFixed(1)} ${at.y(y).toFixed(1)}`;
    pen = y === null ? "M" : "L";
  }
  return drawn;
}

function lines(svg, figure, at) {
  const ended = figure.series.filter((line) => known(line).length);
  const lasts = ended.map((line) => known(line).at(-1));
  const heights = spread(lasts.map((p) => at.y(p[1])), 16, TOP, at.base);
  for (const line of figure.series) {
    make(svg, "path", { d: path(line, at), stroke: line.colour, class: "kit-line" });
  }
  ended.forEach((line, i) => {
    const [x, y] = lasts[i];
    make(svg, "circle", { cx: at.x(x), cy: at.y(y), r: 3.5, fill: line.colour });
    const where = { x: at.end + 10, y: heights[i] + 4, class: "kit-label" };
    make(svg, "text", where, ending(line));
  });
}

function reader(svg, figure, at, said) {
  const xs = [...new Set(figure.series.flatMap((l) => known(l).map((p) => p[0])))];
  xs.sort((a, b) => a - b);
  const hair = make(svg, "line", { y1: TOP, y2: at.base, class: "kit-hair" });
  const readout = make(svg, "text", { x: at.end, y: TOP - 12, "text-anchor": "end", class: "kit-label" });
  let index = -1;
  const show = (next) => {
    index = Math.max(0, Math.min(xs.length - 1, next));
    hair.setAttribute("x1", at.x(xs[index]));
    hair.setAttribute("x2", at.x(xs[index]));
    hair.style.visibility = "visible";
    const read = figure.series.map((line) => {
      const point = known(line).find((p) => p[0] === xs[index]);
      return point ? `${line.label} ${Number(point[1].toPrecision(5))}` : "";
    });
    readout.textContent = `${figure.x.label} ${xs[index]}: ${read.filter(Boolean).join(" · ")}`;
  };
  svg.addEventListener("pointermove", (event) => {
    if (!xs.length) return;
    const x = event.clientX - svg.getBoundingClientRect().left;
    const away = xs.map((value) => Math.abs(at.x(value) - x));
    show(away.indexOf(Math.min(...away)));
  });
  svg.addEventListener("pointerleave", () => {
    hair.style.visibility = "hidden";
    readout.textContent = "";
  });
  svg.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!move || !xs.length) return;
    event.preventDefault();
    event.stopPropagation();
    show(index < 0 ? (move > 0 ? 0 : xs.length - 1) : index + move);
    said.textContent = readout.textContent;
  });
}

function draw(model, el, said) {
  const figure = model.get("figure");
  const width = Math.max(360, el.clientWidth || 720);
  const at = layout(figure, width);
  const svg = document.createElementNS(SVG, "svg");
  const box = { viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, role: "img", tabindex: 0 };
  for (const [key, value] of Object.entries(box)) svg.setAttribute(key, value);
  svg.setAttribute("data-lm-suppress-shortcuts", "true");
  svg.setAttribute("aria-label", figure.words);
  if (figure.series.length) {
    grid(svg, figure, at);
    lines(svg, figure, at);
    reader(svg, figure, at, said);
  }
  const focused = el.firstElementChild === document.activeElement;
  el.replaceChildren(svg, said);
  if (focused) svg.focus();
}

function render({ model, el }) {
  el.classList.add("kit-chart");
  const said = document.createElement("span");
  said.className = "kit-unseen";
  said.setAttribute("role", "status");
  const redraw = () => draw(model, el, said);
  const watch = new ResizeObserver(redraw);
  watch.observe(el);
  model.on("change:figure", redraw);
  redraw();
  const view = String(Math.random());
  model.send({ event: "shown", value: view });
  return () => {
    watch.disconnect();
    model.off("change:figure", redraw);
    model.send({ event: "gone", value: view });
  };
}

export default { render };
