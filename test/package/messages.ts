/** The texts of the sources: string and template literals, without comments. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript5";
import { ROOT } from "../helpers.js";

export interface SourceText {
  /** File and line. */
  place: string;
  text: string;
}

/** Literals of all sources below `src` whose path passes `chosen`. */
export function textsOf(chosen: (file: string) => boolean): SourceText[] {
  const files = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" });
  return files.filter((file) => file.endsWith(".ts") && chosen(file.replaceAll("\\", "/"))).flatMap(textsOfFile);
}

function textsOfFile(file: string): SourceText[] {
  const source = ts.createSourceFile(file, readFileSync(join(ROOT, "src", file), "utf8"), ts.ScriptTarget.ES2022, true);
  const texts: SourceText[] = [];
  const visit = (node: ts.Node): void => {
    if (
      ts.isStringLiteralLike(node) ||
      ts.isTemplateHead(node) ||
      ts.isTemplateMiddle(node) ||
      ts.isTemplateTail(node)
    ) {
      const { line } = source.getLineAndCharacterOfPosition(node.getStart());
      texts.push({ place: `${file}:${line + 1}`, text: node.text });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return texts;
}
