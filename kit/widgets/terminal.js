// A log and one line to type in; Enter runs it, the up and down keys bring earlier lines back.

function element(tag, className, text) {
  const made = document.createElement(tag);
  made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function row(entry) {
  const box = element("div", "kit-terminal-entry");
  const typed = element("div", "kit-terminal-typed");
  typed.append(element("span", "kit-terminal-prompt", entry.prompt), entry.line);
  box.append(typed);
  if (entry.reply) {
    box.append(element("pre", entry.ok ? "kit-terminal-reply" : "kit-terminal-refused", entry.reply));
  }
  return box;
}

function render({ model, el }) {
  el.classList.add("kit-terminal");
  const log = element("div", "kit-terminal-log");
  log.tabIndex = 0;
  log.setAttribute("role", "log");
  log.setAttribute("aria-label", `${model.get("label")}: answers`);
  const line = element("label", "kit-terminal-line");
  const prompt = element("span", "kit-terminal-prompt");
  const input = element("input", "kit-terminal-input");
  input.type = "text";
  input.spellcheck = false;
  input.autocapitalize = "off";
  input.autocomplete = "off";
  input.placeholder = model.get("placeholder");
  input.setAttribute("aria-label", model.get("label"));
  input.setAttribute("data-lm-suppress-shortcuts", "true");
  line.append(prompt, input);
  el.append(log, line);

  let place = null; // null: a fresh line, else the number of an earlier one
  let draft = "";
  const earlier = () => model.get("entries").map((entry) => entry.line).filter(Boolean);
  const recall = (step) => {
    const lines = earlier();
    if (place === null) draft = input.value;
    const next = (place === null ? lines.length : place) + step;
    place = next >= lines.length ? null : Math.max(0, next);
    input.value = place === null ? draft : lines[place] ?? draft;
    input.setSelectionRange(input.value.length, input.value.length);
  };
  input.addEventListener("keypress", (event) => event.stopPropagation());
  input.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "ArrowUp" || event.key === "ArrowDown") {
      event.preventDefault();
      recall(event.key === "ArrowUp" ? -1 : 1);
    }
    if (event.key !== "Enter" || event.isComposing || model.get("busy")) return;
    event.preventDefault();
    model.send({ event: "run", value: input.value });
    input.value = "";
    place = null;
  });
  const draw = () => {
    const entries = model.get("entries");
    log.replaceChildren(...entries.map(row));
    log.style.display = entries.length ? "" : "none";
    log.scrollTop = log.scrollHeight;
  };
  const state = () => {
    prompt.textContent = model.get("prompt");
    line.classList.toggle("kit-terminal-busy", model.get("busy"));
    input.setAttribute("aria-busy", String(model.get("busy")));
  };
  model.on("change:entries", draw);
  model.on("change:prompt change:busy", state);
  draw();
  state();
  return () => {
    model.off("change:entries", draw);
    model.off("change:prompt change:busy", state);
  };
}

export default { render };
