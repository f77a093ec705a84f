// The line at the top of a panel, in the colour of its database.

function render({ model, el }) {
  const rule = document.createElement("div");
  rule.className = "kit-rule";
  if (model.get("accent")) rule.style.setProperty("--kit-accent", model.get("accent"));
  el.append(rule);
}

export default { render };
