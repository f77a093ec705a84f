// The line at the top of a panel, in the colour of its database. It tells when a view of the panel
// opens and closes, and has words that end in an ellipsis told whole where they are pointed at.
// To a watch it answers when the page has drawn.

const ours = new WeakSet();

function tell(event) {
  for (let at = event.target; at !== event.currentTarget; at = at.parentElement) {
    if (at.title && !ours.has(at)) return;
    const cut = at.scrollWidth > at.clientWidth && getComputedStyle(at).textOverflow === "ellipsis";
    if (cut) ours.add(at);
    if (ours.has(at)) at.title = cut ? at.textContent : "";
  }
}

function render({ model, el }) {
  const rule = document.createElement("div");
  rule.className = "kit-rule";
  if (model.get("accent")) rule.style.setProperty("--kit-accent", model.get("accent"));
  el.append(rule);
  // It is drawn before it has its place on the page.
  const placed = requestAnimationFrame(function place() {
    const panel = el.closest(".kit-panel");
    if (panel) panel.addEventListener("mouseover", tell);
    else if (el.isConnected) requestAnimationFrame(place);
  });
  // What was sent before this question is on the page by the next frame.
  const asked = ({ event, value }) =>
    event === "draw" && requestAnimationFrame(() => model.send({ event: "drawn", value }));
  model.on("msg:custom", asked);
  const view = String(Math.random());
  model.send({ event: "shown", value: view });
  return () => {
    cancelAnimationFrame(placed);
    model.off("msg:custom", asked);
    model.send({ event: "gone", value: view });
  };
}

export default { render };
