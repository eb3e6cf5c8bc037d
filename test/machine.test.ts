import assert from "node:assert/strict";
import { test } from "node:test";
import { cpuQuota } from "../src/machine.js";

/** A `readText` of a system with these files. */
const system =
  (files: Record<string, string>) =>
  (path: string): string | undefined =>
    files[path];

const V1 = "/sys/fs/cgroup/cpu";

test("a container's quota is that of its control group, version 2 or 1", () => {
  assert.equal(cpuQuota(system({ "/sys/fs/cgroup/cpu.max": "150000 100000\n" })), 1.5);
  const v1 = { [`${V1}/cpu.cfs_quota_us`]: "50000\n", [`${V1}/cpu.cfs_period_us`]: "100000\n" };
  assert.equal(cpuQuota(system(v1)), 0.5);
});

test("where the groups of the whole machine are seen, the smallest quota of the own one and those around it counts", () => {
  const v2 = {
    "/proc/self/cgroup": "0::/user.slice/user-0.slice/run-7.scope\n",
    "/sys/fs/cgroup/user.slice/cpu.max": "800000 100000\n",
    "/sys/fs/cgroup/user.slice/user-0.slice/cpu.max": "200000 100000\n",
    "/sys/fs/cgroup/user.slice/user-0.slice/run-7.scope/cpu.max": "max 100000\n",
    "/sys/fs/cgroup/system.slice/cpu.max": "100000 100000\n",
  };
  assert.equal(cpuQuota(system(v2)), 2);
  const v1 = {
    "/proc/self/cgroup": "5:memory:/other\n4:cpu,cpuacct:/docker/7f\n0::/\n",
    [`${V1}/docker/7f/cpu.cfs_quota_us`]: "300000\n",
    [`${V1}/docker/7f/cpu.cfs_period_us`]: "100000\n",
    [`${V1}/other/cpu.cfs_quota_us`]: "100000\n",
    [`${V1}/other/cpu.cfs_period_us`]: "100000\n",
  };
  assert.equal(cpuQuota(system(v1)), 3);
});

test("there is no quota without control groups, and where they set none", () => {
  assert.equal(cpuQuota(system({})), undefined);
  assert.equal(cpuQuota(system({ "/sys/fs/cgroup/cpu.max": "max 100000\n" })), undefined);
  const v1 = { [`${V1}/cpu.cfs_quota_us`]: "-1\n", [`${V1}/cpu.cfs_period_us`]: "100000\n" };
  assert.equal(cpuQuota(system(v1)), undefined);
});
