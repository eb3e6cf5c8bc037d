/**
 * Rows as a Parquet file: name, path, tags as a list, one float column for each tag; or name, path, and the embedding
 * as a list of floats. Row groups are written when they are full.
 */
import type { SchemaElement } from "hyparquet";
import { ByteWriter, type ColumnSource, ParquetWriter } from "hyparquet-writer";
import type { RowBlock } from "./packed-rows.js";
import type { RowOptions } from "./rows.js";

/** Most rows of a row group: some megabytes, few enough for memory and enough to compress well. */
export const ROW_GROUP = 50_000;
/** Values of a row group, for embeddings and models with very many tags: encoding a group cannot be interrupted. */
const GROUP_VALUES = 1_000_000;

/** Encodes a Parquet file row group by row group. `write` gets its bytes and may use them only until it resolves. */
export class ParquetEncoder {
  readonly #writer: ParquetWriter;
  readonly #options: RowOptions;
  readonly #groupRows: number;
  /** Rows not written yet. Its arrays of probabilities are as long as a whole row group and used again for each. */
  readonly #group: RowBlock;

  constructor(write: (bytes: Uint8Array) => Promise<void>, options: RowOptions, metadata: Record<string, string> = {}) {
    this.#options = options;
    this.#groupRows = groupRows(options);
    const columns = (options.probabilities ? options.tags : []).map(() => new Float32Array(this.#groupRows));
    this.#group = { names: [], paths: [], tags: [], probabilities: columns, embeddings: [] };
    this.#writer = new ParquetWriter({
      writer: handingOver(write),
      schema: parquetSchema(options),
      createdBy: "canopy",
      kvMetadata: Object.entries(metadata).map(([key, value]) => ({ key, value })),
    });
  }

  async append(rows: RowBlock): Promise<void> {
    for (let from = 0; from < rows.names.length; ) {
      from += this.#fill(rows, from);
      if (this.#group.names.length === this.#groupRows) await this.#flush();
    }
  }

  async finish(): Promise<void> {
    if (this.#group.names.length > 0) await this.#flush();
    await this.#writer.finish();
  }

  /** Adds as many rows from number `from` on as fit into the group, and returns how many. */
  #fill({ names, paths, tags, probabilities, embeddings }: RowBlock, from: number): number {
    const group = this.#group;
    const place = group.names.length;
    const to = Math.min(names.length, from + this.#groupRows - place);
    group.names.push(...names.slice(from, to));
    group.paths.push(...paths.slice(from, to));
    group.tags.push(...tags.slice(from, to));
    group.embeddings.push(...embeddings.slice(from, to));
    for (const [column, values] of probabilities.entries()) {
      group.probabilities[column].set(values.subarray(from, to), place);
    }
    return to - from;
  }

  async #flush(): Promise<void> {
    const { names, paths, tags, probabilities } = this.#group;
    const columnData = [
      { name: "image_name", data: names },
      { name: "path", data: paths },
      ...(this.#options.embeddings ? [this.#embeddingColumn()] : [{ name: "tags", data: tags }]),
      ...probabilities.map((values, column) => ({
        name: probabilityColumn(this.#options.tags[column]),
        data: values.subarray(0, names.length),
      })),
    ];
    await this.#writer.write({ columnData, rowGroupSize: this.#groupRows });
    Object.assign(this.#group, { names: [], paths: [], tags: [], embeddings: [] });
  }

  /** As the encoder takes lists. Statistics and a dictionary of features would be work that helps nobody. */
  #embeddingColumn(): ColumnSource {
    const data = this.#group.embeddings.map((values) => Array.from(values));
    return { name: "embedding", data, statistics: false, offsetIndex: false, encoding: "PLAIN" };
  }
}

/** A buffer that is written after each row group. */
function handingOver(write: (bytes: Uint8Array) => Promise<void>): ByteWriter & { flush(): Promise<void> } {
  const buffer = new ByteWriter();
  const flush = async (): Promise<void> => {
    await write(buffer.getBytes());
    buffer.index = 0;
  };
  return Object.assign(buffer, { flush, finish: flush });
}

function groupRows({ tags, probabilities, embeddings = 0 }: RowOptions): number {
  const columns = 3 + embeddings + (probabilities ? tags.length : 0);
  return Math.max(1, Math.min(ROW_GROUP, Math.floor(GROUP_VALUES / columns)));
}

/** A tag may be called like one of the fixed columns; its probability then gets a prefix. */
export function probabilityColumn(tag: string): string {
  return ["image_name", "path", "tags"].includes(tag) ? `probability_${tag}` : tag;
}

function parquetSchema({ tags, probabilities, embeddings }: RowOptions): SchemaElement[] {
  const columns = probabilities ? tags : [];
  return [
    { name: "root", num_children: 3 + columns.length },
    { name: "image_name", type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "REQUIRED" },
    { name: "path", type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "REQUIRED" },
    { name: embeddings ? "embedding" : "tags", converted_type: "LIST", repetition_type: "REQUIRED", num_children: 1 },
    { name: "list", repetition_type: "REPEATED", num_children: 1 },
    embeddings
      ? { name: "element", type: "FLOAT", repetition_type: "REQUIRED" }
      : { name: "element", type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "REQUIRED" },
    ...columns.map(
      (tag): SchemaElement => ({ name: probabilityColumn(tag), type: "FLOAT", repetition_type: "REQUIRED" }),
    ),
  ];
}
