// The line at the top of a panel, in the colour of its database. It tells when a view of the panel
// opens and closes.

function render({ model, el }) {
  const rule = document.createElement("div");
  rule.className = "kit-rule";
  if (model.get("accent")) rule.style.setProperty("--kit-accent", model.get("accent"));
  el.append(rule);
  const view = String(Math.random());
  model.send({ event: "shown", value: view });
  return () => model.send({ event: "gone", value: view });
}

export default { render };
