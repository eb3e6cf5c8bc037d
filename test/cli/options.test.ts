import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { type CommandDefinition, defineCommands, type OptionDefinition } from "../../scripts/definitions.js";

/** Options that the command line itself obeys, and where that is tested. */
const OBEYED_HERE = new Map([
  ["strict", "test/cli/predict.test.ts: exit code 3"],
  ["config", "test/cli/train-config.test.ts"],
  ["print-config", "test/cli/train-config.test.ts"],
  ["title", "of bench, for the page that --update names: test/bench/page.test.ts"],
]);

/** Values of options that are parsed: what others take would be refused. */
const PARSED: Record<string, string> = {
  memory: "3G",
  shard: "2/3",
  "max-unreadable": "7",
  metrics: "127.0.0.1:9464",
  exclusive: "a,b",
  target: "a=recall:0.9",
  bands: "3,2,1",
  stretch: "0,3000",
  "finetune-blocks": "2",
};

/** What has to be given beside an option for it to mean something. */
const PARTNERS: Record<string, string[]> = {
  "synth per-tar": ["--tar"],
  "train finetune-epochs": ["--finetune"],
  "train finetune-lr": ["--finetune"],
  "train finetune-blocks": ["--finetune"],
};

const leaves = (command: CommandDefinition): CommandDefinition[] =>
  command.commands.length === 0 ? [command] : command.commands.flatMap(leaves);

function wordsFor(option: OptionDefinition, value: string): string[] {
  if (option.positional) return [value];
  if (option.type === "boolean") return [option.default === true ? `--no-${option.name}` : `--${option.name}`];
  return [`--${option.name}`, value];
}

function firstValue({ choices, type }: OptionDefinition): string {
  if (choices !== undefined) return String(choices[0]);
  return type === "number" ? "3" : "first";
}

/** A command line with only what must be given. */
function plain({ name, options }: CommandDefinition): string[] {
  return [...name.split(" "), ...options.filter((o) => o.demandOption).flatMap((o) => wordsFor(o, firstValue(o)))];
}

/** The same with another value of `option`; undefined where its only value is given anyway. */
function changed({ name, options }: CommandDefinition, option: OptionDefinition): string[] | undefined {
  const value = otherValue(option);
  if (value === undefined) return undefined;
  const kept = options.filter((each) => each.demandOption && each !== option);
  return [...name.split(" "), ...kept.flatMap((o) => wordsFor(o, firstValue(o))), ...wordsFor(option, value)];
}

function otherValue(option: OptionDefinition): string | undefined {
  const { name, choices, type, default: usual, demandOption } = option;
  if (choices !== undefined) return choices.map(String).find((c) => c !== usual && !(demandOption && c === choices[0]));
  return PARSED[name] ?? (type === "number" ? "4" : "other");
}

function record(commandLines: string[][]): unknown[] {
  const script = fileURLToPath(new URL("./option-recorder.js", import.meta.url));
  const result = spawnSync(process.execPath, [script], { input: JSON.stringify(commandLines), encoding: "utf8" });
  assert.equal(result.status, 0, result.stderr);
  return JSON.parse(result.stdout) as unknown[];
}

test("every option of every command reaches the command's operation", () => {
  const cases = defineCommands()
    .flatMap(leaves)
    .flatMap((command) => {
      const options = command.options.filter(({ name }) => !OBEYED_HERE.has(name));
      return options.flatMap((option) => {
        const words = changed(command, option);
        const what = `${command.name} ${option.name}`;
        const beside = PARTNERS[what] ?? [];
        return words === undefined
          ? []
          : [{ what, plain: [...plain(command), ...beside], words: [...words, ...beside] }];
      });
    });
  assert.ok(cases.length > 100, `${cases.length}`);
  const calls = record(cases.flatMap(({ plain, words }) => [plain, words]));
  const dropped = cases.filter((_, i) => {
    const [without, withOption] = [calls[2 * i], calls[2 * i + 1]];
    return JSON.stringify(withOption) === "[]" || JSON.stringify(without) === JSON.stringify(withOption);
  });
  assert.deepEqual(
    dropped.map(({ what }) => what),
    [],
  );
});
