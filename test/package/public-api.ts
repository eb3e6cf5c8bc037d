/** The public API as its declaration files say it: what is exported, and every type that can be reached from there. */
import { join } from "node:path";
import ts from "typescript5";
import { ROOT } from "../helpers.js";

export interface PublicApi {
  checker: ts.TypeChecker;
  exported: ReadonlySet<ts.Symbol>;
  /** Own types that occur in what is exported, with a place where they do. */
  reachable: ReadonlyMap<ts.Symbol, string>;
}

const DECLARATIONS = join(ROOT, "dist/src");

export function readPublicApi(index = join(DECLARATIONS, "index.d.ts")): PublicApi {
  const options = { module: ts.ModuleKind.NodeNext, target: ts.ScriptTarget.ES2022, strict: true, types: ["node"] };
  const program = ts.createProgram([index], { ...options, lib: ["lib.es2023.d.ts"], noEmit: true });
  const checker = program.getTypeChecker();
  const file = program.getSourceFile(index);
  const module = file && checker.getSymbolAtLocation(file);
  if (module === undefined) throw new Error(`${index} exports nothing`);
  const exported = new Set(checker.getExportsOfModule(module).map((symbol) => resolveAlias(symbol, checker)));
  const reachable = new Map<ts.Symbol, string>();
  for (const symbol of exported) visitSymbol(symbol, symbol.name, checker, reachable);
  // A schema is no type; what is derived from it is.
  for (const symbol of reachable.keys()) if (symbol.flags & ts.SymbolFlags.Variable) reachable.delete(symbol);
  return { checker, exported, reachable };
}

function resolveAlias(symbol: ts.Symbol, checker: ts.TypeChecker): ts.Symbol {
  return symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
}

function visitSymbol(
  symbol: ts.Symbol,
  from: string,
  checker: ts.TypeChecker,
  reachable: Map<ts.Symbol, string>,
): void {
  if (reachable.has(symbol)) return;
  reachable.set(symbol, from);
  const visit = (node: ts.Node): void => {
    const named = ts.isTypeReferenceNode(node)
      ? node.typeName
      : ts.isExpressionWithTypeArguments(node)
        ? node.expression
        : ts.isTypeQueryNode(node)
          ? node.exprName
          : ts.isImportTypeNode(node)
            ? node.qualifier
            : undefined;
    const found = named && checker.getSymbolAtLocation(named);
    if (found) {
      const target = resolveAlias(found, checker);
      if (isOwn(target)) visitSymbol(target, `${from} > ${symbol.name}`, checker, reachable);
    }
    ts.forEachChild(node, visit);
  };
  for (const declaration of symbol.declarations ?? []) visit(declaration);
}

/** Declared by canopy, and not a type parameter. */
function isOwn(symbol: ts.Symbol): boolean {
  const [declaration] = symbol.declarations ?? [];
  if (declaration === undefined || symbol.flags & ts.SymbolFlags.TypeParameter) return false;
  return declaration.getSourceFile().fileName.startsWith(DECLARATIONS.replaceAll("\\", "/"));
}

/** Documentation of a symbol without its tags. */
export function sentenceOf(symbol: ts.Symbol, checker: ts.TypeChecker): string {
  return ts.displayPartsToString(symbol.getDocumentationComment(checker)).trim();
}

/** Names of the properties that a type has itself, or inherits. */
export function propertiesOf(symbol: ts.Symbol, checker: ts.TypeChecker): ts.Symbol[] {
  return checker.getDeclaredTypeOfSymbol(symbol).getProperties();
}
