/** Predictions as a Parquet file: name, tags as a list, one float column for each tag; row groups go to disk as they fill. */
import type { SchemaElement } from "hyparquet";
import { fileWriter, ParquetWriter } from "hyparquet-writer";
import type { Prediction } from "./prediction.js";
import type { RowOptions } from "./rows.js";

/** Rows of a row group: some megabytes, few enough to hold and many enough to compress well. */
const ROW_GROUP = 50_000;

export type ParquetRow = Pick<Prediction, "name" | "path" | "tags" | "probabilities">;

/** Writes `file` row group by row group; it is a Parquet file only after `finish()`. */
export class ParquetFile {
  readonly #writer: ParquetWriter;
  readonly #options: RowOptions;
  #pending: ParquetRow[] = [];

  constructor(file: string, options: RowOptions, metadata: Record<string, string> = {}) {
    this.#options = options;
    this.#writer = new ParquetWriter({
      writer: fileWriter(file),
      schema: parquetSchema(options),
      createdBy: "canopy",
      kvMetadata: Object.entries(metadata).map(([key, value]) => ({ key, value })),
    });
  }

  async append(row: ParquetRow): Promise<void> {
    this.#pending.push(row);
    if (this.#pending.length === ROW_GROUP) await this.#flush();
  }

  async finish(): Promise<void> {
    if (this.#pending.length > 0) await this.#flush();
    await this.#writer.finish();
  }

  async #flush(): Promise<void> {
    const rows = this.#pending;
    this.#pending = [];
    const { tags, probabilities } = this.#options;
    const columns = [
      { name: "image_name", data: rows.map((row) => row.name) },
      { name: "path", data: rows.map((row) => row.path) },
      { name: "tags", data: rows.map((row) => row.tags) },
      ...(probabilities ? tags : []).map((tag, column) => ({
        name: probabilityColumn(tag),
        data: Float32Array.from(rows, (row) => row.probabilities[column]!),
      })),
    ];
    await this.#writer.write({ columnData: columns, rowGroupSize: ROW_GROUP });
  }
}

/** A tag may be called like one of the fixed columns; its probability then gets a prefix. */
export function probabilityColumn(tag: string): string {
  return ["image_name", "path", "tags"].includes(tag) ? `probability_${tag}` : tag;
}

function parquetSchema({ tags, probabilities }: RowOptions): SchemaElement[] {
  const columns = probabilities ? tags : [];
  return [
    { name: "root", num_children: 3 + columns.length },
    { name: "image_name", type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "REQUIRED" },
    { name: "path", type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "REQUIRED" },
    { name: "tags", converted_type: "LIST", repetition_type: "REQUIRED", num_children: 1 },
    { name: "list", repetition_type: "REPEATED", num_children: 1 },
    { name: "element", type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "REQUIRED" },
    ...columns.map(
      (tag): SchemaElement => ({ name: probabilityColumn(tag), type: "FLOAT", repetition_type: "REQUIRED" }),
    ),
  ];
}
