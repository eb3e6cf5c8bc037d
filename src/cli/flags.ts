/** Messages of the library name options in backticks, as the library does; here they become the flags of the command that runs. */

let known: ReadonlySet<string> = new Set();

/** Says which options the command has, without their dashes. */
export function useFlags(names: Iterable<string>): void {
  known = new Set(names);
}

/** Flags with a name of their own. */
const RENAMED: Readonly<Record<string, string>> = {
  learningRate: "lr",
  targets: "target",
  "finetune.epochs": "finetune-epochs",
  "finetune.learningRate": "finetune-lr",
  "finetune.blocks": "finetune-blocks",
};

/** `resume` becomes --resume, `labelColumns: ["name", "tags"]` --label-columns name,tags; what is no option of the command stays. */
export function withFlags(message: string): string {
  return message.replaceAll(/`([a-z][\w.]*)(?:: ([^`]*))?`/gi, (whole: string, name: string, value?: string) => {
    const flag = flagOf(name);
    if (!known.has(flag)) return whole;
    return value === undefined || value === "true" ? `--${flag}` : `--${flag} ${wordOf(value)}`;
  });
}

/** Of groups of options (`decode.maxPixels`) the command line has the members. */
function flagOf(name: string): string {
  const last = name.split(".").at(-1) ?? name;
  return RENAMED[name] ?? RENAMED[last] ?? last.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** A value as it stands in code, as a word of the command line. */
function wordOf(value: string): string {
  if (value === "null") return "none";
  const words = /^\[.*\]$/.test(value) ? value.slice(1, -1).split(/, */) : [value];
  return words.map((word) => word.replaceAll(/^"|"$/g, "")).join(",");
}
