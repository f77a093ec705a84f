// A line below the code of the cell that runs, while there is something to say. It is no output of
// the cell: nothing of it is ever saved, and nothing is left when it goes.

function running() {
  const cells = [...document.querySelectorAll(".jp-CodeCell")];
  return cells.find(
    (cell) =>
      cell.offsetParent !== null &&
      cell.querySelector(".jp-InputPrompt")?.textContent.includes("*"),
  );
}

function make() {
  const line = document.createElement("div");
  line.className = "kit-progress";
  line.setAttribute("role", "status");
  line.style.font = "var(--jp-ui-font-size1, 13px)/24px var(--jp-ui-font-family, sans-serif)";
  line.style.color = "var(--jp-ui-font-color2, #666)";
  const outputs = running()?.querySelector(".jp-Cell-outputWrapper");
  if (outputs) {
    line.style.paddingLeft = "calc(var(--jp-cell-prompt-width, 64px) + 16px)";
    outputs.before(line);
  } else {
    line.style.cssText += "position: fixed; right: 24px; bottom: 32px; z-index: 1000";
    document.body.append(line);
  }
  return line;
}

function initialize({ model }) {
  let line;
  const write = () => {
    const text = model.get("text");
    if (text) {
      line ??= make();
      line.textContent = `◐ ${text}`;
    } else {
      line?.remove();
      line = undefined;
    }
  };
  model.on("change:text", write);
  write();
  return () => line?.remove();
}

export default { initialize };
