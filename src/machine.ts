/** Cores, memory and instruction sets of this machine, or of the part that a container may use. */
import { readFileSync } from "node:fs";
import { availableParallelism, totalmem } from "node:os";
import { dirname, join } from "node:path";

/** Cores this process may really use: a container's CPU quota counts, which os.availableParallelism() of Node 20 does not know. */
export function usableCores(): number {
  cores ??= Math.min(availableParallelism(), Math.ceil(cpuQuota() ?? Number.POSITIVE_INFINITY));
  return cores;
}
let cores: number | undefined;

/** The CPU quota in cores: the smallest of this process' control group and those around it; undefined if there is none. */
export function cpuQuota(read = readText): number | undefined {
  const groups = ["/", ...(read("/proc/self/cgroup") ?? "").split("\n").flatMap(groupAndParents)];
  const quotas = groups.flatMap((group) => [quotaV2(group, read), quotaV1(group, read)]).filter((quota) => quota > 0);
  return quotas.length === 0 ? undefined : Math.min(...quotas);
}

/** `/a/b`, `/a` for "1:cpu:/a/b" (version 1) and "0::/a/b" (version 2). */
function groupAndParents(line: string): string[] {
  const path = /^\d+:(?:|.*\bcpu\b.*):(\/.+)$/.exec(line)?.[1] ?? "/";
  return path === "/" ? [] : [path, ...groupAndParents(`0::${dirname(path)}`)];
}

function quotaV2(group: string, read: typeof readText): number {
  const [quota, period] = (read(join("/sys/fs/cgroup", group, "cpu.max")) ?? "").split(" ").map(Number);
  return quota / period;
}

function quotaV1(group: string, read: typeof readText): number {
  const folder = join("/sys/fs/cgroup/cpu", group);
  const [quota, period] = ["quota", "period"].map((name) => Number(read(join(folder, `cpu.cfs_${name}_us`))));
  return quota / period;
}

/** The memory limit set on this process' container, in bytes; undefined if only the machine's own memory limits it. */
export function memoryLimit(): number | undefined {
  const limit = process.constrainedMemory();
  return limit > 0 && limit < totalmem() ? limit : undefined;
}

/** Instruction sets that matter to decoding and inference, as Linux names them; empty if they cannot be told. */
export function cpuFeatures(): string[] {
  const flags = /^(?:flags|Features)\s*:\s*(.*)$/m.exec(readText("/proc/cpuinfo") ?? "")?.[1]?.split(" ") ?? [];
  const known = [
    "sse4_1",
    "sse4_2",
    "avx",
    "avx2",
    "fma",
    "f16c",
    "avx512f",
    "avx512_vnni",
    "avx_vnni",
    "amx_tile",
    "asimd",
    "asimddp",
    "i8mm",
  ];
  return known.filter((name) => flags.includes(name));
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
