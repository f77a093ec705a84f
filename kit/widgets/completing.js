// Words offered beneath the editor, by the ARIA pattern of a combobox with a list.

const MOST_OFFERS = 50;

function place(before, words) {
  const within = words.within ?? {};
  const names = Object.keys(within).map((name) => [name, "label"]);
  const braces = before.lastIndexOf("{") > before.lastIndexOf("}");
  const value = /([A-Za-z_]\w*)\s*(?:=~|!~|!=|=)\s*("(?:[^"\\]|\\.)*)$/.exec(before);
  if (braces && value) {
    return { typed: value[2], known: (within[value[1]] ?? []).map((text) => [text, value[1]]) };
  }
  if ((before.match(/"/g) ?? []).length % 2 || /\[[^\]]*$/.test(before)) return null;
  const typed = /[A-Za-z_:][\w:]*$/.exec(before)?.[0] ?? "";
  const listed = /\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*$/.test(before);
  return { typed, known: braces || listed ? names : (words.outside ?? []) };
}

function offers(before, words, asked) {
  const found = place(before, words);
  if (!found || (!found.typed && !asked)) return { typed: "", options: [] };
  const typed = found.typed.toLowerCase();
  const begins = found.known.filter(([word]) => word.toLowerCase().startsWith(typed));
  const holds = found.known.filter(([word]) => word.toLowerCase().indexOf(typed) > 0);
  const options = [...begins, ...holds].slice(0, MOST_OFFERS);
  const whole = options.length === 1 && options[0][0] === found.typed;
  return { typed: found.typed, options: whole ? [] : options };
}

function completion({ model, el }) {
  el.classList.add("kit-completing");
  const area = el.querySelector("textarea");
  const list = document.createElement("ul");
  list.className = "kit-offers";
  list.id = `kit-offers-${crypto.randomUUID?.() ?? Math.random().toString(36).slice(2)}`;
  list.hidden = true;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Words that fit");
  for (const [name, text] of [
    ["role", "combobox"],
    ["aria-autocomplete", "list"],
    ["aria-controls", list.id],
    ["aria-expanded", "false"],
  ]) {
    area.setAttribute(name, text);
  }
  let [chosen, typed] = [0, ""];
  const close = () => {
    list.hidden = true;
    area.setAttribute("aria-expanded", "false");
    area.removeAttribute("aria-activedescendant");
  };
  const choose = (at) => {
    const rows = [...list.children];
    chosen = (at + rows.length) % rows.length;
    rows.forEach((row, i) => row.setAttribute("aria-selected", String(i === chosen)));
    rows[chosen].scrollIntoView({ block: "nearest" });
    area.setAttribute("aria-activedescendant", rows[chosen].id);
  };
  const take = () => {
    const word = list.children[chosen].dataset.word;
    const end = area.selectionStart;
    area.setRangeText(word, end - typed.length, end, "end");
    close();
    area.dispatchEvent(new Event("change"));
    area.focus();
  };
  const row = ([word, note], at) => {
    const made = document.createElement("li");
    made.id = `${list.id}-${at}`;
    made.dataset.word = word;
    made.setAttribute("role", "option");
    const aside = document.createElement("span");
    aside.textContent = note;
    made.append(word, aside);
    // The click would take the focus from the editor first.
    made.addEventListener("mousedown", (event) => event.preventDefault());
    made.addEventListener("click", () => {
      choose(at);
      take();
    });
    return made;
  };
  const offer = (asked) => {
    const before = area.value.slice(0, area.selectionStart);
    const found = offers(before, model.get("words"), asked);
    typed = found.typed;
    list.replaceChildren(...found.options.map(row));
    if (!found.options.length) return close();
    list.hidden = false;
    area.setAttribute("aria-expanded", "true");
    return choose(0);
  };
  const keys = (event) => {
    if (event.key === " " && event.ctrlKey) {
      event.preventDefault();
      return offer(true);
    }
    const moves = {
      ArrowDown: () => choose(chosen + 1),
      ArrowUp: () => choose(chosen - 1),
      Enter: take,
      Tab: take,
      Escape: close,
    };
    const plain = !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
    if (list.hidden || !plain || !moves[event.key]) return undefined;
    event.preventDefault();
    event.stopPropagation();
    return moves[event.key]();
  };
  area.addEventListener("input", () => offer(false));
  area.addEventListener("blur", close);
  // On the way down: the editor's own keys come second.
  el.addEventListener("keydown", keys, true);
  el.append(list);
  return () => el.removeEventListener("keydown", keys, true);
}

function completing(context) {
  const end = render(context);
  const off = completion(context);
  return () => {
    off();
    end();
  };
}

export default { render: completing };
