/** Tables and foldable numbers, the same everywhere on the page. */
import { type Content, type Html, html } from "./html.js";

interface Column {
  name: string;
  /** Numbers are set to the right. @default "number" */
  kind?: "text" | "number";
}

interface TableOptions {
  caption: string;
  columns: readonly Column[];
  /** Cells by row; the first of a row is its header. */
  rows: readonly (readonly Content[])[];
  /** Lets the page's script sort it. @default false */
  sortable?: boolean;
}

/** A table in a region of its own that scrolls sideways on narrow screens. */
export function renderTable({ caption, columns, rows, sortable = false }: TableOptions): Html {
  const align = (column: number) => (columns[column]?.kind === "text" ? "text" : "number");
  return html`<div class="scroll" role="region" aria-label="${caption}" tabindex="0"><table${sortable && html` data-sortable`}><caption>${caption}</caption>
<thead><tr>${columns.map((column, i) => html`<th scope="col" class="${align(i)}">${column.name}</th>`)}</tr></thead>
<tbody>${rows.map((row) => html`<tr>${row.map((cell, i) => renderCell(cell, i, align(i)))}</tr>\n`)}</tbody></table></div>`;
}

/** What a chart shows, as numbers, folded away. */
export function renderNumbers(options: TableOptions): Html {
  return html`<details class="numbers"><summary>Numbers<span class="hidden">: ${options.caption}</span></summary>${renderTable(options)}</details>`;
}

function renderCell(cell: Content, column: number, align: string): Html {
  return column === 0 ? html`<th scope="row" class="${align}">${cell}</th>` : html`<td class="${align}">${cell}</td>`;
}
