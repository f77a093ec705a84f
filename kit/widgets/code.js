// A strip of code with one click to copy it. With `ask`, the text to copy is not in the page:
// it is fetched from the kernel at the click and forgotten.

async function put(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    area.style.position = "fixed";
    area.style.opacity = "0";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

function fetchText(model) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      model.off("msg:custom", hear);
      reject(new Error("busy"));
    }, 4000);
    const hear = (message) => {
      if (message.event !== "text") return;
      clearTimeout(timer);
      model.off("msg:custom", hear);
      resolve(message.value);
    };
    model.on("msg:custom", hear);
    model.send({ event: "ask" });
  });
}

async function copy(model, button, said) {
  const label = model.get("copy_label");
  let word;
  try {
    const text = model.get("ask") ? await fetchText(model) : model.get("text");
    word = (await put(text)) ? "✓ Copied" : "✗ Not allowed here";
  } catch {
    word = "✗ Kernel is busy";
  }
  button.textContent = said.textContent = word;
  setTimeout(() => {
    button.textContent = label;
    said.textContent = "";
  }, 1600);
}

function element(tag, name, text = "") {
  const made = document.createElement(tag);
  made.className = name;
  made.textContent = text;
  return made;
}

function render({ model, el }) {
  el.classList.add("kit-strip");
  const foldable = model.get("foldable");
  el.classList.toggle("kit-strip-line", !foldable);
  const head = element("div", "kit-strip-head");
  const title = element(foldable ? "button" : "span", "kit-strip-title");
  const button = element("button", "kit-copy", model.get("copy_label"));
  const said = element("span", "kit-unseen");
  said.setAttribute("role", "status");
  const code = element("pre", "kit-code");
  code.tabIndex = 0;
  code.setAttribute("aria-label", model.get("label"));
  button.type = "button";
  button.addEventListener("click", () => copy(model, button, said));

  const draw = () => {
    const open = model.get("unfolded") || !foldable;
    title.textContent = (foldable ? (open ? "▾ " : "▸ ") : "") + model.get("label");
    if (foldable) title.setAttribute("aria-expanded", String(open));
    code.hidden = !open;
    code.innerHTML = model.get("html");
    el.hidden = model.get("text") === "";
  };
  title.addEventListener("click", () => {
    if (!foldable) return;
    model.set("unfolded", !model.get("unfolded"));
    model.save_changes();
  });
  head.append(title, ...(foldable ? [] : [code]), button, said);
  el.append(head, ...(foldable ? [code] : []));
  model.on("change:unfolded change:html change:label change:text", draw);
  draw();
}

export default { render };
