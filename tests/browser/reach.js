// What keeps a panel from being used by everybody: too wide, cut off, covered, out of Tab's reach.

window.reach = (() => {
  const CONTROLS = "button, select, input, textarea, a[href], summary, [tabindex]";
  const notebook = () => window.look.notebook().node;
  const panels = () => window.look.panels();
  const seen = (element) => element.checkVisibility({ visibilityProperty: true });
  const title = (panel) => panel.querySelector(".kit-title")?.innerText ?? "";
  const told = (panel, what, element) =>
    `${title(panel)}: ${what}: ${element.tagName.toLowerCase()}.${element.getAttribute("class") ?? ""} ` +
    JSON.stringify((element.innerText || element.value || element.ariaLabel || "").slice(0, 60));

  const controls = (panel) =>
    [...panel.querySelectorAll(CONTROLS)].filter(
      (one) => seen(one) && !one.disabled && one.tabIndex >= 0 && one.getClientRects().length,
    );

  // Nothing that an output holds is wider than it, and nothing makes the page itself scroll.
  function wide() {
    const found = panels()
      .map((panel) => [panel, panel.closest(".jp-OutputArea-output")])
      .filter(([, output]) => output.scrollWidth > output.clientWidth + 1)
      .map(([panel, output]) => {
        const edge = output.getBoundingClientRect().left + output.clientWidth + 1;
        const out = [...panel.querySelectorAll("*")].filter(
          (one) => seen(one) && one.getBoundingClientRect().right > edge && !scrolled(one, panel),
        );
        const by = output.scrollWidth - output.clientWidth;
        return told(panel, `${by} pixels wider than its cell`, out[0] ?? panel);
      });
    const page = notebook().querySelector(".jp-WindowedPanel-outer");
    return page.scrollWidth > page.clientWidth + 1 ? [...found, "the page scrolls sideways"] : found;
  }

  function clipping(element, panel, kinds) {
    for (let at = element; at && at !== panel.parentElement; at = at.parentElement) {
      if (kinds.includes(getComputedStyle(at).overflowX)) return at;
    }
    return null;
  }
  const scrolled = (element, panel) => clipping(element, panel, ["auto", "scroll"]);

  // What is pointed at in the middle of a control, once that is in sight, is the control.
  function covered(panel) {
    return controls(panel).filter((one) => {
      one.scrollIntoView({ block: "center", inline: "center" });
      const box = one.getBoundingClientRect();
      const hit = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
      const inside = one.tabIndex >= 0 && one.contains(hit);
      return !(inside || hit?.closest("label")?.contains(one));
    }).map((one) => told(panel, "covered or cut off", one));
  }

  // Words that end at an edge say so by an ellipsis, and are whole when they are pointed at.
  function clipped(panel) {
    const words = [...panel.querySelectorAll("*")].filter(
      (one) => seen(one) && one.closest("svg") === null && !one.matches("option, select, .kit-unseen, .kit-unseen *") &&
        [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim()),
    );
    return words.filter((one) => {
      const box = clipping(one, panel, ["hidden", "clip"]);
      if (!box || clipping(one, box.parentElement ?? panel, ["auto", "scroll"])) return false;
      const range = document.createRange();
      range.selectNodeContents(one);
      const edge = box.getBoundingClientRect();
      const text = range.getBoundingClientRect();
      if (text.right <= edge.right + 1 && text.left >= edge.left - 1) return false;
      one.dispatchEvent(new MouseEvent("mouseover", { bubbles: true }));
      const whole = one.closest("[title]") && panel.contains(one.closest("[title]"));
      return !(getComputedStyle(box).textOverflow === "ellipsis" && whole);
    }).map((one) => told(panel, "clipped", one));
  }

  const blank = (panel) =>
    [...panel.querySelectorAll("select")]
      .filter((one) => seen(one) && one.options.length && !one.multiple && one.selectedIndex < 0)
      .map((one) => told(panel, "nothing stands in it", one));

  const faults = () => [
    ...wide(),
    ...panels().flatMap((panel) => [...covered(panel), ...clipped(panel), ...blank(panel)]),
  ];

  const looks = (element) => {
    const { outlineStyle, outlineWidth, boxShadow, borderColor } = getComputedStyle(element);
    return [outlineStyle === "none" ? "" : outlineWidth, boxShadow, borderColor].join();
  };
  // What shows the focus may be drawn around a part of the control, or around what holds it.
  const drawn = (element) =>
    [element, element.parentElement, element.firstElementChild].map((one) => one && looks(one)).join();

  function begin(panel) {
    document.activeElement?.blur();
    panel.stops = controls(panel);
    panel.before = new Map(panel.stops.map((one) => [one, drawn(one)]));
    panel.reached = new Set();
    panel.shown = new Set();
    panel.stops[0]?.focus();
    return panel.stops.length;
  }

  // Note where the focus is; false once it has left the panel.
  function note(panel) {
    const at = document.activeElement;
    if (!panel.contains(at)) return false;
    panel.reached.add(at);
    if (panel.before.get(at) !== drawn(at)) panel.shown.add(at);
    return true;
  }

  function missed(panel) {
    const groups = new Set([...panel.reached].filter((one) => one.type === "radio").map((one) => one.name));
    const left = panel.stops.filter(
      (one) => one.isConnected && seen(one) && !panel.reached.has(one) && !groups.has(one.name),
    );
    // A lone control was focused by the script, for which a browser need not show it.
    const dark = [...panel.reached].filter((one) => panel.stops.length > 1 && !panel.shown.has(one));
    return [
      ...left.map((one) => told(panel, "not reached by Tab", one)),
      ...dark.map((one) => told(panel, "the focus on it is not seen", one)),
      ...(panel.contains(document.activeElement) ? [`${title(panel)}: Tab does not lead out`] : []),
    ];
  }

  // The panels that show no hostile text at all.
  function without(pattern) {
    const all = (panel) =>
      [panel.textContent, ...[...panel.querySelectorAll("[title], input, textarea, [aria-label]")]
        .flatMap((one) => [one.title, one.value, one.ariaLabel])].join("\n");
    return panels().filter((panel) => !pattern.test(all(panel))).map(title);
  }

  return { wide, faults, begin, note, missed, without };
})();
