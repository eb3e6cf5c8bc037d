/** Embeddings: the features of tiles as rows of an output. */
import type { Placed } from "./prediction.js";
import { formatFloat32, type RowFormat } from "./rows.js";

export interface EmbeddingRow {
  /** `[numFeatures]` float32: what a model's head gets. */
  embedding: Float32Array;
}

export type Embedding = Placed & EmbeddingRow;

/** Each row of `features` (`[rows, numFeatures]` float32), in memory of its own. */
export function embeddingRows(features: Float32Array, rows: number, numFeatures: number): EmbeddingRow[] {
  return Array.from({ length: rows }, (_, row) => ({
    embedding: features.slice(row * numFeatures, (row + 1) * numFeatures),
  }));
}

/** `{"image_name", "path", "embedding": [...]}` a line. */
export const jsonEmbeddings: RowFormat<Embedding> = {
  header: "",
  rows: (rows) => rows.map(toJson).join(""),
};

function toJson({ name, path, embedding }: Embedding): string {
  const json = JSON.stringify({ image_name: name, path });
  return `${json.slice(0, -1)},"embedding":[${Array.from(embedding, formatFloat32).join(",")}]}\n`;
}
