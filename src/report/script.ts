/** The page's only script: sorts tables by their columns, and enlarges pictures. Without it the page reads the same. */

export const SCRIPT = `
for (const table of document.querySelectorAll("table[data-sortable]")) {
  const heads = [...table.tHead.rows[0].cells];
  const key = (row, i) => { const text = row.cells[i].textContent.trim(); const value = Number(text.replaceAll(",", "")); return text !== "" && value === value ? value : text; };
  const compare = (a, b) => typeof a === typeof b ? (a < b ? -1 : a > b ? 1 : 0) : typeof a === "number" ? -1 : 1;
  heads.forEach((head, i) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") !== "descending" && (head.classList.contains("number") || head.getAttribute("aria-sort") === "ascending");
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const body = table.tBodies[0];
      body.append(...[...body.rows].sort((a, b) => compare(key(a, i), key(b, i)) * (down ? -1 : 1)));
    });
  });
}
const viewer = document.createElement("dialog");
viewer.className = "viewer";
const large = new Image();
const caption = document.createElement("p");
viewer.addEventListener("click", () => viewer.close());
document.body.append(viewer);
for (const small of document.querySelectorAll("main img")) {
  const enlarge = () => {
    large.src = small.src;
    large.alt = caption.textContent = small.alt;
    viewer.replaceChildren(large, caption);
    viewer.showModal();
  };
  small.tabIndex = 0;
  small.setAttribute("role", "button");
  small.addEventListener("click", enlarge);
  small.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    enlarge();
  });
}
`;
