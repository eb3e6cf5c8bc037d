/** docs/cli.md's part on commands and their options, written from their definitions. */
import { type CommandDefinition, defineCommands, defineGlobalOptions, type OptionDefinition } from "./definitions.js";

const BEGIN = "<!-- Written by `npm run docs` from src/cli; what is changed here is lost. -->";
const END = "<!-- End of what `npm run docs` writes. -->";

/** `page` with its part between the markers written again. */
export function updateReference(page: string): string {
  const [from, to] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (from < 0 || to < from) throw new Error(`The page has no ${BEGIN} before ${END}.`);
  return `${page.slice(0, from)}${BEGIN}\n${renderReference()}\n${page.slice(to)}`;
}

function renderReference(): string {
  const globals = ["Every command takes:", "", ...renderOptions(defineGlobalOptions())];
  return [...globals, ...defineCommands().flatMap((command) => renderCommand(command, "###"))].join("\n");
}

function renderCommand(command: CommandDefinition, heading: string): string[] {
  const { name, describe, options, examples, commands } = command;
  const usage = ["canopy", name, ...options.filter(isInUsage).map(renderUse)];
  const shown = examples.flatMap(({ command: line, describe: what }) => {
    return [...(what === "" ? [] : [`# ${what}`]), line.replace("$0", "canopy")];
  });
  return [
    "",
    `${heading} canopy ${name}`,
    `${describe}.`,
    ...(commands.length > 0 ? [] : ["", `\`${usage.join(" ")}${options.every(isInUsage) ? "" : " [options]"}\``]),
    ...(options.length === 0 ? [] : ["", ...renderOptions(options)]),
    ...(shown.length === 0 ? [] : ["", "```sh", ...shown, "```"]),
    ...commands.flatMap((each) => renderCommand(each, `${heading}#`)),
  ];
}

function isInUsage({ demandOption, positional }: OptionDefinition): boolean {
  return demandOption === true || positional;
}

function renderUse(option: OptionDefinition): string {
  return option.demandOption ? renderFlag(option) : `[${renderFlag(option)}]`;
}

function renderFlag(option: OptionDefinition): string {
  const { name, positional, array } = option;
  return positional ? `${name.toUpperCase()}${array ? "..." : ""}` : `--${name}${renderValue(option)}`;
}

function renderValue({ choices, type, array, name }: OptionDefinition): string {
  if (choices !== undefined) return ` ${choices.join("|")}`;
  if (type === "boolean") return "";
  return ` ${type === "number" ? "N" : name.toUpperCase()}${array ? "..." : ""}`;
}

function renderOptions(options: OptionDefinition[]): string[] {
  const rows = options.map(
    (option) => `| ${renderName(option)} | ${renderDefault(option)} | ${cell(option.describe ?? "")} |`,
  );
  return ["| option | default | meaning |", "|---|---|---|", ...rows];
}

function renderName(option: OptionDefinition): string {
  const { alias } = option;
  return `\`${cell(renderFlag(option))}\`${alias === undefined ? "" : `, \`-${alias}\``}`;
}

function renderDefault({ default: value, defaultDescription, demandOption, type }: OptionDefinition): string {
  if (demandOption) return "required";
  if (defaultDescription !== undefined) return cell(defaultDescription);
  return value === undefined || type === "boolean" ? "" : `\`${String(value)}\``;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}
