/** Cores, memory and instruction sets of this machine, or of the part that a container may use. */
import { readFileSync } from "node:fs";
import { availableParallelism, totalmem } from "node:os";

/** Cores this process may really use: a container's CPU quota counts, which os.availableParallelism() of Node 20 does not know. */
export function usableCores(): number {
  const quota = cpuQuota();
  return quota === undefined ? availableParallelism() : Math.max(1, Math.min(availableParallelism(), Math.ceil(quota)));
}

/** The container's CPU quota in cores (cgroup v2, then v1); undefined if there is none. */
export function cpuQuota(): number | undefined {
  const [quota, period] = (readLine("/sys/fs/cgroup/cpu.max") ?? "").split(" ").map(Number);
  if (quota > 0 && period > 0) return quota / period;
  const quotaV1 = Number(readLine("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"));
  const periodV1 = Number(readLine("/sys/fs/cgroup/cpu/cpu.cfs_period_us"));
  return quotaV1 > 0 && periodV1 > 0 ? quotaV1 / periodV1 : undefined;
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

function readLine(path: string): string | undefined {
  return readText(path)?.trim();
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
