// A plain textarea that grows with its text and says when Ctrl+Enter is pressed.

function render({ model, el }) {
  el.classList.add("kit-editor");
  const area = document.createElement("textarea");
  area.spellcheck = false;
  area.autocapitalize = "off";
  area.value = model.get("value");
  area.placeholder = model.get("placeholder");
  area.setAttribute("aria-label", model.get("label"));
  area.setAttribute("data-lm-suppress-shortcuts", "true");
  const grow = () => {
    area.rows = Math.min(16, Math.max(4, area.value.split("\n").length));
  };
  const store = () => {
    grow();
    model.set("value", area.value);
    model.save_changes();
    model.send({ event: "typed", value: { value: area.value } });
  };
  const load = () => {
    if (area.value !== model.get("value")) area.value = model.get("value");
    grow();
  };
  area.addEventListener("input", grow);
  area.addEventListener("change", store);
  // The notebook would take Enter for its own.
  area.addEventListener("keypress", (event) => event.stopPropagation());
  area.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    store();
    model.send({ event: "run" });
  });
  const insert = (message) => {
    if (message.event !== "insert") return;
    area.setRangeText(message.value, area.selectionStart, area.selectionEnd, "end");
    store();
    area.focus();
  };
  model.on("msg:custom", insert);
  model.on("change:value", load);
  el.append(area);
  grow();
  return () => {
    model.off("msg:custom", insert);
    model.off("change:value", load);
  };
}

export default { render };
