// What the tests ask the page: where the panels are, what they say, what is cut off.

window.look = (() => {
  const VIEW = "application/vnd.jupyter.widget-view+json";
  const app = () => window.jupyterapp;
  const notebook = () => app().shell.currentWidget;
  const cells = () => notebook().content.widgets;
  const seen = (element) => element.checkVisibility({ visibilityProperty: true });
  const text = (element) => (element && seen(element) ? element.innerText.trim() : "");

  const ready = (name) =>
    notebook()?.context?.path === name && notebook().context.isReady &&
    notebook().sessionContext.session?.kernel?.status === "idle";

  async function leave() {
    for (const widget of [...app().shell.widgets("main")]) {
      if (widget.context) widget.dispose();
    }
    await app().serviceManager.sessions.shutdownAll();
  }

  const run = (which) => app().commands.execute(`notebook:${which}`);

  const views = (cell) =>
    cell.model.type === "code"
      ? cell.model.outputs.toJSON().filter((output) => output.data && output.data[VIEW])
      : [];
  const failed = /Error displaying widget/;
  const loading = /Loading widget/;

  // Every output that is a widget has been drawn, or says that it cannot be.
  const drawn = () =>
    cells().every((cell) => {
      const shown = [...cell.node.querySelectorAll(".jp-OutputArea-output")];
      const there = (output) =>
        output.querySelector(".jupyter-widgets") || failed.test(output.innerText);
      return shown.filter(there).length >= views(cell).length;
    });

  const drawing = (node) => seen(node) && (node.tagName !== "IMG" || node.naturalWidth > 0);
  const within = (nodes, kind) => nodes.flatMap((node) => [...node.querySelectorAll(kind)]);
  const sight = (nodes) => ({
    text: nodes.map((node) => node.innerText).join("\n"),
    tables: within(nodes, "table").filter(seen).length,
    charts: within(nodes, "img, .kit-chart path").filter(drawing).length,
  });

  // What can be seen in the outputs of each cell, live or on a page made of the notebook.
  const outputs = (cell) => sight([...cell.querySelectorAll(".jp-OutputArea")]);
  const read = () => cells().map((cell) => outputs(cell.node));
  const page = () => [...document.querySelectorAll(".jp-Cell")].map(outputs);
  const loaded = () =>
    !cells().some((cell) => loading.test(cell.node.innerText)) &&
    [...notebook().node.querySelectorAll(".jp-OutputArea img")].every((image) => image.complete);

  const scroller = () => notebook().content.node.querySelector(".jp-WindowedPanel-outer");
  const frame = () => {
    scroller().scrollTop = 0;
    const { left, width } = scroller().getBoundingClientRect();
    const boxes = cells().map((cell) => cell.node.getBoundingClientRect());
    return { x: left, y: boxes[0].top, width, height: boxes.at(-1).bottom + 16 - boxes[0].top };
  };

  const panels = () => [...notebook().node.querySelectorAll(".kit-panel")];
  const state = (panel) => {
    const status = panel.querySelector('.kit-status [role="status"]');
    return status ? status.className.replace("kit-", "") : "";
  };
  const notice = (panel) =>
    [...panel.querySelectorAll(".kit-notice")].map(text).filter(Boolean).join("\n");

  // Words that do not fit into what should hold them whole, and parts that stick out of the cell.
  function cut(panel) {
    const whole = "button, label, .kit-title, .kit-note, .kit-status, .kit-strip-title, .kit-limit";
    const tight = [...panel.querySelectorAll(whole)].filter(
      (part) => seen(part) && part.clientWidth && part.scrollWidth > part.clientWidth + 1,
    );
    const edge = panel.closest(".jp-OutputArea-output").getBoundingClientRect().right + 1;
    const wide = [...panel.querySelectorAll(":scope > *, .kit-controls > *")].filter(
      (part) => seen(part) && part.getBoundingClientRect().right > edge,
    );
    return [...tight, ...wide].map((part) => `${part.className}: ${text(part).slice(0, 60)}`);
  }

  const describe = (panel) => ({
    cell: cells().findIndex((cell) => cell.node.contains(panel)),
    title: text(panel.querySelector(".kit-title")),
    tables: sight([panel]).tables > 0,
    charts: sight([panel]).charts > 0,
    width: panel.clientWidth,
    height: panel.clientHeight,
    state: state(panel),
    notice: notice(panel),
    cut: cut(panel),
  });

  // The control that a learner would reach for first: Run, or whatever stands first.
  function control(panel) {
    const usable = (found) => seen(found) && !found.disabled && found.options?.length !== 1;
    const primary = [...panel.querySelectorAll("button.mod-primary")];
    const others = [...panel.querySelectorAll(".kit-controls :is(button, select, input)")];
    return [...primary, ...others].find(usable);
  }

  const label = (control) =>
    control.innerText && control.tagName === "BUTTON"
      ? control.innerText
      : control.closest(".jupyter-widgets").querySelector("label")?.innerText;

  // Count what changes in a panel from now on, its controls aside: they change under the hand.
  function watch(panel) {
    panel.changes = 0;
    const attributeFilter = ["class", "hidden", "style"];
    const count = (change) => (panel.changes += change.target.closest?.(".kit-controls") ? 0 : 1);
    new MutationObserver((changes) => changes.forEach(count)).observe(panel, {
      subtree: true, childList: true, characterData: true, attributes: true, attributeFilter,
    });
  }

  // The kernel works in turn: once it has done nothing, it has done all that was asked before.
  const handled = () =>
    notebook()
      .sessionContext.session.kernel.requestExecute({ code: "", silent: true })
      .done.then(() => null);

  // Seconds from an act until the page shows what comes of it, to the frame.
  const painted = () => new Promise((done) => requestAnimationFrame(done));
  async function took(act, seen) {
    const begun = performance.now();
    act();
    do await painted();
    while (!seen());
    return (performance.now() - begun) / 1000;
  }

  // What a change of size sets going is done two frames and a moment later.
  async function settled() {
    await painted();
    await painted();
    await new Promise((done) => setTimeout(done, 200));
  }

  async function echo() {
    const begun = performance.now();
    await handled();
    return (performance.now() - begun) / 1000;
  }

  // The value of an expression in the kernel, as JSON.
  async function ask(expression) {
    const value = `__import__("json").dumps(${expression})`;
    const content = { code: "", silent: false, store_history: false, user_expressions: { value } };
    const kernel = notebook().sessionContext.session.kernel;
    const said = (await kernel.requestExecute(content).done).content.user_expressions.value;
    return said.data?.["text/plain"] ?? Promise.reject(Error(`${said.ename}: ${said.evalue}`));
  }

  // A panel that shows nothing says why: in its notice, or in words of its own beside its title.
  const explained = (panel) =>
    notice(panel) !== "" ||
    (state(panel) === "empty" && !text(panel.querySelector(".kit-status")).includes("nothing yet"));
  // What watches goes on until its Stop is pressed.
  const watching = (panel) =>
    state(panel) === "running" &&
    [...panel.querySelectorAll(".kit-controls button")].some((one) => text(one) === "Stop");
  const answered = (panel) =>
    panel.changes > 0 &&
    (state(panel) === "done" || watching(panel) || (["failed", "empty"].includes(state(panel)) && explained(panel)));

  return {
    notebook, ready, leave, run, drawn, read, page, loaded, frame,
    panels, describe, control, label, watch, handled, answered,
    took, settled, echo, ask,
  };
})();
